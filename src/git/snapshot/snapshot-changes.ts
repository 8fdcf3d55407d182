// How the work tree differs from HEAD while anything may be under way: a merge, a rebase, a detached HEAD. What is
// staged does not matter, and a file full of conflict markers is a file like any other.

import { type ChangesInput, type FoundChanges, findChanges } from '../changes/changes.ts';
import { readFileContent } from '../changes/file-content.ts';
import { compareWithHead, type HeadDifference, type TreeSide } from '../changes/head-difference.ts';
import { awaitedFiles } from '../changes/worktree-files.ts';
import { createPlaceFinder } from '../changes/worktree-place.ts';
import { readIndex } from '../index/index-file.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { RepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange } from '../types.ts';

const FILES_AT_ONCE = 16;
const EXECUTE_BIT = 0o100n;

/**
 * As `findChanges` over the whole work tree, but a file that a person took out of the index and kept counts with its
 * content, unless it is ignored. What is sparse or marked "assume unchanged" stays as HEAD has it.
 * @throws Failure as `findChanges` does
 */
export async function findSnapshotChanges(input: Omit<ChangesInput, 'scope'>): Promise<FoundChanges> {
  const found = await findChanges({ ...input, scope: 'all' });
  const changes = [...found.changes, ...(await keptFiles(input))];
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { ...found, changes };
}

/** Files that HEAD has, the index has not and the disk has with another content. */
async function keptFiles(input: Omit<ChangesInput, 'scope'>): Promise<FileChange[]> {
  const { repo, objects, head, ignore } = input;
  const index = await readIndex(repo);
  const differences: HeadDifference = new Map();
  const tree = head.oid === null ? null : (await objects.readCommit(head.oid)).tree;
  await compareWithHead({ objects, tree, index }, '', differences);
  const placeOf = createPlaceFinder({ worktree: repo.worktree, index, files: awaitedFiles() });
  const candidates: { path: RepoPath; side: TreeSide }[] = [];
  for (const [path, { head: side, isTracked }] of differences) {
    if (isTracked || side === null || side.mode === FILE_MODE.submodule) continue;
    if ((await placeOf(path)).kind !== 'inside' || (await ignore.isIgnored(path, false))) continue;
    candidates.push({ path, side });
  }
  const changes = await mapConcurrently(candidates, FILES_AT_ONCE, (candidate) => compare(candidate, input));
  return changes.filter((change) => change !== null);
}

async function compare(
  { path, side }: { path: RepoPath; side: TreeSide },
  { repo, config, fileMode, signal }: Omit<ChangesInput, 'scope'>,
): Promise<FileChange | null> {
  const content = await readFileContent(repo.worktree, path, signal);
  // That it is gone, findChanges has said.
  if (content === null) return null;
  const { oid, stats } = content;
  const symlinks = config.getBoolean('core.symlinks') ?? true;
  const keepsMode = stats.isSymbolicLink() ? false : side.mode === FILE_MODE.symlink ? !symlinks : !fileMode;
  const onDisk = (stats.mode & EXECUTE_BIT) === 0n ? FILE_MODE.file : FILE_MODE.executable;
  const mode = keepsMode ? side.mode : stats.isSymbolicLink() ? FILE_MODE.symlink : onDisk;
  if (mode === side.mode && oid === side.oid) return null;
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  const stat = { ctimeNs, mtimeNs, dev, ino, uid, gid, size };
  return { kind: 'modified', path, mode, oid, sizeBytes: Number(size), stat };
}
