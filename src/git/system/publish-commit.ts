// Puts a commit that git has written in force: the new index and the moved branch, under index.lock, in git's own
// order. The index is made by git, the branch is moved by git (its hook runs), the lock is held by us.

import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { indexTime, refuseDuringStash, refuseIfTakenBack } from '../commit/foreign-command.ts';
import { findOperation } from '../probe/probe-operations.ts';
import { lockFile } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import { readHead } from '../refs/refs.ts';
import type { Head, Repository } from '../types.ts';
import { person, type SystemCommit } from './commit-input.ts';
import { moveRefBySystem } from './move-ref.ts';
import { copyIndex, putChanges, readIndexStat, refreshChanges, type ScratchIndex } from './scratch-index.ts';

type Publication = SystemCommit & {
  repo: Repository;
  /** HEAD as it was when the commit was prepared. */
  head: Extract<Head, { kind: 'branch' }>;
  oid: string;
  folder: string;
  /** `indexTime` before the changes were read. */
  readAt: bigint | null;
};

/** @throws Failure `index-busy`, `git-at-work`, `ref-moved`, `commit-hook-refused`, `git-failed`, and operations under way */
export async function publishBySystem(commit: Publication): Promise<void> {
  const { repo, clock, random, signal } = commit;
  const early = await prepareIndex(commit);
  const twin = { folder: twinsFolder(repo), label: `index-${commit.oid}` };
  const lock = await lockFile(`${repo.gitDir}/index`, twin, { clock, random, signal });
  if (lock === null) throw new Failure('index-busy', `Another program holds ${repo.gitDir}/index.lock.`);
  try {
    await commit.faultPoint?.('index-locked');
    await refuseIfMoved(commit);
    await refuseIfUndone(commit);
    const index = (await isStill(repo, early)) ? early : await prepareIndex(commit);
    await lock.write(await readFile(index.path), commit.fsync);
    await commit.faultPoint?.('index-written');
    await moveBranch(commit);
    await commit.faultPoint?.('ref-moved');
    // The branch has the commit, so the index must follow, whatever the signal says.
    await lock.commit();
    await commit.faultPoint?.('index-moved');
  } finally {
    await lock.release();
  }
}

async function prepareIndex({ repo, git, folder, changes, clock }: Publication): Promise<ScratchIndex> {
  const index = await copyIndex(repo, `${folder}/next`, git, { keepForm: true });
  await putChanges(index, changes);
  await refreshChanges(index, changes, clock.now());
  return index;
}

async function isStill(repo: Repository, { copied }: ScratchIndex): Promise<boolean> {
  const now = await readIndexStat(repo);
  if (now === null || copied === null) return now === copied;
  return now.mtimeNs === copied.mtimeNs && now.size === copied.size && now.ino === copied.ino;
}

/** @throws Failure `ref-moved`, and operations under way */
export async function refuseIfMoved({
  repo,
  head,
  clock,
}: {
  repo: Repository;
  head: { ref: string; oid: string | null };
  clock: Clock;
}): Promise<void> {
  const now = await readHead(repo);
  const operation = await findOperation({ repo, head: now, index: null, now: clock.now() });
  if (operation !== null) throw new Failure(operation.code, operation.detail);
  if (now.kind !== 'branch' || now.ref !== head.ref || now.oid !== head.oid) {
    throw new Failure('ref-moved', `HEAD moved in ${repo.worktree} while a commit was made.`);
  }
}

async function refuseIfUndone({ repo, changes, readAt, clock }: Publication): Promise<void> {
  await refuseDuringStash(repo, new Set(await readdir(repo.gitDir)), clock.now());
  if ((await indexTime(repo)) === readAt) return;
  const entries = changes.map((change) => ({
    path: change.path,
    entry: change.kind === 'deleted' ? null : change,
  }));
  await refuseIfTakenBack(repo, entries);
}

async function moveBranch({ repo, git, head, oid, message, committer, at }: Publication): Promise<void> {
  const subject = message.trimStart().split('\n', 1)[0] ?? '';
  await moveRefBySystem({
    ...{ repo, git, ref: head.ref, expected: head.oid, next: oid },
    message: `commit${head.oid === null ? ' (initial)' : ''}: ${subject}`,
    env: person('COMMITTER', committer, at),
  });
}
