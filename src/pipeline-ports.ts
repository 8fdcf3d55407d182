// What the pipeline is built from and what it offers; the story itself is in pipeline.ts.

import type { EventBus } from './events/types.ts';
import type { ChangeScanner } from './git/changes/change-scanner.ts';
import type { Clock, Random } from './host/clock.ts';
import type { Log } from './host/log.ts';
import type { Reason } from './model/failure.ts';
import type { ProjectId } from './model/ids.ts';
import type { JobView, Trigger } from './model/job.ts';
import type { Project } from './model/project.ts';
import type { SchedulerStatus, TriggerAllResult, TriggerOptions, WatcherStatus } from './model/service.ts';
import type { LeaseTerms } from './runner/open-worker.ts';
import type { ProjectTable } from './runner/project-table.ts';
import type { RunJobPorts } from './runner/run-job.ts';
import type { WatchPorts } from './runner/watch-projects.ts';
import type { Database } from './store/database.ts';

export type PipelinePorts = {
  db: Database;
  bus: EventBus;
  clock: Clock;
  random: Random;
  log: Log;
  workerId: string;
  machineId: string;
  projects: ProjectTable;
  scanner: ChangeScanner;
  /** Null: scans alone find changes. */
  watch: WatchPorts | null;
  /** Left out: as the service takes it. */
  lease?: LeaseTerms;
  job: Pick<RunJobPorts, 'sync' | 'refresh' | 'explain' | 'progress'>;
  /** Enrols what lies under the roots and consented in its project.json. */
  findConsented(): Promise<void>;
  /** Removes what is too old, gives another chance to what was given up. */
  upkeep(): Promise<void>;
  settings(): PipelineSettings;
};

/** How something is queued; `delayMs` null: the project's quiet period. */
export type Asked = {
  trigger: Trigger;
  delayMs: number | null;
  force: boolean;
  askRemote: boolean;
  priority?: number;
};

type PipelineSettings = {
  scanIntervalMs: number;
  /** 0: remotes are not asked by themselves. */
  pollIntervalMs: number;
  maxConcurrentSyncs: number;
  maxSyncsPerCredential: number;
  maxRetries: number;
  retryDelayMs: number;
  rateLimitDelayMs: number;
  jobTimeoutMs: number;
  shutdownGraceMs: number;
};

export type Pipeline = {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Watches a project, or no longer when it was disabled. */
  include(project: Project): Promise<void>;
  exclude(projectId: ProjectId): Promise<void>;
  /** Queues a full look at a project that is new or whose settings changed. */
  look(projectId: ProjectId): Promise<void>;
  triggerAll(options: TriggerOptions): Promise<TriggerAllResult>;
  triggerProject(projectId: ProjectId, options: TriggerOptions): Promise<JobView>;
  /** Why a project that looks safe may not be called so now; null when nothing speaks against it. */
  unsure(projectId: ProjectId): Reason | null;
  /** Something in the queue changed from outside: look now. */
  wake(): void;
  scheduler(): SchedulerStatus;
  watcher(): WatcherStatus;
};
