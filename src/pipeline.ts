import { openRepository } from './git/repository.ts';
import { Failure } from './model/failure.ts';
import type { ProjectId } from './model/ids.ts';
import type { ClaimedJob, Trigger } from './model/job.ts';
import type { Project } from './model/project.ts';
import { timingsOf } from './model/project-config.ts';
import type { TriggerOptions } from './model/service.ts';
import type { Pipeline, PipelinePorts } from './pipeline-ports.ts';
import { enqueue } from './queue/enqueue.ts';
import { priorityOf } from './queue/priority.ts';
import { findJob } from './queue/reads.ts';
import { tick } from './queue/tick.ts';
import { createWorker } from './queue/worker.ts';
import { createBackground } from './runner/background.ts';
import { needsSync } from './runner/git-changes.ts';
import type { ProjectTable } from './runner/project-table.ts';
import { createStatePublisher } from './runner/publish-states.ts';
import { createJobRunner } from './runner/run-job.ts';
import { scanAll } from './runner/scan-all.ts';
import { createScanTimer } from './runner/scan-timer.ts';
import { noteActivity } from './store/projects.ts';
import { createDirtyPaths } from './watch/dirty-paths.ts';
import { createQuietPeriod } from './watch/quiet-period.ts';
import { createWatcher, type Watcher } from './watch/watcher.ts';

const LEASE_MS = 30_000;
const IDLE_POLL_MS = 5_000;
const MAX_CRASHES = 5;
const CRASH_DELAY_MS = 1_000;
const MAIN_BRANCHES: ReadonlySet<string> = new Set(['main', 'master']);

