// Brings an index after HEAD that a killed commit of ours left behind it, when its own new index is lost, for example
// because a person removed the lock. Without that, git would show the commit as taken back.

import type { BigIntStats } from 'node:fs';
import { lstat } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { readFileContent } from '../changes/file-content.ts';
import { type IndexFile, readIndex } from '../index/index-file.ts';
import { type IndexChange, patchIndex } from '../index/index-write.ts';
import { findUnsureEntries } from '../index/unsure-entries.ts';
import { isAbsent } from '../io-failure.ts';
import { diffTrees, type TreeDifference, type TreeFile } from '../objects/trees.ts';
import { diskPath } from '../paths.ts';
import { type LockWait, lockFile } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import { readHead } from '../refs/refs.ts';
import { FILE_MODE, type ObjectStore, type Repository } from '../types.ts';

type RepairInput = {
  repo: Repository;
  objects: ObjectStore;
  /** The commit whose index was lost. */
  oid: string;
  wait: LockWait;
};

/**
 * Only paths that the commit changed, whose index entry is still the one before it and whose work-tree file is the
 * one after it; what a person staged since stays. Answers how many. Nothing when HEAD is elsewhere by now, or another
 * program holds the index. The caller holds the repository lock.
 */
export async function repairIndex({ repo, objects, oid, wait }: RepairInput): Promise<number> {
  const head = await readHead(repo);
  if (head.oid !== oid) return 0;
  const { tree, parents } = await objects.readCommit(oid);
  const before = parents[0] === undefined ? null : (await objects.readCommit(parents[0])).tree;
  const lock = await lockFile(`${repo.gitDir}/index`, { folder: twinsFolder(repo), label: 'repair' }, wait);
  if (lock === null) return 0;
  try {
    const index = await readIndex(repo);
    // Split and sparse indexes are git's own matter.
    const isForeign = index.hasUnmerged || index.extensions.some((name) => !/^[A-Z]/.test(name));
    if (isForeign || (await readHead(repo)).oid !== oid) return 0;
    const changes: IndexChange[] = [];
    for await (const difference of diffTrees(objects, before, tree)) {
      const change = isBehind(index, difference) ? await changeFor(repo, difference) : null;
      if (change !== null) changes.push(change);
    }
    if (changes.length === 0) return 0;
    const unsure = await findUnsureEntries(repo, index, lock.createdNs);
    await lock.write(patchIndex(index, { changes, unsure }), true);
    await lock.commit();
    return changes.length;
  } finally {
    await lock.release();
  }
}

function isBehind(index: IndexFile, { path, before }: TreeDifference): boolean {
  const entry = index.find(path);
  if (entry === null || before === null) return entry === null && before === null;
  if (entry.skipWorktree || entry.intentToAdd) return false;
  return entry.oid === before.oid && entry.mode === before.mode;
}

/** Null when the work tree shows something else than the commit. */
async function changeFor(repo: Repository, { path, after }: TreeDifference): Promise<IndexChange | null> {
  if (after === null) return (await isGone(repo, path)) ? { path, entry: null } : null;
  if (after.mode === FILE_MODE.submodule) return null;
  const content = await readIfStill(repo, path);
  if (content === null || content.oid !== after.oid || !isOfKind(content.stats, after)) return null;
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = content.stats;
  return { path, entry: { ...after, stat: { ctimeNs, mtimeNs, dev, ino, uid, gid, size } } };
}

async function readIfStill(repo: Repository, path: TreeDifference['path']) {
  try {
    return await readFileContent(repo.worktree, path, new AbortController().signal);
  } catch (error) {
    // Changing or unreadable: then it is not known to be what was committed.
    if (error instanceof Failure) return null;
    throw error;
  }
}

function isOfKind(stats: BigIntStats, { mode }: TreeFile): boolean {
  return stats.isSymbolicLink() === (mode === FILE_MODE.symlink);
}

/** A folder in its place means that the file is gone, too. */
async function isGone(repo: Repository, path: TreeDifference['path']): Promise<boolean> {
  try {
    return (await lstat(diskPath(repo.worktree, path))).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
}
