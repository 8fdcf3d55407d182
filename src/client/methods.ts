// The methods of the client: one for every route, with what goes in and what comes out.
// Types alone, from the schemas that the service checks with; nothing of the service is loaded.

import type { z } from 'zod';
import type { AuditAnswerSchema } from '../http/schemas/audit.ts';
import type { BackupAnswerSchema } from '../http/schemas/backup.ts';
import type { ConflictAnswerSchema } from '../http/schemas/conflict.ts';
import type { FeedPageSchema, TicketAnswerSchema } from '../http/schemas/feed.ts';
import type { HeldAnswerSchema, ReleaseBodySchema } from '../http/schemas/held.ts';
import type {
  QueueAnswerSchema,
  TriggerAllAnswerSchema,
  TriggerOneAnswerSchema,
} from '../http/schemas/job.ts';
import type { MachinesAnswerSchema } from '../http/schemas/machine.ts';
import type {
  DiscoverAnswerSchema,
  ProjectAnswerSchema,
  ProjectsAnswerSchema,
  RemoveProjectAnswerSchema,
  WireProject,
} from '../http/schemas/project.ts';
import type { DeleteHistoryAnswerSchema, HistoryAnswerSchema, WireRun } from '../http/schemas/run.ts';
import type { RunMetricsAnswerSchema } from '../http/schemas/run-metrics.ts';
import type {
  RestoreAnswerSchema,
  SnapshotDiffAnswerSchema,
  SnapshotsAnswerSchema,
} from '../http/schemas/snapshot.ts';
import type {
  ConfigAnswerSchema,
  ConfigChangedSchema,
  ServiceAnswerSchema,
  StatusAnswerSchema,
  WireHealth,
} from '../http/schemas/status.ts';
import type {
  AddTokenBodySchema,
  TokenAddedSchema,
  TokenRevokedSchema,
  TokensAnswerSchema,
} from '../http/schemas/token.ts';
import type { WantedRepository } from '../model/github.ts';
import type { GithubConfigPatch } from '../model/project-config.ts';
import type { CallOptions } from './call-options.ts';
import type { HostMethods } from './host-methods.ts';
import type { NoticeMethods } from './notice-methods.ts';

type Answer<Schema extends z.ZodType> = Promise<z.infer<Schema>>;
type Page = { limit?: number; cursor?: string };
/** An ISO 8601 date or instant. */
type When = string | Date;
type RunsQuery = Page & { status?: NonNullable<WireRun['status']>; since?: When; until?: When };
/** `immediate` skips the quiet period; `priority` is 0 to 10, 10 first. */
export type TriggerInput = { immediate?: boolean; priority?: number };
/** An instant as epoch milliseconds; left out: until resumed. */
type PauseInput = { untilMs?: number | null };
type ProjectInput = { projectName?: string; github?: GithubConfigPatch };
type PollQuery = {
  since?: number;
  epoch?: string;
  types?: readonly string[];
  limit?: number;
  timeoutMs?: number;
};
type QueueState = 'scheduled' | 'ready' | 'running' | 'parked';

type ServiceMethods = {
  start(options?: CallOptions): Answer<typeof ServiceAnswerSchema>;
  /** Running syncs may finish; the API stays. */
  stop(options?: CallOptions): Answer<typeof ServiceAnswerSchema>;
  status(options?: CallOptions): Answer<typeof StatusAnswerSchema>;
  pause(input?: PauseInput, options?: CallOptions): Answer<typeof ServiceAnswerSchema>;
  resume(options?: CallOptions): Answer<typeof ServiceAnswerSchema>;
  /** Also when the service is down: then `status` of the answer says so. */
  health(options?: CallOptions): Promise<WireHealth>;
  config(options?: CallOptions): Answer<typeof ConfigAnswerSchema>;
  /** All of the settings or none; null takes a saved value back. */
  updateConfig(patch: Record<string, unknown>, options?: CallOptions): Answer<typeof ConfigChangedSchema>;
  backup(input?: { path?: string }, options?: CallOptions): Answer<typeof BackupAnswerSchema>;
  machines(options?: CallOptions): Answer<typeof MachinesAnswerSchema>;
  /** For a WebSocket of your own; `events()` asks for one by itself. */
  ticket(options?: CallOptions): Answer<typeof TicketAnswerSchema>;
  /** One answer of the long poll; `events()` is easier. */
  pollEvents(query?: PollQuery, options?: CallOptions): Answer<typeof FeedPageSchema>;
};