export function createPipeline(ports: PipelinePorts): Pipeline {
  const { db, bus, clock, log, projects, settings } = ports;
  const background = createBackground(log);
  const states = createStatePublisher({ db, bus });
  const startedAt = clock.now();

  // 1. A change is noticed: remember where, wait until it is quiet.
  const hints = createDirtyPaths();
  const quiet = createQuietPeriod({
    clock,
    timings: (projectId) => timings(projects, projectId),
    enqueue: (projectId, delayMs) =>
      background.run('queueing a change', () => queueChange(projectId, delayMs)),
  });
  const changed = (projectId: ProjectId, paths: readonly string[] | 'all') => {
    hints.add(projectId, paths);
    quiet.changed(projectId);
  };
  const watcher =
    ports.watch &&
    createWatcher({
      watchTree: ports.watch.watchTree,
      clock,
      log,
      isIgnored: (projectId, path, isFolder) => isIgnored(ports, projectId, path, isFolder),
      onDirty: ({ projectId, paths }) => changed(projectId, paths),
      onGitChange: (projectId) => background.run('looking at a git command', () => gitChanged(projectId)),
      onDegraded: (status) => log.warn({ ...status }, 'changes of some projects are found by scanning only'),
    });

  async function gitChanged(projectId: ProjectId): Promise<void> {
    const project = projects.get(projectId);
    if (project?.github.enabled && !running.has(projectId) && (await needsSync(project)))
      changed(projectId, 'all');
  }

  // 2. It becomes a row in the queue: from here on it survives a crash.
  async function queueChange(projectId: ProjectId, delayMs: number): Promise<void> {
    await queue([projectId], { trigger: 'watch', delayMs, force: false, askRemote: false });
    await bus.publish([{ type: 'change.detected', projectId, data: {} }]);
    await noteActivity(db, projectId);
    await states.publish([projectId]);
  }

  type Asked = {
    trigger: Trigger;
    delayMs: number | null;
    force: boolean;
    askRemote: boolean;
    priority?: number;
  };
  async function queue(projectIds: readonly ProjectId[], asked: Asked) {
    const priority = Math.max(
      0,
      ...projectIds.map((id) => asked.priority ?? urgency(projects.get(id), clock.now())),
    );
    const queued = await enqueue(db, { ...asked, projectIds, priority });
    bus.notify();
    worker.wake();
    return queued;
  }

  // 3. The worker claims what is due, runs it, and settles it.
  const running = new Map<ProjectId, ClaimedJob>();
  const runJob = createJobRunner({ ...ports, ...ports.job, hints, settings });
  const worker = createWorker({
    clock,
    leaseMs: LEASE_MS,
    idlePollMs: IDLE_POLL_MS,
    maxConcurrent: () => settings().maxConcurrentSyncs,
    jobTimeoutMs: () => settings().jobTimeoutMs,
    fetch: async (freeSlots, held) => {
      const { workerId, machineId } = ports;
      const limits = { leaseMs: LEASE_MS, maxCrashes: MAX_CRASHES, crashDelayMs: CRASH_DELAY_MS };
      const answer = await tick(db, { workerId, machineId, freeSlots, held, ...limits });
      bus.notify();
      return answer;
    },
    run: async (job, signal) => {
      running.set(job.projectId, job);
      try {
        await states.publish([job.projectId]);
        await runJob(job, signal);
      } finally {
        running.delete(job.projectId);
      }
      await states.publish([job.projectId]);
      // Git commands during the run were set aside, because our own look the same.
      background.run('looking at a git command', () => gitChanged(job.projectId));
    },
    onError: (error, job) => log.error({ err: error, projectId: job?.projectId }, 'the worker met a fault'),
  });

  // 4. What events missed, the scan finds; the caller may ask for one too.
  const stopping = new AbortController();
  const scan = (asked: TriggerOptions & { trigger: 'scan' | 'api' }) =>
    scanAll(asked, {
      ...ports,
      refresh: ports.job.refresh,
      hints,
      queue,
      include,
      isRunning: (projectId) => running.has(projectId),
      publishStates: states.publish,
      signal: stopping.signal,
    });
  const timer = createScanTimer({
    clock,
    random: ports.random,
    log,
    intervalMs: () => settings().scanIntervalMs,
    scan: async () => {
      await scan({ trigger: 'scan', immediate: false });
      await ports.upkeep();
    },
  });

  async function include(project: Project): Promise<void> {
    projects.put(project);
    if (project.github.enabled) await watchProject(project, watcher);
    else await watcher?.remove(project.projectId);
    await states.publish([project.projectId]);
  }

  return {
    async start() {
      worker.start();
      timer.start();
      await bus.publish([{ type: 'service.started', data: { machineId: ports.machineId } }]);
    },
    async stop() {
      stopping.abort();
      await timer.stop();
      await watcher?.close();
      quiet.close();
      await worker.stop(settings().shutdownGraceMs);
      await background.settled();
      await bus.publish([{ type: 'service.stopped', data: { machineId: ports.machineId } }]);
    },
    include,
    async exclude(projectId) {
      await watcher?.remove(projectId);
      projects.delete(projectId);
      quiet.forget(projectId);
      hints.forget(projectId);
      states.forget(projectId);
    },
    triggerAll: (options) => scan({ ...options, trigger: 'api' }),
    async triggerProject(projectId, { immediate, priority }) {
      hints.add(projectId, 'all');
      const parked = (await findJob(db, projectId))?.state === 'parked';
      const asked = { trigger: 'api' as const, delayMs: 0, force: immediate || parked, askRemote: true };
      await queue([projectId], { ...asked, ...(priority !== undefined && { priority }) });
      await states.publish([projectId]);
      const job = await findJob(db, projectId);
      if (job === null) throw new Failure('project-disabled', `The project ${projectId} is not enabled.`);
      return job;
    },
    publishStates: states.publish,
    wake: () => worker.wake(),
    scheduler: () => ({ running: true, startedAt, ...timer.times(), activeSyncs: worker.active() }),
    watcher: () =>
      watcher?.status() ?? { mode: 'scan-only', watched: 0, degradedReason: 'Watching is switched off.' },
  };
}

function timings(projects: ProjectTable, projectId: ProjectId) {
  const project = projects.get(projectId);
  return project ? timingsOf(project.github) : { quietMs: 0, maxWaitMs: 0 };
}

function urgency(project: Project | undefined, now: number): number {
  if (project === undefined) return 0;
  const { branch, unpushedCommits } = project.facts;
  return priorityOf({
    lastActivityAt: now,
    isMainBranch: branch !== null && MAIN_BRANCHES.has(branch),
    pendingCommits: unpushedCommits,
    now,
  });
}

async function isIgnored(ports: PipelinePorts, projectId: ProjectId, path: string, isFolder: boolean) {
  const project = ports.projects.get(projectId);
  if (project === undefined || ports.watch === null) return true;
  return ports.watch.isIgnored(project, path, isFolder);
}

/** Once: a project that is watched, or that fell back to scanning a moment ago, is left as it is. */
async function watchProject(project: Project, watcher: Watcher | null): Promise<void> {
  const { projectId, path } = project;
  if (watcher === null || watcher.projectStatus(projectId) !== null) return;
  try {
    const { gitDir, commonDir } = await openRepository(path);
    await watcher.add({ projectId, path, gitDir, commonDir });
  } catch (error) {
    if (!(error instanceof Failure)) throw error; // folder gone: the next scan tries again
  }
}
