// The API's shapes by the names the page uses. Types alone: nothing of the schemas is loaded.

import type { z } from 'zod';
import type { ConflictAnswerSchema } from '../http/schemas/conflict.ts';
import type { FeedMessage } from '../http/schemas/feed.ts';
import type { HeldAnswerSchema } from '../http/schemas/held.ts';
import type { QueueAnswerSchema, WireJob } from '../http/schemas/job.ts';
import type { MachinesAnswerSchema } from '../http/schemas/machine.ts';
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
