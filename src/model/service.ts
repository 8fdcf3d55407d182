// What the HTTP rooms may ask of the running service. app.ts implements it; http/ knows nothing else of it.

import type { ConflictChoice, ConflictFile } from './conflict.ts';
import type { Reason } from './failure.ts';
import type { FailureCode } from './failure-codes.ts';
import type {
  CredentialStatus,
  ProjectPullRequest,
  RepositoryStatus,
  UploadPreview,
  WantedPullRequest,
  WantedRepository,
} from './github.ts';
import type { JobId, ProjectId } from './ids.ts';
import type { JobView } from './job.ts';
import type { SyncProgress } from './progress.ts';
import type { HeldFile, Project, RefusedDeletions } from './project.ts';
import type { GithubConfigPatch } from './project-config.ts';
import type { ListedDelivery, Webhook, WebhookDelivery, WebhookResult } from './webhook.ts';

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
  /** Since the queue was last looked at; null while stopped or before the first look. */
  tickAgeMs: number | null;
  /** Projects with changes that the queue could not take yet; committed here meanwhile. */
  owed: ProjectId[];
};

export type HealthChecks = Record<
  'database' | 'scheduler' | 'watcher' | 'disk',
  { ok: boolean; detail: string; code?: FailureCode }
>;

/** A point in time; `at` is epoch milliseconds. `filesChanged` counts what differs from the one before. */
export type SnapshotSummary = {
  id: string;
  at: number;
  branch: string;
  filesChanged: number;
  machine: string;
};
export type SnapshotPage = { limit: number; cursor: string | null; branch?: string };
export type SnapshotList = { snapshots: SnapshotSummary[]; nextCursor: string | null };
/** `diff` is null for what is no text or too large; `truncated`: more files differ than are named. */
export type SnapshotComparison = {
  snapshot: SnapshotSummary;
  files: { path: string; kind: 'added' | 'modified' | 'deleted'; diff: string | null }[];
  truncated: boolean;
};
/** `before` is the snapshot of the moment before; `skipped` says why a file stayed as it was. */
export type RestoreResult = {
  before: string;
  restored: string[];
  skipped: { path: string; reason: string }[];
};

/** `diff` goes from theirs to mine; null for what is no text or too large. */
export type ConflictDiff = { files: (ConflictFile & { diff: string | null })[] };

/** What the last sync kept on the machine. */
type HeldBack = { files: HeldFile[]; deletions: RefusedDeletions | null };
/** `once`: this very content, until it is on the remote; `always`: this very content, for ever. */
export type ReleaseInput = {
  paths: readonly string[];
  /** As `github.guard.allow` names contents: `sha1:<oid>`. */
  fingerprints: readonly string[];
  scope: 'once' | 'always';
};

/** `init` makes the folder a repository first, `create` makes one on the host for it. */
export type AddProject = {
  path: string;
  projectName?: string;
  github?: GithubConfigPatch;
  init?: boolean;
  create?: WantedRepository;
  /** For callers who are not on this machine. */
  onlyUnderRoots?: boolean;
};

/** A copy of the database; `path` is absolute. */
export type Backup = { path: string; sizeBytes: number; durationMs: number };

/** Null: nobody set one up. */
type ShownWebhook = { webhook: Webhook | null; deliveries: ListedDelivery[] };

