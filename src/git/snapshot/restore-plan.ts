// Decides what a restore has to do: which files to write, which to take away, in which order. Looks at trees only.

import { Failure } from '../../model/failure.ts';
import { isGitFolderName } from '../changes/path-names.ts';
import { diffTrees, lookUp, type TreeFile } from '../objects/trees.ts';
import { displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type ObjectStore } from '../types.ts';

/** `now` is what the snapshot of now has there, `target` what shall be there; null for nothing. */
export type RestoreStep = {
  readonly path: RepoPath;
  readonly now: TreeFile | null;
  readonly target: TreeFile | null;
};

export type RestorePlan = {
  /** Deepest first, so that folders are empty when their turn comes. */
  readonly deletions: readonly RestoreStep[];
  readonly writes: readonly RestoreStep[];
};

/**
 * Files and folders of `paths`, or everything. Submodules are left alone.
 * @throws Failure `invalid-request` for a path that neither the snapshot nor the work tree has, or that is none
 */
export async function planRestore(
  objects: ObjectStore,
  trees: { now: string; target: string },
  paths: readonly RepoPath[] | 'all',
): Promise<RestorePlan> {
  if (paths !== 'all') await expectKnown(objects, trees, paths);
  const wanted = (path: string) =>
    paths === 'all' || paths.some((one) => path === one || path.startsWith(`${one}/`));
  const deletions: RestoreStep[] = [];
  const writes: RestoreStep[] = [];
  for await (const { path, before, after } of diffTrees(objects, trees.now, trees.target)) {
    if (before?.mode === FILE_MODE.submodule || after?.mode === FILE_MODE.submodule) continue;
    if (!wanted(path) || !isSafe(path)) continue;
    const step = { path, now: before, target: after };
    if (after === null) deletions.push(step);
    else writes.push(step);
  }
  deletions.sort((a, b) => b.path.split('/').length - a.path.split('/').length || (a.path < b.path ? -1 : 1));
  writes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { deletions, writes };
}

async function expectKnown(
  objects: ObjectStore,
  { now, target }: { now: string; target: string },
  paths: readonly RepoPath[],
): Promise<void> {
  for (const path of paths) {
    const known =
      isSafe(path) &&
      ((await lookUp(objects, target, path)) !== null || (await lookUp(objects, now, path)) !== null);
    if (known) continue;
    const name = displayPath(path).slice(0, 200);
    throw new Failure('invalid-request', `Neither the snapshot nor the work tree has "${name}".`, {
      data: { errors: [{ path: 'paths', message: `"${name}" is in no snapshot` }] },
    });
  }
}

/** A snapshot may have come from elsewhere: nothing leads out of the work tree or into git's own folder. */
function isSafe(path: string): boolean {
  const isBad = (part: string) => part === '' || part === '.' || part === '..' || isGitFolderName(part);
  return !path.includes('\0') && !path.split('/').some(isBad);
}
