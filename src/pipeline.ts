// THE STORY. A file changes → its project's quiet period → a row in the queue → a claim → a sync → the row is
// settled, history and events with it → everyone who listens is told. Read this file first.
//
//   watcher ──┐
//   scan ─────┼─► hints + quiet period ─► enqueue ─► worker: tick (claim) ─► runJob ─► settle ─► states, feed
//   clock ────┤        (memory)           (libSQL)      (lease, fence)       (git)    (libSQL)
//   API ──────┘
//
// The rooms do not know each other; here they are joined. Events are hints: what a crash forgets, the scan finds.

import { Failure, type Reason } from './model/failure.ts';
import type { ProjectId } from './model/ids.ts';
import type { ClaimedJob, JobView } from './model/job.ts';
import { isPaused, type Project } from './model/project.ts';
import type { SchedulerStatus, TriggerAllResult, TriggerOptions, WatcherStatus } from './model/service.ts';
import type { Pipeline, PipelinePorts } from './pipeline-ports.ts';
import { tellQueued, tellStopped } from './runner/announce.ts';
import { type Background, createBackground } from './runner/background.ts';
import { type Certainty, createCertainty } from './runner/certainty.ts';
import { createGitLook, type GitLook } from './runner/git-changes.ts';
import { createKnownLooks, type KnownLooks } from './runner/known-looks.ts';
import { type LocalCommits, openLocalCommits } from './runner/open-local-commits.ts';
import { openTimedWork, type TimedWork } from './runner/open-timed-work.ts';
import { openWorker, type TickingWorker } from './runner/open-worker.ts';
import { createStatePublisher, type StatePublisher } from './runner/publish-states.ts';
import { createQueueing, type Queueing } from './runner/queueing.ts';
import { createJobRunner } from './runner/run-job.ts';
import { type ScanAsked, scanAll } from './runner/scan-all.ts';
import { createScanTimer, type ScanTimer } from './runner/scan-timer.ts';
import { triggerProject } from './runner/trigger-project.ts';
import { quietPeriodOf } from './runner/urgency.ts';
import { openWatch, type ProjectWatcher } from './runner/watch-projects.ts';
import { createDirtyPaths, type DirtyPathsStore } from './watch/dirty-paths.ts';
import { createQuietPeriod, type QuietPeriod } from './watch/quiet-period.ts';

/** One life of the pipeline, from start to stop; a stopped one is not started again. */
export function createPipeline(ports: PipelinePorts): Pipeline {
  return new SyncPipeline(ports);
}

class SyncPipeline implements Pipeline {
  readonly #ports: PipelinePorts;
  readonly #startedAt: number;
  readonly #stopping = new AbortController();
  readonly #running = new Set<ProjectId>();
  readonly #certain: Certainty = createCertainty();
  readonly #git: GitLook = createGitLook();
  readonly #background: Background;
  readonly #states: StatePublisher;
  readonly #looks: KnownLooks;
  readonly #hints: DirtyPathsStore;
  readonly #quiet: QuietPeriod;
  readonly #queue: Queueing;
  readonly #local: LocalCommits;
  readonly #watcher: ProjectWatcher;
  readonly #runJob: (job: ClaimedJob, signal: AbortSignal) => Promise<void>;
  readonly #worker: TickingWorker;
  readonly #timer: ScanTimer;
  readonly #timed: TimedWork;

