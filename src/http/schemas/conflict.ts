// A conflict on the wire: the files it concerns, and the choice that ends it.

import { z } from '@hono/zod-openapi';
import { CONFLICT_CHOICES } from '../../model/conflict.ts';
import { SuccessSchema } from './common.ts';

const SideSchema = z.enum(['modified', 'deleted', 'added']);

const ConflictFileSchema = z.object({ path: z.string(), ours: SideSchema, theirs: SideSchema });

export const ConflictFilesSchema = z
  .array(ConflictFileSchema)
  .openapi({ description: 'Files that both sides changed in ways that do not go together.' });

export const ConflictAnswerSchema = z
  .object({
    success: SuccessSchema,
    files: z.array(
      ConflictFileSchema.extend({
        diff: z.string().nullable().openapi({
          description: 'Unified, from theirs to mine; null for what is no text or too large.',
        }),
      }),
    ),
  })
  .openapi('ConflictAnswer');

export const ConflictBodySchema = z
  .strictObject({
    choice: z.enum(CONFLICT_CHOICES).openapi({
      description: '`both` keeps theirs under its name and mine beside it, named after this machine.',
    }),
  })
  .openapi('ConflictRequest');
