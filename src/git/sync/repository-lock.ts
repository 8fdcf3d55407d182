// One sync at a time in a repository, over all services of this machine: a lock file in the git folder.

import { join } from 'node:path';
import type { Clock, Random } from '../../host/clock.ts';
import { type LockFile, takeLock } from '../../host/lock-file.ts';
import { Failure } from '../../model/failure.ts';
import { repairIndex } from '../commit/repair-index.ts';
import { openObjects } from '../objects/objects.ts';
import type { LockWait } from '../refs/lock-file.ts';
import { openRepository } from '../repository.ts';
import { endLeftChild, hasLeftChild } from '../system/child-record.ts';
import { clearScratch } from '../system/scratch-index.ts';
import type { Repository } from '../types.ts';
import { clearLeftLocks, hasLeftLocks } from './left-locks.ts';

/**
 * A git command that a killed service left running is ended first.
 * @throws Failure `repository-busy` when another process holds it; `write-refused` when .git cannot be written
 */
export async function takeRepositoryLock(
  repo: Repository,
  { pid, clock }: { pid: number; clock: Clock },
): Promise<LockFile> {
  const path = join(repo.gitDir, 'gitferry.lock');
  try {
    const answer = await takeLock(path, pid);
    if (answer.kind === 'held') return await withoutOrphan(answer.lock, repo, clock);
    throw new Failure('repository-busy', `Process ${answer.pid} is syncing ${repo.worktree}.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new Failure('disk-full', `No space left for ${path}.`, { cause: error });
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new Failure('write-refused', `${path} cannot be written (${code}).`, { cause: error });
    }
    throw error;
  }
}

async function withoutOrphan(lock: LockFile, repo: Repository, clock: Clock): Promise<LockFile> {
  try {
    await endLeftChild(repo, clock);
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * After a kill: locks of ours stand in the way, of the probe too, and so do those of a program that still runs. Answers
 * the repository, opened on the way.
 * @throws Failure as `openRepository` and `takeRepositoryLock`
 */
export async function clearAfterKill(
  worktree: string,
  ports: { pid: number; clock: Clock; random: Random },
): Promise<Repository> {
  const repo = await openRepository(worktree);
  const left = await Promise.all([hasLeftChild(repo), hasLeftLocks(repo)]);
  if (!left.includes(true)) return repo;
  const lock = await takeRepositoryLock(repo, ports);
  try {
    const commits = await clearLeftLocks(repo);
    await clearScratch(repo);
    if (commits.length > 0) await repairIndexes(repo, commits, ports);
    return repo;
  } finally {
    await lock.release();
  }
}

async function repairIndexes(repo: Repository, commits: readonly string[], wait: LockWait): Promise<void> {
  const objects = openObjects(repo, { fsync: false });
  try {
    for (const oid of commits) await repairIndex({ repo, objects, oid, wait });
  } finally {
    await objects.close();
  }
}
