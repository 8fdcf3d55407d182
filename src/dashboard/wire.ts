// The API's shapes by the names the page uses. Types alone: nothing of the schemas is loaded.

import type { z } from 'zod';
import type { AuditAnswerSchema, WireAuditEntry } from '../http/schemas/audit.ts';
import type { ConflictAnswerSchema } from '../http/schemas/conflict.ts';
import type { FeedMessage } from '../http/schemas/feed.ts';
import type { HeldAnswerSchema } from '../http/schemas/held.ts';
import type { QueueAnswerSchema, WireJob } from '../http/schemas/job.ts';
import type { MachinesAnswerSchema } from '../http/schemas/machine.ts';
import type { NoticesAnswerSchema, NoticeTestAnswerSchema } from '../http/schemas/notice.ts';
import type { DiscoverAnswerSchema, WireProject } from '../http/schemas/project.ts';
import type { RepositoryAnswerSchema, WireCredential, WireUpload } from '../http/schemas/repository.ts';
import type { WireRun } from '../http/schemas/run.ts';
import type { RunMetricsAnswerSchema } from '../http/schemas/run-metrics.ts';
import type {
  RestoreAnswerSchema,
  SnapshotDiffAnswerSchema,
  SnapshotsAnswerSchema,
} from '../http/schemas/snapshot.ts';
import type { ConfigAnswerSchema, WireStatus } from '../http/schemas/status.ts';
import type { TokenAddedSchema, TokensAnswerSchema, WireAccessToken } from '../http/schemas/token.ts';

export type Project = WireProject;
export type Status = WireStatus;
export type Job = WireJob;
export type Run = WireRun;
export type Message = FeedMessage;
export type Queue = z.infer<typeof QueueAnswerSchema>;
export type ActiveJob = Queue['active'][number];
export type Progress = NonNullable<ActiveJob['progress']>;
export type Machine = z.infer<typeof MachinesAnswerSchema>['machines'][number];
export type Folder = z.infer<typeof DiscoverAnswerSchema>['folders'][number];
export type Conflict = z.infer<typeof ConflictAnswerSchema>;
export type RunMetrics = z.infer<typeof RunMetricsAnswerSchema>;
export type Credential = WireCredential;
export type Upload = WireUpload;
export type Repository = z.infer<typeof RepositoryAnswerSchema>['repository'];
export type Held = z.infer<typeof HeldAnswerSchema>;
export type SnapshotPage = z.infer<typeof SnapshotsAnswerSchema>;
export type SnapshotDiff = z.infer<typeof SnapshotDiffAnswerSchema>;
export type Restored = z.infer<typeof RestoreAnswerSchema>;
export type Config = z.infer<typeof ConfigAnswerSchema>;
export type AuditEntry = WireAuditEntry;
export type AuditPage = z.infer<typeof AuditAnswerSchema>;
export type NoticePage = z.infer<typeof NoticesAnswerSchema>;
export type Notice = NoticePage['notices'][number];
export type NoticeTarget = NoticePage['targets'][number];
export type NoticeTest = z.infer<typeof NoticeTestAnswerSchema>;
export type AccessToken = WireAccessToken;
export type TokenPage = z.infer<typeof TokensAnswerSchema>;
export type TokenAdded = z.infer<typeof TokenAddedSchema>;
