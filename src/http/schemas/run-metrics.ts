// The history of a period in figures, on the wire.

import { z } from '@hono/zod-openapi';
import {
  DurationMsSchema,
  InstantSchema,
  ProjectIdSchema,
  QueryInstantSchema,
  queryInteger,
  SuccessSchema,
} from './common.ts';

export const RunMetricsQuerySchema = z.object({
  since: QueryInstantSchema.optional().openapi({ description: 'Default: a day before `until`.' }),
  until: QueryInstantSchema.optional().openapi({ description: 'Default: now.' }),
  buckets: queryInteger(1, 200, 48).openapi({ description: 'Into so many equal parts.' }),
  projectId: ProjectIdSchema.optional(),
});

const FiguresSchema = z.object({
  syncs: z.int(),
  good: z.int().openapi({ description: 'Those that brought something to a remote.' }),
  bad: z.int().openapi({
    description: 'Those that failed or crashed. One that waits for you (blocked, conflict) is neither.',
  }),
  bytes: z.int(),
  p50Ms: DurationMsSchema.nullable().openapi({ description: 'Of what pushed; null when nothing did.' }),
  p95Ms: DurationMsSchema.nullable(),
});

export const RunMetricsAnswerSchema = z
  .object({
    success: SuccessSchema,
    since: InstantSchema,
    until: InstantSchema,
    totals: FiguresSchema.extend({
      successRate: z.number().min(0).max(1).nullable().openapi({ description: 'good / (good + bad)' }),
    }).openapi({ description: 'Percentiles are of the newest 10,000 pushes.' }),
    buckets: z.array(FiguresSchema.extend({ from: InstantSchema })),
  })
  .openapi('RunMetricsAnswer');
