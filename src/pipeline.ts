// THE STORY. A file changes → its project's quiet period → a row in the queue → a claim → a sync → the row is
// settled, history and events with it → everyone who listens is told. Read this file first.
//
//   watcher ──┐
//   scan ─────┼─► hints + quiet period ─► enqueue ─► worker: tick (claim) ─► runJob ─► settle ─► states, feed
//   API ──────┘        (memory)           (libSQL)      (lease, fence)       (git)    (libSQL)
//
// The rooms do not know each other; here they are joined. Events are hints: what a crash forgets, the scan finds.

import { Failure } from './model/failure.ts';
import type { JobId, ProjectId } from './model/ids.ts';
import type { ClaimedJob, JobView } from './model/job.ts';
import type { Project } from './model/project.ts';
import type { SchedulerStatus, TriggerAllResult, TriggerOptions, WatcherStatus } from './model/service.ts';
import type { Asked, Pipeline, PipelinePorts } from './pipeline-ports.ts';
import { enqueue } from './queue/enqueue.ts';
import type { Lease } from './queue/heartbeat.ts';
import { findJob } from './queue/reads.ts';
import { tick } from './queue/tick.ts';
import { createWorker, type Worker } from './queue/worker.ts';
import { type Background, createBackground } from './runner/background.ts';
import { needsSync } from './runner/git-changes.ts';
import { createStatePublisher, type StatePublisher } from './runner/publish-states.ts';
import { createJobRunner } from './runner/run-job.ts';
import { type ScanAsked, scanAll } from './runner/scan-all.ts';
import { createScanTimer, type ScanTimer } from './runner/scan-timer.ts';
import { quietPeriodOf, urgencyOf } from './runner/urgency.ts';
import { openWatch, type ProjectWatcher } from './runner/watch-projects.ts';
import { noteActivity } from './store/projects.ts';
import { createDirtyPaths, type DirtyPathsStore } from './watch/dirty-paths.ts';
import { createQuietPeriod, type QuietPeriod } from './watch/quiet-period.ts';

const LEASE = { leaseMs: 30_000, maxCrashes: 5, crashDelayMs: 1_000 };
const IDLE_POLL_MS = 5_000;

/** One life of the pipeline, from start to stop; a stopped one is not started again. */
export function createPipeline(ports: PipelinePorts): Pipeline {
  return new SyncPipeline(ports);
}

class SyncPipeline implements Pipeline {
  readonly #ports: PipelinePorts;
  readonly #startedAt: number;
  readonly #stopping = new AbortController();
  readonly #running = new Set<ProjectId>();
  readonly #background: Background;
  readonly #states: StatePublisher;
  readonly #hints: DirtyPathsStore;
  readonly #quiet: QuietPeriod;
  readonly #watcher: ProjectWatcher;
  readonly #runJob: (job: ClaimedJob, signal: AbortSignal) => Promise<void>;
  readonly #worker: Worker;
  readonly #timer: ScanTimer;

