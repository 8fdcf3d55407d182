// Tools for what is in a project: points in time, going back to one, and files that stay on the machine.
// What lets something leave the machine, or settles a conflict, is not here: that takes a person's own word.

import { z } from 'zod';
import { cursor, given, limit, projectId, type Tool, tool } from './tool.ts';

const snapshot = z.string().min(1).max(100).describe('The id of a snapshot, as list_snapshots gives it.');

const listSnapshots = tool({
  name: 'list_snapshots',
  title: 'List snapshots',
  description: 'Points in time of a project, newest first, to compare with or to restore from.',
  input: { projectId, branch: z.string().min(1).optional(), ...{ limit, cursor } },
  kind: 'reads',
  async run({ client, signal }, { projectId: id, ...query }) {
    const { snapshots, nextCursor } = await client.snapshots(id, given(query), { signal });
    return { snapshots, nextCursor };
  },
});

const compareSnapshot = tool({
  name: 'compare_snapshot',
  title: 'Compare a snapshot',
  description: 'What a snapshot changed, file by file, or how the files differ from it now.',
  input: {
    ...{ projectId, snapshot },
    against: z.enum(['previous', 'worktree']).optional().describe('worktree: from the snapshot to now.'),
  },
  kind: 'reads',
  async run({ client, signal }, { projectId: id, snapshot: of, against }) {
    const { success: _, ...found } = await client.snapshot(id, of, given({ against }), { signal });
    return found;
  },
});

const restore = tool({
  name: 'restore',
  title: 'Restore from a snapshot',
  description:
    'Brings files or folders of a project back as a snapshot has them, without paths everything. A snapshot of now ' +
    'is taken first and named in the answer (before), so that this can be undone by restoring that one.',
  input: {
    ...{ projectId, snapshot },
    paths: z
      .array(z.string().min(1).max(4_000))
      .min(1)
      .max(10_000)
      .optional()
      .describe('From the top of the project.'),
  },
  kind: 'restores',
  async run({ client, signal }, { projectId: id, snapshot: from, paths }) {
    const { restored, skipped, before } = await client.restore(id, given({ snapshot: from, paths }), {
      signal,
    });
    return { restored, skipped, before };
  },
});

const heldFiles = tool({
  name: 'held_files',
  title: 'Held files',
  description:
    'Files that stay on the machine because they look like secrets or are too large, and deletions that wait, with ' +
    'the reason. Only a person can let them pass, on the page or by the API.',
  input: { projectId, ...{ limit, cursor } },
  kind: 'reads',
  async run({ client, signal }, { projectId: id, ...page }) {
    const { held, deletions, nextCursor } = await client.held(id, given(page), { signal });
    // Without the token: it is the person's word.
    const { token: _, ...waiting } = deletions ?? { token: null };
    return { held, deletionsThatWait: deletions && waiting, nextCursor };
  },
});

export const CONTENT_TOOLS: readonly Tool[] = [listSnapshots, compareSnapshot, restore, heldFiles];
