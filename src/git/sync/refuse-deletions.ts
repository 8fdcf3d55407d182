// Many deletions at once wait for a person's word. The word is good for exactly what was shown: these paths, gone from
// this very folder. Whether they are many is the guard's decision.

import { createHash } from 'node:crypto';
import { type Reason, reasonOf } from '../../model/failure.ts';
import type { RefusedDeletions } from '../../model/project.ts';
import { displayPath } from '../paths.ts';
import { folderIdentity } from '../repository.ts';
import type { FileChange } from '../types.ts';
import type { SyncWork } from './sync-work.ts';

const SAMPLED_PATHS = 20;

/** Fills in `work.facts.refusedDeletions` unless a person confirmed exactly these. */
export async function refuseDeletions(
  work: SyncWork,
  counts: { deleted: number; tracked: number },
  changes: readonly FileChange[],
): Promise<void> {
  const paths = changes.filter(({ kind }) => kind === 'deleted').map(({ path }) => path);
  paths.sort();
  const root = await folderIdentity(work.probe.repo.worktree);
  // A NUL is in no path, so no two lists read the same.
  const digest = createHash('sha256')
    .update([root, ...paths].join('\0'), 'latin1')
    .digest('hex');
  if (digest === work.releases.deletions) return;
  const sample = paths.slice(0, SAMPLED_PATHS).map(displayPath);
  work.facts.refusedDeletions = { ...counts, digest, root, sample };
}

export function deletionReason(
  worktree: string,
  { deleted, tracked, sample = [] }: RefusedDeletions,
): Reason {
  if (deleted >= tracked) {
    return reasonOf(
      'mass-deletion',
      `All ${tracked} files are gone from ${worktree}: emptied, or not mounted.`,
    );
  }
  const [first = ''] = sample;
  return reasonOf(
    'mass-deletion',
    `${deleted} of ${tracked} files were deleted at once, ${first} among them.`,
  );
}
