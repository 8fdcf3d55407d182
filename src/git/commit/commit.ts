// Commits known changes with the effect of `git commit --only <paths>`: objects first, without any lock; then index
// and branch under git's own locks, as short as possible. What else a person has staged stays staged.

import type { Clock, Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import type { IndexChange } from '../index/index-write.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { type CommitTime, commitContent, signature } from '../objects/commit-object.ts';
import { buildTree } from '../objects/trees.ts';
import { displayPath } from '../paths.ts';
import { readHead } from '../refs/refs.ts';
import type { FileChange, Head, Identity, ObjectBatch, ObjectStore, Repository } from '../types.ts';
import { indexTime } from './foreign-command.ts';
import { type FaultPoint, publishCommit } from './publish-commit.ts';
import { type BlobTarget, openWorkTree, storeChange } from './work-file.ts';

const FILES_AT_ONCE = 8;
// Other programs may commit at the same time; each time HEAD moves the tree is built anew.
const MAX_ATTEMPTS = 8;
// A file for each object costs about 0.35 ms; above this one pack for all of them is faster, and tidier.
const MOST_SINGLE_OBJECTS = 200;
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export type CommitInput = {
  repo: Repository;
  objects: ObjectStore;
  changes: readonly FileChange[];
  message: string;
  author: Identity;
  committer: Identity;
  at: CommitTime;
  clock: Clock;
  random: Random;
  /** Flush index and ref to the disk before they get their names. */
  fsync: boolean;
  /** Heeded until the branch moves; then the commit is brought to its end. */
  signal: AbortSignal;
  /** Called with each commit whose objects are written, before the branch has it; a branch that moves makes another. */
  onWritten?(commit: { oid: string; parent: string | null; ref: string }): Promise<void>;
  /** Called at once when the branch has the last of them: must not throw. */
  onMoved?(): void;
  /** Called at named steps, so that tests can stop or interfere there. */
  faultPoint?: FaultPoint;
};

/**
 * `parent` is null for a first commit; `files` counts the changes; `busy` names the files that were left out because
 * they changed since they were looked at (display text; left out: none).
 */
export type CommitResult = {
  oid: string;
  parent: string | null;
  ref: string;
  files: number;
  busy?: readonly string[];
};

/**
 * Answers null when HEAD's tree already holds all of it. A file that changed since is left for the next commit.
 * @throws Failure `file-changing` when no other is left, `index-busy`, `git-at-work`, `ref-moved`, `detached-head`,
 *   `unmerged-entries`, `merge-in-progress` and its kin, `index-corrupt`, `needs-system-git`, `identity-missing`, `disk-full`,
 *   `write-refused`, `aborted`
 */
export async function commitChanges(input: CommitInput): Promise<CommitResult | null> {
  const batch = input.changes.length > MOST_SINGLE_OBJECTS ? await input.objects.openBatch() : null;
  try {
    return await commitInto(input, batch);
  } finally {
    await batch?.discard();
  }
}

type Branch = Extract<Head, { kind: 'branch' }>;
/** What is to be committed: the changes that held still, and their index entries beside them. */
type Stored = { changes: FileChange[]; entries: IndexChange[]; busy: Failure[] };

async function commitInto(input: CommitInput, batch: ObjectBatch | null): Promise<CommitResult | null> {
  const fault = async (name: string) => input.faultPoint?.(name);
  const readAt = await indexTime(input.repo);
  const stored = await storeBlobs(input, batch ?? input.objects);
  if (stored.changes.length === 0 && stored.busy[0]) throw stored.busy[0];
  await fault('blobs-written');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    throwIfAborted(input.signal);
    const prepared = await prepareCommit(input, stored.entries, attempt === 1 ? batch : null);
    if (prepared === null) return null;
    if (attempt === 1) await batch?.finish();
    await fault('trees-written');
    throwIfAborted(input.signal);
    const { head, oid } = prepared;
    await input.onWritten?.({ oid, parent: head.oid, ref: head.ref });
    if (await publish(input, { ...prepared, changes: stored.entries, readAt })) {
      const busy = stored.busy.map((failure) => String(failure.data.path));
      return { oid, parent: head.oid, ref: head.ref, files: stored.changes.length, busy };
    }
  }
  throw new Failure('ref-moved', `HEAD moved ${MAX_ATTEMPTS} times while a commit was made.`);
}

async function storeBlobs(input: CommitInput, target: BlobTarget): Promise<Stored> {
  const tree = openWorkTree(input.repo.worktree);
  const stored: Stored = { changes: [], entries: [], busy: [] };
  const outcomes = await mapConcurrently(input.changes, FILES_AT_ONCE, async (change) => {
    throwIfAborted(input.signal);
    try {
      return { change, entry: await storeChange(tree, target, change) };
    } catch (error) {
      if (error instanceof Failure && error.code === 'file-changing') {
        const data = { path: displayPath(change.path) };
        return new Failure(error.code, error.message, { data, cause: error });
      }
      throw error;
    }
  });
  for (const outcome of outcomes) {
    if (outcome instanceof Failure) stored.busy.push(outcome);
    else {
      stored.changes.push(outcome.change);
      stored.entries.push(outcome.entry);
    }
  }
  return stored;
}

/** Writes trees and commit on top of HEAD; null when there is nothing to commit. */
async function prepareCommit(
  input: CommitInput,
  stored: readonly IndexChange[],
  batch: ObjectBatch | null,
): Promise<{ head: Branch; oid: string } | null> {
  const { repo } = input;
  const objects = batch === null ? input.objects : { ...input.objects, write: batch.write };
  const head = await readHead(repo);
  if (head.kind === 'detached') throw new Failure('detached-head', `HEAD is detached at ${head.oid}.`);
  const before = head.oid === null ? null : (await objects.readCommit(head.oid)).tree;
  const changes = stored.map(({ path, entry }) => ({ path, file: entry }));
  const tree = await buildTree(objects, before, changes);
  if (tree === (before ?? EMPTY_TREE)) return null;
  const { author, committer, at, message } = input;
  const content = commitContent({ tree, parent: head.oid, author, committer, at, message });
  return { head, oid: await objects.write('commit', content) };
}

async function publish(
  input: CommitInput,
  prepared: { head: Branch; oid: string; changes: readonly IndexChange[]; readAt: bigint | null },
): Promise<boolean> {
  const { repo, clock, random, fsync, signal, faultPoint, onMoved } = input;
  const subject = input.message.trimStart().split('\n', 1)[0] ?? '';
  const reflog = {
    message: `commit${prepared.head.oid === null ? ' (initial)' : ''}: ${subject}`,
    who: signature(input.committer, input.at),
  };
  try {
    return await publishCommit({
      repo,
      wait: { clock, random, signal },
      fsync,
      reflog,
      faultPoint: async (name) => faultPoint?.(name),
      ...(onMoved && { onMoved }),
      ...prepared,
    });
  } catch (error) {
    // A wait for a lock ends with the signal's own reason.
    if (signal.aborted && error === signal.reason) throwIfAborted(signal);
    throw error;
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof Failure) throw signal.reason;
  throw new Failure('aborted', 'The commit was called off before it was made.', { cause: signal.reason });
}
