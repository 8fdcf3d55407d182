// A job and the queue on the wire.

import { z } from '@hono/zod-openapi';
import { JOB_STATES } from '../../model/job.ts';
import { SYNC_PHASES } from '../../model/progress.ts';
import {
  DurationMsSchema,
  InstantSchema,
  NextCursorSchema,
  orNull,
  PageQuerySchema,
  ReasonSchema,
  SuccessSchema,
} from './common.ts';

const WAITING_STATES = ['scheduled', 'ready', 'running', 'parked'] as const;

export const JobSchema = z
  .object({
    jobId: z.string().openapi({ example: '1' }),
    projectId: z.string(),
    state: z.enum(JOB_STATES).openapi({ description: '`idle`: it has just ended and nothing waits.' }),
    priority: z.int().min(0).max(10).openapi({ description: '10 first.' }),
    attempt: z.int().min(0),
    runAt: InstantSchema.nullable(),
    startedAt: InstantSchema.nullable(),
    waitingFor: z
      .string()
      .nullable()
      .openapi({ description: '`gate:<key>`, `slot`, `quiet-period`, `quiet-hours` or null.' }),
    lastError: orNull(ReasonSchema),
  })
  .openapi('Job');
export type WireJob = z.infer<typeof JobSchema>;

const ProgressSchema = z
  .object({
    phase: z.enum(SYNC_PHASES),
    objects: z.int().nullable().openapi({ description: 'Sent so far; null where nobody counts them.' }),
    objectsTotal: z.int().nullable(),
    bytes: z.int().openapi({ description: 'Sent or received so far in this phase.' }),
  })
  .openapi('Progress');

const ActiveJobSchema = JobSchema.extend({
  progress: orNull(ProgressSchema).openapi({ description: 'Null for what runs on another machine.' }),
}).openapi('ActiveJob');
export type WireActiveJob = z.infer<typeof ActiveJobSchema>;

const QueueStatsSchema = z.object({
  queueSize: z.int(),
  activeSyncs: z.int(),
  scheduled: z.int(),
  ready: z.int(),
  parked: z.int(),
  oldestWaitMs: DurationMsSchema,
});

export const QueueQuerySchema = PageQuerySchema.extend({ state: z.enum(WAITING_STATES).optional() });
export const QueueAnswerSchema = z
  .object({
    success: SuccessSchema,
    queue: z.array(JobSchema),
    active: z.array(ActiveJobSchema),
    stats: QueueStatsSchema,
    nextCursor: NextCursorSchema,
  })
  .openapi('QueueAnswer');

export const TriggerBodySchema = z
  .strictObject({
    immediate: z.boolean().default(false).openapi({ description: 'Skip the quiet period.' }),
    priority: z.int().min(0).max(10).optional().openapi({ description: '10 first.' }),
  })
  .openapi('TriggerRequest');
export const TriggerAllAnswerSchema = z
  .object({
    success: SuccessSchema,
    scanned: z.int(),
    queued: z.array(z.object({ projectId: z.string(), jobId: z.string() })),
    skipped: z.array(z.object({ projectId: z.string(), reason: z.string() })),
  })
  .openapi('TriggerAnswer');
export const TriggerOneAnswerSchema = z.object({ success: SuccessSchema, job: JobSchema });
