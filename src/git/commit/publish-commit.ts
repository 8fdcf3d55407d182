// Puts a prepared commit in force: new index and moved branch, under index.lock, HEAD.lock and the branch's lock, in
// git's own order, so that a crash at any point leaves what git itself might leave.

import { type BigIntStats, readdirSync } from 'node:fs';
import { Failure } from '../../model/failure.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { type IndexFile, readIndex, recallIndex, rememberIndex } from '../index/index-file.ts';
import { HASH_BYTES } from '../index/index-layout.ts';
import { draftIndex, type IndexChange, type PatchedIndex, sealIndex } from '../index/index-write.ts';
import { prepareIndex } from '../index/prepared-index.ts';
import { findRecent, findUnsureEntries } from '../index/unsure-entries.ts';
import type { LockWait, PreparedLock } from '../refs/lock-file.ts';
import { type PreparedRef, prepareRef, type RefLock } from '../refs/ref-lock.ts';
import { appendReflog } from '../refs/reflog.ts';
import { readHead } from '../refs/refs.ts';
import type { Repository } from '../types.ts';
import { indexTime, refuseDuringStash, refuseIfTakenBack } from './foreign-command.ts';

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
  /** `indexTime` before the changes were read; left out where they are only known under the lock. */
  readAt?: bigint | null;
  reflog: { message: string; who: string };
  wait: LockWait;
  fsync: boolean;
  /** Called at once when the branch has the commit, while all is locked: must not throw, nor take long. */
  onMoved?: () => void;
  faultPoint: (name: string) => Promise<void>;
};

/**
 * Answers false, with nothing changed, when HEAD has moved since. All locks are given up on every way out.
 * @throws Failure `index-busy`, `git-at-work`, `ref-moved` (its lock is held for long) and those of `readIndex` and
 *   `patchIndex`
 */
export async function publishCommit(commit: Publication): Promise<boolean> {
  const { repo, head, oid, fsync, wait } = commit;
  const change = { ref: head.ref, expected: head.oid, next: oid, alsoHead: true, fsync };
  const index = await prepareIndex(repo, oid, wait.random);
  const [draft, branch] = await Promise.allSettled([
    writeDraft(commit, index),
    prepareRef(repo, change, wait.random),
  ]);
  try {
    if (draft.status === 'rejected') throw draft.reason;
    if (branch.status === 'rejected') throw branch.reason;
    const moved = await moveLocked(commit, draft.value, { index, branch: branch.value });
    // Only now: taking a large index apart takes longer than all that is done under the locks.
    if (moved !== null) rememberIndex(repo, moved.now, moved.stats);
    return moved !== null;
  } finally {
    const held = branch.status === 'fulfilled' ? [branch.value, index] : [index];
    await releaseAll(held);
  }
}

