// Puts the contents of changed files into the object store as git does it, behind filters and end-of-line rules, and
// notices which of them are not what was judged any more.

import { readlink } from 'node:fs/promises';
import { readFailure } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type ObjectStore } from '../types.ts';
import type { RunGit } from './run-git.ts';
import { hashFiles } from './stored-content.ts';
import { statOf } from './system-changes.ts';

const FILES_AT_ONCE = 16;

type Present = Exclude<FileChange, { kind: 'deleted' }>;
type Store = { worktree: string; git: RunGit; objects: Pick<ObjectStore, 'write'> };

/**
 * Answers the changes that the work tree no longer shows.
 * @throws Failure `file-changing` when a file went away this moment, `lfs-missing`, `filter-failed`, `file-unreadable`
 */
export async function storeBlobs(store: Store, changes: readonly FileChange[]): Promise<FileChange[]> {
  const there = await mapConcurrently(changes, FILES_AT_ONCE, (change) => isThere(store.worktree, change));
  const busy = new Set(changes.filter((_change, at) => !there[at]));
  // Of a submodule there is nothing to store: its commit is in its own repository.
  const present = changes.filter(
    (change) => change.kind !== 'deleted' && change.mode !== FILE_MODE.submodule && !busy.has(change),
  ) as Present[];
  const files = present.filter(({ mode }) => mode !== FILE_MODE.symlink);
  const oids = await hashFiles(
    store.git,
    files.map(({ path }) => path),
    { write: true },
  );
  files.forEach((change, at) => {
    if (oids[at] !== change.oid) busy.add(change);
  });
  const links = present.filter(({ mode }) => mode === FILE_MODE.symlink);
  await mapConcurrently(links, FILES_AT_ONCE, async (change) => {
    if ((await storeTarget(store, change.path)) !== change.oid) busy.add(change);
  });
  return [...busy];
}

/** Of the right kind, or gone. */
async function isThere(worktree: string, change: FileChange): Promise<boolean> {
  const stats = await statOf(worktree, change.path);
  if (change.kind !== 'deleted') {
    if (change.mode === FILE_MODE.submodule) return stats?.isDirectory() ?? false;
    return (change.mode === FILE_MODE.symlink ? stats?.isSymbolicLink() : stats?.isFile()) ?? false;
  }
  return stats === null || stats.isDirectory() || !(await isInside(worktree, change.path));
}

/** git's own reading would follow the link. */
async function storeTarget({ worktree, objects }: Store, path: RepoPath): Promise<string> {
  const target = await readlink(diskPath(worktree, path), { encoding: 'buffer' }).catch((error: unknown) => {
    throw readFailure(error, displayPath(path));
  });
  return objects.write('blob', target);
}

/** Behind a link that took a folder's place lies something else. */
async function isInside(worktree: string, path: RepoPath): Promise<boolean> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const stats = await statOf(worktree, path.slice(0, slash) as RepoPath);
    if (!stats?.isDirectory()) return false;
  }
  return true;
}