type SyncMethods = {
  trigger(input?: TriggerInput, options?: CallOptions): Answer<typeof TriggerAllAnswerSchema>;
  triggerProject(
    projectId: string,
    input?: TriggerInput,
    options?: CallOptions,
  ): Answer<typeof TriggerOneAnswerSchema>;
  queue(query?: Page & { state?: QueueState }, options?: CallOptions): Answer<typeof QueueAnswerSchema>;
  history(
    query?: RunsQuery & { projectId?: string },
    options?: CallOptions,
  ): Answer<typeof HistoryAnswerSchema>;
  projectHistory(
    projectId: string,
    query?: RunsQuery,
    options?: CallOptions,
  ): Answer<typeof HistoryAnswerSchema>;
  /** A period in equal parts, counted; the last 24 hours when nothing is said. */
  metrics(
    query?: { since?: When; until?: When; buckets?: number; projectId?: string },
    options?: CallOptions,
  ): Answer<typeof RunMetricsAnswerSchema>;
  /** Finished attempts older than `olderThanDays` (30; 0: all). */
  deleteHistory(
    query?: { olderThanDays?: number; projectId?: string },
    options?: CallOptions,
  ): Answer<typeof DeleteHistoryAnswerSchema>;
};

type ProjectMethods = {
  projects(
    query?: Page & { state?: WireProject['state']; q?: string },
    options?: CallOptions,
  ): Answer<typeof ProjectsAnswerSchema>;
  project(projectId: string, options?: CallOptions): Answer<typeof ProjectAnswerSchema>;
  addProject(
    /** `create` makes its repository on the host, private unless said otherwise; `init` as `git init`. */
    input: { path: string; init?: boolean; create?: boolean | WantedRepository } & ProjectInput,
    options?: CallOptions,
  ): Answer<typeof ProjectAnswerSchema>;
  /** Key by key; null takes a key away. */
  updateProject(
    projectId: string,
    input: ProjectInput,
    options?: CallOptions,
  ): Answer<typeof ProjectAnswerSchema>;
  /** Its files stay as they are. */
  removeProject(projectId: string, options?: CallOptions): Answer<typeof RemoveProjectAnswerSchema>;
  pauseProject(
    projectId: string,
    input?: PauseInput,
    options?: CallOptions,
  ): Answer<typeof ProjectAnswerSchema>;
  resumeProject(projectId: string, options?: CallOptions): Answer<typeof ProjectAnswerSchema>;
  /** `preview`: also what each would upload. */
  discover(
    query?: { preview?: 'true' | 'false' },
    options?: CallOptions,
  ): Answer<typeof DiscoverAnswerSchema>;
};

type ContentMethods = {
  snapshots(
    projectId: string,
    query?: Page & { branch?: string },
    options?: CallOptions,
  ): Answer<typeof SnapshotsAnswerSchema>;
  snapshot(
    projectId: string,
    snapshotId: string,
    query?: { against?: 'previous' | 'worktree' },
    options?: CallOptions,
  ): Answer<typeof SnapshotDiffAnswerSchema>;
  /** `paths` left out: everything. A snapshot of now comes first. */
  restore(
    projectId: string,
    input: { snapshot: string; paths?: readonly string[] },
    options?: CallOptions,
  ): Answer<typeof RestoreAnswerSchema>;
  held(projectId: string, query?: Page, options?: CallOptions): Answer<typeof HeldAnswerSchema>;
  releaseHeld(
    projectId: string,
    input: z.input<typeof ReleaseBodySchema>,
    options?: CallOptions,
  ): Answer<typeof TriggerOneAnswerSchema>;
  /** `token` as `held()` showed it with the deletions. */
  confirmDeletions(
    projectId: string,
    input: { token: string },
    options?: CallOptions,
  ): Answer<typeof TriggerOneAnswerSchema>;
  /** Each file with the difference from theirs to mine. */
  conflict(projectId: string, options?: CallOptions): Answer<typeof ConflictAnswerSchema>;
  resolveConflict(
    projectId: string,
    input: { choice: 'mine' | 'theirs' | 'both' },
    options?: CallOptions,
  ): Answer<typeof TriggerOneAnswerSchema>;
};

type AccessMethods = {
  tokens(query?: Page, options?: CallOptions): Answer<typeof TokensAnswerSchema>;
  /** `secret` of the answer is shown this once. */
  addToken(input: z.input<typeof AddTokenBodySchema>, options?: CallOptions): Answer<typeof TokenAddedSchema>;
  revokeToken(tokenId: string, options?: CallOptions): Answer<typeof TokenRevokedSchema>;
  /** Who changed what, newest first. */
  audit(
    query?: Page & { actor?: string; projectId?: string; since?: When; until?: When },
    options?: CallOptions,
  ): Answer<typeof AuditAnswerSchema>;
};

/** All of them throw ClientError. */
export type Methods = ServiceMethods &
  AccessMethods &
  SyncMethods &
  ProjectMethods &
  ContentMethods &
  HostMethods &
  NoticeMethods;