/** What one of them throws keeps none of the others. */
async function releaseAll(held: readonly { release(): Promise<void> }[]): Promise<void> {
  const outcomes = await Promise.allSettled(held.map((each) => each.release()));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

type Prepared = { index: PreparedLock; branch: PreparedRef };

/** What others are locked out for. The new index, or null when HEAD has moved. */
async function moveLocked(
  commit: Publication,
  draft: Draft | null,
  { index, branch }: Prepared,
): Promise<{ now: PatchedIndex; stats: BigIntStats } | null> {
  if (!(await index.lock(commit.wait))) {
    throw new Failure('index-busy', `Another program holds ${commit.repo.gitDir}/index.lock.`);
  }
  await commit.faultPoint('index-locked');
  const now = await settleDraft(commit, draft, index);
  if (now === null) return null;
  await commit.faultPoint('index-written');
  const ref = await lockBranch(commit, branch);
  if (ref === null) return null;
  await commit.faultPoint('ref-locked');
  const stats = await moveBoth(commit, ref, index);
  await commit.faultPoint('index-moved');
  // Before the new index is taken apart: HEAD is still locked.
  await ref.release();
  return { now, stats };
}

/** A new index, and the one that it was made from. */
type Draft = { before: IndexFile; after: PatchedIndex };

/** Everything that can be done before others are locked out. Null when the changes are only known afterwards. */
async function writeDraft(commit: Publication, index: PreparedLock): Promise<Draft | null> {
  const { repo, changes, fsync } = commit;
  if (typeof changes === 'function') return null;
  const [before] = await Promise.all([readIndex(repo), refuseUnderWay(commit)]);
  return { before, after: await writeIndex(repo, before, changes, { index, fsync }) };
}

/** Under the lock: what is written now is true of the index as it is. Null when HEAD has moved. */
async function settleDraft(
  commit: Publication,
  draft: Draft | null,
  index: PreparedLock,
): Promise<PatchedIndex | null> {
  const { repo, changes, fsync } = commit;
  // With a draft, it is the lock of HEAD and branch that compares them.
  const head = draft === null ? isHeadAt(commit) : true;
  const known = recallIndex(repo) ?? readIndex(repo);
  const looks = [head, known, refuseUnderWay(commit), refuseIfUndone(commit)] as const;
  const [isThere, now] = await Promise.all(looks);
  if (!isThere) return null;
  if (draft !== null && isSame(draft.before, now)) return draft.after;
  const changed = typeof changes === 'function' ? await changes(now) : changes;
  return writeIndex(repo, now, changed, { index, fsync });
}

/** Hashes it while it is on its way to the file: each of the two takes milliseconds for a large one. */
async function writeIndex(
  repo: Repository,
  before: IndexFile,
  changes: readonly IndexChange[],
  { index, fsync }: { index: PreparedLock; fsync: boolean },
): Promise<PatchedIndex> {
  const recent = findRecent(before);
  const unsure = await findUnsureEntries(repo, before, index.createdNs, recent);
  const after = draftIndex(before, { changes, unsure, recent });
  await index.write(after.bytes.subarray(0, -HASH_BYTES), fsync, () => sealIndex(after.bytes));
  return after;
}

/** Mostly the very bytes, from memory. The time counts: it decides which entries are unsure. */
function isSame(a: IndexFile, b: IndexFile): boolean {
  return a.mtimeNs === b.mtimeNs && (a.raw === b.raw || a.raw.equals(b.raw));
}

async function isHeadAt({ repo, head }: Publication): Promise<boolean> {
  const now = await readHead(repo);
  return now.kind === 'branch' && now.ref === head.ref && now.oid === head.oid;
}

async function refuseIfUndone({ repo, changes, readAt }: Publication): Promise<void> {
  if (typeof changes === 'function' || (await indexTime(repo)) === readAt) return;
  await refuseIfTakenBack(repo, changes);
}

async function refuseUnderWay({ repo, wait }: Publication): Promise<void> {
  const names = new Set(readdirSync(repo.gitDir));
  for (const [name, code] of UNDER_WAY) {
    if (names.has(name)) throw new Failure(code, `${repo.gitDir}/${name} appeared while a commit was made.`);
  }
  await refuseDuringStash(repo, names, wait.clock.now());
}

/** Null when the branch or HEAD moved in the last moment. */
async function lockBranch({ wait }: Publication, branch: PreparedRef): Promise<RefLock | null> {
  try {
    return await branch.lock(wait);
  } catch (error) {
    if (error instanceof Failure && error.data.current !== undefined) return null;
    throw error;
  }
}

/** From here on nothing may stop: the branch has the commit, so the index must follow, whatever the reflogs do. */
async function moveBoth(commit: Publication, ref: RefLock, index: PreparedLock): Promise<BigIntStats> {
  const { repo, head, oid, reflog } = commit;
  let stats: BigIntStats;
  await ref.commit();
  commit.onMoved?.();
  try {
    await commit.faultPoint('ref-moved');
    const line = { before: head.oid, after: oid, ...reflog };
    const appended = [ref.ref, 'HEAD'].map((name) => appendReflog(repo, name, line));
    const failed = (await Promise.allSettled(appended)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    await commit.faultPoint('reflog-written');
  } finally {
    stats = await index.commit();
  }
  return stats;
}