  constructor(ports: PipelinePorts) {
    const { clock, log, settings } = ports;
    this.#ports = ports;
    this.#startedAt = clock.now();
    this.#background = createBackground(log);
    this.#states = createStatePublisher({ ...ports, unsure: (projectId) => this.unsure(projectId) });
    this.#looks = createKnownLooks(ports);
    this.#hints = createDirtyPaths({ clock });
    this.#queue = createQueueing({
      ...ports,
      wake: () => this.#worker.wake(),
      onHeldBack: (projectId, delayMs) => this.#local.consider(projectId, delayMs),
    });
    this.#quiet = createQuietPeriod({
      clock,
      timings: (projectId) => quietPeriodOf(ports.projects.get(projectId)),
      enqueue: (projectId, delayMs) => this.#local.queue(projectId, delayMs),
    });
    const isRunning = (projectId: ProjectId) => this.#running.has(projectId);
    this.#local = openLocalCommits({
      ...{ ...ports, ...ports.job, hints: this.#hints, isRunning, queue: this.#queue },
      ...{ background: this.#background, signal: this.#stopping.signal, states: this.#states },
      doubt: (projectId, why) => this.#certain.doubt(projectId, why),
      onQueued: (projectIds) => tellQueued(projectIds, { ...ports, states: this.#states }),
    });
    this.#watcher = openWatch(ports, {
      onDirty: ({ projectId, paths, ageMs }) => this.#noteChange(projectId, paths, ageMs),
      onGitChange: (projectId) => this.#lookAtGit(projectId, this.#hints.has(projectId)),
    });
    this.#runJob = createJobRunner({
      ...{ ...ports, ...ports.job, hints: this.#hints },
      compared: (projectId) => this.#certain.compared(projectId),
    });
    this.#worker = openWorker({
      ...ports,
      run: (job, signal) => this.#run(job, signal),
      onAway: () => this.#local.owe(this.#hints.projects()),
    });
    this.#timer = createScanTimer({
      ...ports,
      intervalMs: () => settings().scanIntervalMs,
      scan: () => this.#scan({ trigger: 'scan', immediate: false }).then(() => ports.upkeep()),
    });
    this.#timed = openTimedWork({
      ...{ ...ports, sync: ports.job.sync, queue: this.#queue, hints: this.#hints },
      wakeQueue: () => this.#worker.wake(),
      isRunning,
      publishStates: (projectIds) => this.#states.publish(projectIds),
    });
  }

  // 1. A change is noticed: remember where, and wait until it is quiet.

  #noteChange(projectId: ProjectId, paths: readonly string[] | 'all', ageMs = 0): void {
    // The end of a pause may come before all that changed in it was told: the sync that follows looks everywhere.
    const inPause = isPaused(this.#ports.projects.get(projectId), this.#ports.clock.now());
    this.#hints.add(projectId, inPause ? 'all' : paths);
    this.#quiet.changed(projectId, ageMs);
  }

  /** Somebody's git command, or ours: refs that differ from what was synced need a sync; what `waits` waits on. */
  #lookAtGit(projectId: ProjectId, waits = false): void {
    if (waits) this.#quiet.changed(projectId);
    this.#background.run('looking at a git command', async () => {
      const project = this.#ports.projects.get(projectId);
      if (!project?.github.enabled || this.#running.has(projectId)) return;
      if (await this.#git.needsSync(project)) this.#noteChange(projectId, 'all');
    });
  }

  // 2. It becomes a row in the queue, which survives a crash; what cannot be synced yet is committed here.

  // 3. The worker claims what is due, runs it, and settles it with its history.

  async #run(job: ClaimedJob, signal: AbortSignal): Promise<void> {
    const { projectId } = job;
    this.#running.add(projectId);
    const isTold = this.#states.publishSoon([projectId]);
    try {
      await this.#runJob(job, signal);
    } finally {
      this.#running.delete(projectId);
      await isTold();
    }
    const project = this.#ports.projects.get(projectId);
    if (project) await this.#git.noteRun(project);
    // What it left undone, or what came while it ran.
    if (this.#hints.has(projectId)) this.#local.consider(projectId);
    await this.#states.publish([projectId]);
    // Git commands during the run were set aside, because our own look the same.
    this.#lookAtGit(projectId);
  }

  // 4. What events missed, the scan finds; a caller may ask for one too. What others pushed, questions by the clock find.

  #scan(asked: ScanAsked): Promise<TriggerAllResult> {
    if (this.#ports.db.outage?.()) this.#local.owe(this.#ports.projects.all().map((one) => one.projectId));
    return scanAll(asked, {
      ...this.#ports,
      refresh: this.#ports.job.refresh,
      hints: this.#hints,
      ...{ queue: this.#queue, looks: this.#looks },
      include: (project) => this.#watcher.add(project),
      exclude: (projectId) => this.exclude(projectId),
      commitMeanwhile: (projectId) => this.#local.consider(projectId),
      isRunning: (projectId) => this.#running.has(projectId),
      isCompared: (projectId) => this.#certain.reasonOf(projectId) === null,
      compared: (projectId) => this.#certain.compared(projectId),
      isNews: (projectId, work) => this.#certain.isNews(projectId, work),
      publishStates: (projectIds) => this.#states.publish(projectIds),
      signal: this.#stopping.signal,
    });
  }

  triggerAll(options: TriggerOptions): Promise<TriggerAllResult> {
    return this.#scan({ ...options, trigger: 'api' });
  }

  async triggerProject(projectId: ProjectId, options: TriggerOptions): Promise<JobView> {
    this.#hints.add(projectId, 'all');
    const job = await triggerProject(projectId, options, { db: this.#ports.db, queue: this.#queue });
    await this.#states.publish([projectId]);
    return job;
  }

  // Projects come and go, and so does the pipeline.

  async include(project: Project): Promise<void> {
    this.#ports.projects.put(project);
    this.#timed.wake();
    await this.#watcher.add(project);
    await this.#states.publish([project.projectId]);
  }

  async look(projectId: ProjectId): Promise<void> {
    this.#hints.add(projectId, 'all');
    await this.#queue([projectId], { trigger: 'api', delayMs: 0, force: false, askRemote: false });
    await this.#states.publish([projectId]);
  }

  async exclude(projectId: ProjectId): Promise<void> {
    await this.#watcher.remove(projectId);
    this.#ports.projects.delete(projectId);
    for (const room of [this.#quiet, this.#hints, this.#states, this.#git]) room.forget(projectId);
    for (const room of [this.#certain, this.#timed, this.#local, this.#looks]) room.forget(projectId);
  }

  async start(): Promise<void> {
    const { bus, machineId } = this.#ports;
    this.#worker.start();
    this.#timer.start();
    this.#timed.start();
    await bus.publish([{ type: 'service.started', data: { machineId } }]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Failure('aborted', 'The service is stopping.'));
    await this.#timer.stop();
    await this.#timed.stop();
    await this.#watcher.close();
    this.#quiet.close();
    this.#local.close();
    await this.#worker.stop(this.#ports.settings().shutdownGraceMs);
    await this.#background.settled();
    await tellStopped(this.#ports);
  }

  unsure(projectId: ProjectId): Reason | null {
    return this.#certain.reasonOf(projectId);
  }

  wake(): void {
    this.#worker.wake();
  }

  scheduler(): SchedulerStatus {
    return {
      ...{ running: true, startedAt: this.#startedAt },
      ...this.#timer.times(),
      activeSyncs: this.#worker.active(),
      tickAgeMs: this.#worker.tickAgeMs(),
      owed: this.#local.list(),
    };
  }

  watcher(): WatcherStatus {
    return this.#watcher.status();
  }
}
