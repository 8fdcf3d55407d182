// One attempt in the history on the wire.

import { z } from '@hono/zod-openapi';
import { TRIGGERS } from '../../model/job.ts';
import { RUN_STATUSES } from '../../model/run.ts';
import {
  DurationMsSchema,
  InstantSchema,
  NextCursorSchema,
  orNull,
  PageQuerySchema,
  ProjectIdSchema,
  QueryInstantSchema,
  queryInteger,
  ReasonSchema,
  SuccessSchema,
} from './common.ts';

const RunSchema = z
  .object({
    runId: z.int(),
    projectId: z.string(),
    projectName: z.string(),
    status: z.enum(RUN_STATUSES).nullable().openapi({ description: 'Null while it runs.' }),
    trigger: z.enum(TRIGGERS),
    startedAt: InstantSchema,
    finishedAt: InstantSchema.nullable(),
    durationMs: DurationMsSchema.nullable(),
    attempt: z.int(),
    commit: z.string().nullable(),
    branch: z.string().nullable(),
    filesChanged: z.int(),
    bytesPushed: z.int(),
    remotes: z.array(
      z.object({
        name: z.string(),
        branch: z.string(),
        status: z.enum(['pushed', 'up-to-date', 'failed', 'skipped']),
        from: z.string().nullable(),
        to: z.string().nullable(),
      }),
    ),
    error: orNull(ReasonSchema.extend({ retryable: z.boolean() })),
  })
  .openapi('Run');
export type WireRun = z.infer<typeof RunSchema>;

export const RunsQuerySchema = PageQuerySchema.extend({
  status: z.enum(RUN_STATUSES).optional(),
  since: QueryInstantSchema.optional(),
  until: QueryInstantSchema.optional(),
});
export const HistoryQuerySchema = RunsQuerySchema.extend({ projectId: ProjectIdSchema.optional() });
export const HistoryAnswerSchema = z
  .object({ success: SuccessSchema, history: z.array(RunSchema), nextCursor: NextCursorSchema })
  .openapi('HistoryAnswer');

const MAX_DAYS = 36_500;
export const DeleteHistoryQuerySchema = z.object({
  olderThanDays: queryInteger(0, MAX_DAYS, 30).openapi({ description: '0: every finished run.' }),
  projectId: ProjectIdSchema.optional(),
});
/** The same as a body, for callers who prefer one; its values win over the query's. */
export const DeleteHistoryBodySchema = z.strictObject({
  olderThanDays: z.int().min(0).max(MAX_DAYS).optional(),
  projectId: ProjectIdSchema.optional(),
});
export const DeleteHistoryAnswerSchema = z.object({ success: SuccessSchema, deleted: z.int() });