  constructor(ports: PipelinePorts) {
    const { clock, log, settings } = ports;
    this.#ports = ports;
    this.#startedAt = clock.now();
    this.#background = createBackground(log);
    this.#states = createStatePublisher(ports);
    this.#hints = createDirtyPaths();
    this.#quiet = createQuietPeriod({
      clock,
      timings: (projectId) => quietPeriodOf(ports.projects.get(projectId)),
      enqueue: (projectId, delayMs) => this.#queueChange(projectId, delayMs),
    });
    this.#watcher = openWatch(ports, {
      onDirty: ({ projectId, paths }) => this.#noteChange(projectId, paths),
      onGitChange: (projectId) => this.#lookAtGit(projectId),
    });
    this.#runJob = createJobRunner({ ...ports, ...ports.job, hints: this.#hints });
    this.#worker = createWorker({
      clock,
      leaseMs: LEASE.leaseMs,
      idlePollMs: IDLE_POLL_MS,
      maxConcurrent: () => settings().maxConcurrentSyncs,
      jobTimeoutMs: () => settings().jobTimeoutMs,
      fetch: (freeSlots, held) => this.#claim(freeSlots, held),
      run: (job, signal) => this.#run(job, signal),
      onError: (error, job) => log.error({ err: error, projectId: job?.projectId }, 'the worker met a fault'),
    });
    this.#timer = createScanTimer({
      ...ports,
      intervalMs: () => settings().scanIntervalMs,
      scan: async () => {
        await this.#scan({ trigger: 'scan', immediate: false });
        await ports.upkeep();
      },
    });
  }

  // 1. A change is noticed: remember where, and wait until it is quiet.

  #noteChange(projectId: ProjectId, paths: readonly string[] | 'all'): void {
    this.#hints.add(projectId, paths);
    this.#quiet.changed(projectId);
  }

  /** Somebody's git command, or our own: only refs that differ from what was synced last need anything. */
  #lookAtGit(projectId: ProjectId): void {
    this.#background.run('looking at a git command', async () => {
      const project = this.#ports.projects.get(projectId);
      if (!project?.github.enabled || this.#running.has(projectId)) return;
      if (await needsSync(project)) this.#noteChange(projectId, 'all');
    });
  }

  // 2. It becomes a row in the queue: from here on it survives a crash.

  #queueChange(projectId: ProjectId, delayMs: number): void {
    this.#background.run('queueing a change', async () => {
      const { db, bus } = this.#ports;
      await this.#queue([projectId], { trigger: 'watch', delayMs, force: false, askRemote: false });
      await bus.publish([{ type: 'change.detected', projectId, data: {} }]);
      await noteActivity(db, projectId);
      await this.#states.publish([projectId]);
    });
  }

  async #queue(
    projectIds: readonly ProjectId[],
    asked: Asked,
  ): Promise<{ projectId: ProjectId; jobId: JobId }[]> {
    const { db, bus, projects, clock } = this.#ports;
    const urgencies = projectIds.map((id) => urgencyOf(projects.get(id), asked.priority, clock.now()));
    const queued = await enqueue(db, { ...asked, projectIds, priority: Math.max(0, ...urgencies) });
    bus.notify();
    this.#worker.wake();
    return queued;
  }

  // 3. The worker claims what is due, runs it, and settles it with its history.

  async #claim(freeSlots: number, held: Lease[]) {
    const { db, bus, workerId, machineId } = this.#ports;
    const answer = await tick(db, { workerId, machineId, freeSlots, held, ...LEASE });
    bus.notify();
    return answer;
  }

  async #run(job: ClaimedJob, signal: AbortSignal): Promise<void> {
    const { projectId } = job;
    this.#running.add(projectId);
    try {
      await this.#states.publish([projectId]);
      await this.#runJob(job, signal);
    } finally {
      this.#running.delete(projectId);
    }
    await this.#states.publish([projectId]);
    // Git commands during the run were set aside, because our own look the same.
    this.#lookAtGit(projectId);
  }

  // 4. What events missed, the scan finds; a caller may ask for one too.

  #scan(asked: ScanAsked): Promise<TriggerAllResult> {
    return scanAll(asked, {
      ...this.#ports,
      refresh: this.#ports.job.refresh,
      hints: this.#hints,
      queue: (projectIds, how) => this.#queue(projectIds, how),
      include: (project) => this.include(project),
      isRunning: (projectId) => this.#running.has(projectId),
      publishStates: (projectIds) => this.#states.publish(projectIds),
      signal: this.#stopping.signal,
    });
  }

  triggerAll(options: TriggerOptions): Promise<TriggerAllResult> {
    return this.#scan({ ...options, trigger: 'api' });
  }

  async triggerProject(projectId: ProjectId, options: TriggerOptions): Promise<JobView> {
    const { db } = this.#ports;
    const parked = (await findJob(db, projectId))?.state === 'parked';
    this.#hints.add(projectId, 'all');
    await this.#queue([projectId], {
      trigger: 'api',
      delayMs: 0,
      force: options.immediate || parked,
      askRemote: true,
      ...(options.priority !== undefined && { priority: options.priority }),
    });
    await this.#states.publish([projectId]);
    const job = await findJob(db, projectId);
    if (job === null) throw new Failure('project-disabled', `The project ${projectId} is not enabled.`);
    return job;
  }

  // Projects come and go, and so does the pipeline.

  async include(project: Project): Promise<void> {
    const { projectId } = project;
    this.#ports.projects.put(project);
    await (project.github.enabled ? this.#watcher.add(project) : this.#watcher.remove(projectId));
    await this.#states.publish([projectId]);
  }

  async look(projectId: ProjectId): Promise<void> {
    this.#hints.add(projectId, 'all');
    await this.#queue([projectId], { trigger: 'api', delayMs: 0, force: false, askRemote: false });
    await this.#states.publish([projectId]);
  }

  async exclude(projectId: ProjectId): Promise<void> {
    await this.#watcher.remove(projectId);
    this.#ports.projects.delete(projectId);
    for (const room of [this.#quiet, this.#hints, this.#states]) room.forget(projectId);
  }

  async start(): Promise<void> {
    const { bus, machineId } = this.#ports;
    this.#worker.start();
    this.#timer.start();
    await bus.publish([{ type: 'service.started', data: { machineId } }]);
  }

  async stop(): Promise<void> {
    const { bus, machineId, settings } = this.#ports;
    this.#stopping.abort(new Failure('aborted', 'The service is stopping.'));
    await this.#timer.stop();
    await this.#watcher.close();
    this.#quiet.close();
    await this.#worker.stop(settings().shutdownGraceMs);
    await this.#background.settled();
    await bus.publish([{ type: 'service.stopped', data: { machineId } }]);
  }

  wake(): void {
    this.#worker.wake();
  }

  scheduler(): SchedulerStatus {
    return {
      running: true,
      startedAt: this.#startedAt,
      ...this.#timer.times(),
      activeSyncs: this.#worker.active(),
    };
  }

  watcher(): WatcherStatus {
    return this.#watcher.status();
  }
}
