// A backup of the database on the wire.

import { z } from '@hono/zod-openapi';
import { DurationMsSchema, SuccessSchema } from './common.ts';

export const BackupBodySchema = z
  .strictObject({
    path: z.string().min(1).max(1_000).optional().openapi({
      description: 'A file name that ends in `.db`, under the data folder; left out: a new one in `backups`.',
      example: 'backups/before-update.db',
    }),
  })
  .openapi('BackupRequest');

export const BackupAnswerSchema = z
  .object({
    success: SuccessSchema,
    backup: z.object({ path: z.string(), sizeBytes: z.int(), durationMs: DurationMsSchema }),
  })
  .openapi('BackupAnswer');
