// Snapshots on the wire: points in time of a project, what is in them, and going back.

import { z } from '@hono/zod-openapi';
import {
  InstantSchema,
  NextCursorSchema,
  PageQuerySchema,
  ProjectParamsSchema,
  SuccessSchema,
} from './common.ts';

const SnapshotIdSchema = z.string().min(1).max(100).openapi({ description: 'The id of a snapshot.' });
const PathSchema = z.string().min(1).max(4_000);
const MOST_PATHS = 10_000;

const SnapshotSchema = z
  .object({
    id: z.string(),
    at: InstantSchema,
    branch: z.string().openapi({ description: 'Whose work it holds; `detached-…` for a detached HEAD.' }),
    filesChanged: z.int().openapi({ description: 'Files that differ from the snapshot before.' }),
    machine: z.string(),
  })
  .openapi('Snapshot');

export const SnapshotsQuerySchema = PageQuerySchema.extend({ branch: z.string().min(1).max(500).optional() });
export const SnapshotsAnswerSchema = z
  .object({ success: SuccessSchema, snapshots: z.array(SnapshotSchema), nextCursor: NextCursorSchema })
  .openapi('SnapshotsAnswer');

export const SnapshotParamsSchema = ProjectParamsSchema.extend({
  snapshotId: SnapshotIdSchema.openapi({ param: { name: 'snapshotId', in: 'path' } }),
});
export const SnapshotQuerySchema = z.object({
  against: z
    .enum(['previous', 'worktree'])
    .default('previous')
    .openapi({ description: '`worktree`: from the snapshot to the files as they are now.' }),
});
export const SnapshotDiffAnswerSchema = z
  .object({
    success: SuccessSchema,
    snapshot: SnapshotSchema,
    against: z.enum(['previous', 'worktree']),
    files: z.array(
      z.object({
        path: z.string(),
        kind: z.enum(['added', 'modified', 'deleted']),
        diff: z.string().nullable().openapi({ description: 'Unified; null for no text or too much of it.' }),
      }),
    ),
    truncated: z.boolean().openapi({ description: 'More files differ than are named.' }),
  })
  .openapi('SnapshotDiffAnswer');

export const RestoreBodySchema = z
  .strictObject({
    snapshot: SnapshotIdSchema,
    paths: z
      .array(PathSchema)
      .min(1)
      .max(MOST_PATHS)
      .optional()
      .openapi({ description: 'Files or folders from the top of the project; left out: everything.' }),
  })
  .openapi('RestoreRequest');
export const RestoreAnswerSchema = z
  .object({
    success: SuccessSchema,
    restored: z.array(z.string()),
    skipped: z.array(z.object({ path: z.string(), reason: z.string() })).openapi({
      description: 'Files that stayed as they were because no snapshot holds them.',
    }),
    before: z.string().openapi({ description: 'The snapshot of the moment before.' }),
  })
  .openapi('RestoreAnswer');
