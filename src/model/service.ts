// What the HTTP rooms may ask of the running service. app.ts implements it; http/ knows nothing else of it.

import type { JobId, ProjectId } from './ids.ts';
import type { JobView } from './job.ts';
import type { Project } from './project.ts';
import type { GithubConfigPatch } from './project-config.ts';

export type TriggerOptions = { immediate: boolean; priority?: number };

export type TriggerAllResult = {
  scanned: number;
  queued: { projectId: ProjectId; jobId: JobId }[];
  skipped: { projectId: ProjectId; reason: string }[];
};

export type WatcherStatus = { mode: 'events' | 'scan-only'; watched: number; degradedReason: string | null };

export type SchedulerStatus = {
  running: boolean;
  startedAt: number | null;
  lastScanAt: number | null;
  nextScanAt: number | null;
  activeSyncs: number;
};

export type HealthChecks = Record<
  'database' | 'scheduler' | 'watcher' | 'disk',
  { ok: boolean; detail: string }
>;

/** The scheduler, the watcher and the projects, as the API controls them. Failures are thrown as `Failure`. */
export type Service = {
  readonly version: string;
  readonly machineId: string;
  readonly createdAt: number;
  /** Starts watching, scanning and syncing. Starting twice is no error; answers whether it was stopped before. */
  start(): Promise<boolean>;
  /** Lets running jobs finish (up to the shutdown grace), starts no more. */
  stop(): Promise<boolean>;
  scheduler(): SchedulerStatus;
  watcher(): WatcherStatus;
  health(): Promise<HealthChecks>;
  triggerAll(options: TriggerOptions): Promise<TriggerAllResult>;
  /** @throws Failure `project-not-found`, `project-disabled`, `service-stopped` */
  triggerProject(projectId: ProjectId, options: TriggerOptions): Promise<JobView>;
  /** @throws Failure `not-a-repository`, `folder-missing`, `project-exists`, `invalid-request` */
  addProject(input: { path: string; projectName?: string; github?: GithubConfigPatch }): Promise<Project>;
  /** Writes to the settings' one home. @throws Failure `project-not-found`, `project-file-invalid`, `invalid-request` */
  updateProject(
    projectId: ProjectId,
    patch: { projectName?: string; github?: GithubConfigPatch },
  ): Promise<Project>;
  /** Forgets the project; never touches its files. */
  removeProject(projectId: ProjectId): Promise<void>;
  /** `untilMs` null: until resumed. */
  pauseProject(projectId: ProjectId, untilMs: number | null): Promise<void>;
  resumeProject(projectId: ProjectId): Promise<void>;
  /** Git folders under the roots that are not projects yet. */
  discover(): Promise<{ path: string; name: string; remoteUrl: string | null }[]>;
};
