// Whether somebody else's git command is half-way through what a commit of ours would disturb, or has taken back what
// is about to be committed. Asked under the index's lock: waits for nobody, not even for another thread.

import { type BigIntStats, lstatSync } from 'node:fs';
import { Failure } from '../../model/failure.ts';
import type { IndexChange } from '../index/index-write.ts';
import { errorCode, isAbsent, readFailure } from '../io-failure.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type Repository } from '../types.ts';

/** What is left of a stash that was killed must not hold up anybody for longer. */
const LONGEST_STASH_MS = 10_000;
/** Between noting the stash and taking its content out of the work tree. */
const STASH_REST_MS = 1_000;
const AGAIN_MS = 500;

/**
 * `git stash` notes what it puts aside, and then takes it out of the work tree by other commands. A commit in between
 * would keep those from the index, or put into the branch what the stash brings back later. `names` is what the git
 * folder holds, `now` epoch milliseconds.
 * @throws Failure `git-at-work`
 */
export async function refuseDuringStash(
  repo: Repository,
  names: ReadonlySet<string>,
  now: number,
): Promise<void> {
  const isYoung = (path: string, mostMs: number) => {
    const stats = statOf(path);
    return stats !== null && now - Number(stats.mtimeNs / 1_000_000n) < mostMs;
  };
  const helpers = [...names].filter((name) => name.startsWith('index.stash.'));
  const looks = [
    isYoung(`${repo.commonDir}/logs/refs/stash`, STASH_REST_MS),
    ...helpers.map((name) => isYoung(`${repo.gitDir}/${name}`, LONGEST_STASH_MS)),
  ];
  if (!looks.includes(true)) return;
  const detail = `A git stash is under way in ${repo.worktree}.`;
  throw new Failure('git-at-work', detail, { data: { retryAfterMs: AGAIN_MS } });
}

/** When the index was written, to the nanosecond; null when there is none. */
export async function indexTime({ gitDir }: Repository): Promise<bigint | null> {
  return statOf(`${gitDir}/index`)?.mtimeNs ?? null;
}

/**
 * After another command wrote the index: what was read before must still be in the work tree, for it may have been put
 * aside or undone.
 * @throws Failure `git-at-work`
 */
export async function refuseIfTakenBack(repo: Repository, changes: readonly IndexChange[]): Promise<void> {
  for (const change of changes) {
    if (isThere(repo, change)) continue;
    const detail = `A git command changed ${displayPath(change.path)} in ${repo.worktree} meanwhile.`;
    throw new Failure('git-at-work', detail, { data: { retryAfterMs: AGAIN_MS } });
  }
}

function isThere(repo: Repository, { path, entry }: IndexChange): boolean {
  const stats = lookAt(repo, path);
  if (entry === null) return stats === null || stats.isDirectory();
  if (stats === null) return false;
  if (entry.mode === FILE_MODE.submodule) return stats.isDirectory();
  const { mtimeNs, ctimeNs, size, ino } = entry.stat;
  return stats.mtimeNs === mtimeNs && stats.ctimeNs === ctimeNs && stats.size === size && stats.ino === ino;
}

function lookAt(repo: Repository, path: RepoPath): BigIntStats | null {
  try {
    return statOf(diskPath(repo.worktree, path));
  } catch (error) {
    if (errorCode(error) === 'ELOOP') return null;
    throw readFailure(error, displayPath(path));
  }
}

function statOf(path: string | Buffer): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