/** The scheduler, the watcher and the projects, as the API controls them. Failures are thrown as `Failure`. */
export type Service = {
  readonly version: string;
  readonly machineId: string;
  readonly createdAt: number;
  /** Starts watching, scanning and syncing. Starting twice is no error; answers whether it was stopped before. */
  start(): Promise<boolean>;
  /** Lets running jobs finish (up to the shutdown grace), starts no more. */
  stop(): Promise<boolean>;
  /** Why a project that looks safe may not be called so now: the service is stopped, or has not looked yet. */
  unsure(projectId: ProjectId): Reason | null;
  /** How far the sync that runs here for the project has come; null while none does. */
  progress(projectId: ProjectId): SyncProgress | null;
  /** This machine's projects for which `unsure` has a reason. */
  unsureProjects(): ProjectId[];
  scheduler(): SchedulerStatus;
  watcher(): WatcherStatus;
  health(): Promise<HealthChecks>;
  triggerAll(options: TriggerOptions): Promise<TriggerAllResult>;
  /** @throws Failure `project-not-found`, `project-disabled`, `service-stopped` */
  triggerProject(projectId: ProjectId, options: TriggerOptions): Promise<JobView>;
  /** Keeps the choice until the conflict is over, and queues the sync that resolves it.
   * @throws Failure `project-not-found`, `project-disabled`, `no-conflict`, `service-stopped` */
  resolveConflict(projectId: ProjectId, choice: ConflictChoice): Promise<JobView>;
  /** @throws Failure `project-not-found`, `no-conflict`, `folder-missing` */
  diffConflict(projectId: ProjectId): Promise<ConflictDiff>;
  /** @throws Failure `project-not-found` */
  heldBack(projectId: ProjectId): Promise<HeldBack>;
  /** Lets the contents go that were held last, all or none, and queues a sync. @throws Failure as a trigger does, and
   * `file-not-held`, `file-not-releasable`; for `always` as `updateProject` does */
  releaseHeld(projectId: ProjectId, input: ReleaseInput): Promise<JobView>;
  /** Confirms exactly the deletions with this digest, and queues a sync. @throws Failure as a trigger does, and
   * `no-deletions`, `deletions-changed`, `folder-missing`, `not-a-repository` */
  confirmDeletions(projectId: ProjectId, token: string): Promise<JobView>;
  /**
   * @throws Failure `not-a-repository`, `folder-missing`, `project-exists`, `invalid-request`, `path-outside-roots`; with `create` also
   *   `remote-exists`, `repository-exists`, `repository-refused`, `no-github-api`, and as every request to the host
   */
  addProject(input: AddProject): Promise<Project>;
  /** What adding the folder would upload. Changes nothing. @throws Failure as `addProject`, and `job-timeout` */
  previewProject(input: Pick<AddProject, 'path' | 'github' | 'onlyUnderRoots'>): Promise<UploadPreview>;
  /** The same of many, within ten seconds; null for those there was no time for, or that cannot be read. */
  previewFolders(paths: readonly string[]): Promise<ReadonlyMap<string, UploadPreview | null>>;
  /**
   * The credentials that are known or needed, each as its host takes it; asked anew every ten minutes, or with
   * `refresh`. Never throws for one of them.
   */
  credentials(input: { refresh: boolean }): Promise<CredentialStatus[]>;
  /** What the host says of the project's repository. @throws Failure `project-not-found`, `project-elsewhere`, `remote-missing` */
  repository(projectId: ProjectId): Promise<RepositoryStatus>;
  /**
   * For work that waits on a branch beside its own; the open one, if there is one.
   * @throws Failure `no-side-branch`, `no-github-api`, `pull-request-refused`, and as `repository` does
   */
  openPullRequest(projectId: ProjectId, wanted: WantedPullRequest): Promise<ProjectPullRequest>;
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
  /** Every project there is, each as by `pauseProject`; one that is added later is not paused. */
  pauseAll(untilMs: number | null): Promise<void>;
  /** Also those that were paused one by one. */
  resumeAll(): Promise<void>;
  /** Newest first, thinned out by the project's policy. @throws Failure `project-not-found`, `folder-missing` */
  listSnapshots(projectId: ProjectId, page: SnapshotPage): Promise<SnapshotList>;
  /** @throws Failure `snapshot-not-found`, and as `listSnapshots` does */
  diffSnapshot(
    projectId: ProjectId,
    id: string,
    against: 'previous' | 'worktree',
  ): Promise<SnapshotComparison>;
  /**
   * Takes a snapshot of now, then brings files back; `paths` null: all. Leaves HEAD and the index alone.
   * @throws Failure `snapshot-not-found`, `invalid-request`, `repository-busy`, and as a sync does
   */
  restoreSnapshot(
    projectId: ProjectId,
    input: { snapshot: string; paths: readonly string[] | null },
  ): Promise<RestoreResult>;
  /**
   * Copies the database while it is in use; `path` null: a new file among the backups. Never replaces a file.
   * @throws Failure `backup-exists`, `backup-elsewhere`, `invalid-request`, `disk-full`, `database-corrupt`
   */
  backUp(path: string | null): Promise<Backup>;
  /** Acts once upon each signed delivery. @throws Failure `webhook-signature-invalid`, `malformed-json`, `invalid-request` */
  receiveWebhook(delivery: WebhookDelivery): Promise<WebhookResult>;
  /** The webhook of the project's repository and its newest deliveries. @throws Failure `project-not-found` */
  webhook(projectId: ProjectId): Promise<ShownWebhook>;
  /** @throws Failure `public-url-missing`, `webhook-refused`, `no-github-api`, and as `repository` does */
  registerWebhook(projectId: ProjectId): Promise<ShownWebhook>;
  /** Takes it away, and registers none again until asked. @throws Failure as `registerWebhook` does */
  removeWebhook(projectId: ProjectId): Promise<ShownWebhook>;
  /** Git folders under the roots that are not projects yet. */
  discover(): Promise<{ path: string; name: string; remoteUrl: string | null }[]>;
};
