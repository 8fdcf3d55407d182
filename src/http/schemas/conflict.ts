// A conflict on the wire: the files it concerns, and the choice that ends it.

import { z } from '@hono/zod-openapi';
import { CONFLICT_CHOICES } from '../../model/conflict.ts';

const SideSchema = z.enum(['modified', 'deleted', 'added']);

export const ConflictFilesSchema = z
  .array(z.object({ path: z.string(), ours: SideSchema, theirs: SideSchema }))
  .openapi({ description: 'Files that both sides changed in ways that do not go together.' });

export const ConflictBodySchema = z
  .strictObject({
    choice: z.enum(CONFLICT_CHOICES).openapi({
      description: '`both` keeps theirs under its name and mine beside it, named after this machine.',
    }),
  })
  .openapi('ConflictRequest');
