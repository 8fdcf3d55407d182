// Held files and refused deletions on the wire, and the words that let them pass.

import { z } from '@hono/zod-openapi';
import {
  CursorSchema,
  InstantSchema,
  NextCursorSchema,
  orNull,
  queryInteger,
  SuccessSchema,
} from './common.ts';

const FINGERPRINT = /^sha1:[0-9a-f]{40}$/;
const MOST_NAMED = 1_000;

/** As the project itself shows what is held. */
export const HeldFileSchema = z.object({
  path: z.string(),
  reason: z.enum(['secret', 'too-large', 'denied-name']),
  rule: z.string(),
  line: z.int().optional(),
  fingerprint: z.string().nullable().openapi({
    description: 'Names this very content, as `github.guard.allow` takes it; null until the next sync.',
    example: 'sha1:8c7e5a667f1b771847fe88c01c3de34413a1b220',
  }),
  sizeBytes: z.int().nullable(),
  commit: z.string().nullable().openapi({
    description: 'An unpushed commit that has it; null: it is in the work tree only.',
  }),
  since: InstantSchema.nullable().openapi({ description: 'Since when this path is held, where known.' }),
});
export type WireHeldFile = z.infer<typeof HeldFileSchema>;

const HeldFileToReleaseSchema = HeldFileSchema.extend({
  releasable: z.boolean().openapi({ description: "Whether a person's word is enough to let it go." }),
  action: z.string().openapi({ description: 'What a person can do about it.' }),
}).openapi('HeldFile');

const RefusedDeletionsSchema = z
  .object({
    deleted: z.int(),
    tracked: z.int().openapi({ description: 'Files there were.' }),
    sample: z.array(z.string()).openapi({ description: 'The first of the deleted files.' }),
    token: z
      .string()
      .openapi({ description: 'Names exactly these deletions; to confirm them, send it back.' }),
    action: z.string(),
  })
  .openapi('RefusedDeletions');

export const HeldQuerySchema = z.object({
  limit: queryInteger(1, 500, 500),
  cursor: CursorSchema.optional(),
});
export const HeldAnswerSchema = z
  .object({
    success: SuccessSchema,
    held: z.array(HeldFileToReleaseSchema),
    deletions: orNull(RefusedDeletionsSchema),
    nextCursor: NextCursorSchema,
  })
  .openapi('HeldAnswer');

const PathSchema = z
  .string()
  .min(1)
  .max(4_000)
  .refine(isInside, 'must be a path inside the project, with / between its parts')
  .openapi({ example: 'config/.env' });
const FingerprintSchema = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => FINGERPRINT.test(text), 'must be sha1: and the forty digits of a content')
  .openapi({ type: 'string', example: 'sha1:8c7e5a667f1b771847fe88c01c3de34413a1b220' });

export const ReleaseBodySchema = z
  .strictObject({
    paths: z.array(PathSchema).max(MOST_NAMED).default([]),
    fingerprints: z.array(FingerprintSchema).max(MOST_NAMED).default([]),
    scope: z.enum(['once', 'always']).openapi({
      description:
        '`once`: this very content, if it has not changed when the sync comes. `always`: its fingerprint goes into `github.guard.allow`.',
    }),
  })
  .refine(({ paths, fingerprints }) => paths.length + fingerprints.length > 0, {
    message: 'names no file: send paths or fingerprints',
    path: ['paths'],
  })
  .openapi('ReleaseRequest');

export const ConfirmDeletionsBodySchema = z
  .strictObject({
    token: z.string().regex(/^[0-9a-f]{64}$/, 'must be the token that was shown'),
  })
  .openapi('ConfirmDeletionsRequest');

function isInside(path: string): boolean {
  const parts = path.split('/');
  return !path.includes('\0') && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}
