// Puts a prepared commit in force: new index and moved branch, under index.lock, HEAD.lock and the branch's lock, in
// git's own order, so that a crash at any point leaves what git itself might leave.

import { lstat } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { type IndexFile, readIndex } from '../index/index-file.ts';
import { type IndexChange, patchIndex } from '../index/index-write.ts';
import { findUnsureEntries } from '../index/unsure-entries.ts';
import { isAbsent } from '../io-failure.ts';
import { type LockFile, type LockWait, lockFile } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import { lockRef, type RefLock } from '../refs/ref-lock.ts';
import { appendReflog } from '../refs/reflog.ts';
import { readHead } from '../refs/refs.ts';
import type { Repository } from '../types.ts';

/** Steps: blobs-written, trees-written, index-locked, index-written, ref-locked, ref-moved, reflog-written, index-moved. */
export type FaultPoint = (name: string) => void | Promise<void>;

const UNDER_WAY: readonly (readonly [string, FailureCode])[] = [
  ['MERGE_HEAD', 'merge-in-progress'],
  ['rebase-merge', 'rebase-in-progress'],
  ['rebase-apply', 'rebase-in-progress'],
  ['CHERRY_PICK_HEAD', 'cherry-pick-in-progress'],
  ['REVERT_HEAD', 'revert-in-progress'],
  ['BISECT_LOG', 'bisect-in-progress'],
];

export type Publication = {
  repo: Repository;
  /** HEAD as it was when the commit was prepared. */
  head: { ref: string; oid: string | null };
  oid: string;
  /** Called under the index's lock, with the index as it is; what it throws ends the publication. */
  changes: readonly IndexChange[] | ((index: IndexFile) => Promise<readonly IndexChange[]>);
  reflog: { message: string; who: string };
  wait: LockWait;
  fsync: boolean;
  faultPoint: (name: string) => Promise<void>;
};

/**
 * Answers false, with nothing changed, when HEAD has moved since. All locks are given up on every way out.
 * @throws Failure `index-busy`, `ref-moved` (its lock is held for long) and those of `readIndex` and `patchIndex`
 */
export async function publishCommit(commit: Publication): Promise<boolean> {
  const { repo, wait } = commit;
  const twin = { folder: twinsFolder(repo), label: `index-${commit.oid}` };
  const index = await lockFile(`${repo.gitDir}/index`, twin, wait);
  if (index === null) {
    throw new Failure('index-busy', `Another program holds ${repo.gitDir}/index.lock.`);
  }
  try {
    await commit.faultPoint('index-locked');
    if (!(await isHeadAt(commit))) return false;
    await refuseUnderWay(repo);
    await writeIndex(commit, index);
    await commit.faultPoint('index-written');
    const ref = await lockBranch(commit);
    if (ref === null) return false;
    try {
      await commit.faultPoint('ref-locked');
      await moveBoth(commit, ref, index);
    } finally {
      await ref.release();
    }
    return true;
  } finally {
    await index.release();
  }
}

async function isHeadAt({ repo, head }: Publication): Promise<boolean> {
  const now = await readHead(repo);
  return now.kind === 'branch' && now.ref === head.ref && now.oid === head.oid;
}

/** All looks at once: a person's git must not find the index locked for longer than it has to be. */
async function refuseUnderWay(repo: Repository): Promise<void> {
  const looks = UNDER_WAY.map(async ([name, code]) => {
    try {
      await lstat(`${repo.gitDir}/${name}`);
    } catch (error) {
      if (isAbsent(error)) return;
      throw error;
    }
    throw new Failure(code, `${repo.gitDir}/${name} appeared while a commit was made.`);
  });
  await Promise.all(looks);
}

async function writeIndex({ repo, changes, fsync }: Publication, lock: LockFile): Promise<void> {
  const index = await readIndex(repo);
  const changed = typeof changes === 'function' ? await changes(index) : changes;
  const unsure = await findUnsureEntries(repo, index, lock.createdNs);
  await lock.write(patchIndex(index, { changes: changed, unsure }), fsync);
}

/** Null when the branch or HEAD moved in the last moment. */
async function lockBranch(commit: Publication): Promise<RefLock | null> {
  const { repo, head, oid, fsync, wait } = commit;
  try {
    return await lockRef(repo, { ref: head.ref, expected: head.oid, next: oid, alsoHead: true, fsync }, wait);
  } catch (error) {
    if (error instanceof Failure && error.data.current !== undefined) return null;
    throw error;
  }
}

/** From here on nothing may stop: the branch has the commit, so the index must follow, whatever the reflogs do. */
async function moveBoth(commit: Publication, ref: RefLock, index: LockFile): Promise<void> {
  const { repo, head, oid, reflog } = commit;
  await ref.commit();
  try {
    await commit.faultPoint('ref-moved');
    const line = { before: head.oid, after: oid, ...reflog };
    await appendReflog(repo, ref.ref, line);
    await appendReflog(repo, 'HEAD', line);
    await commit.faultPoint('reflog-written');
  } finally {
    await index.commit();
  }
  await commit.faultPoint('index-moved');
}
