// Commits the work tree as it is to `auto/<branch>`. Writes objects and that one ref; HEAD, index and work tree are
// only read. What was snapshotted once is never rewritten: each snapshot stands on the one before.

import type { Clock, Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { type CommitTime, signature } from '../objects/commit-object.ts';
import { buildTree, diffTrees } from '../objects/trees.ts';
import { updateRef } from '../refs/refs.ts';
import { isAncestor } from '../remote/history.ts';
import type { FileChange, Head, Identity, Repository } from '../types.ts';
import { snapshotSubject } from './snapshot-commit.ts';
import type { SnapshotEngine } from './snapshot-engine.ts';
import {
  branchOf,
  type Generation,
  generationRef,
  monthOf,
  newestGeneration,
  refuseInUse,
  shortName,
} from './snapshot-refs.ts';

// Another program may move the ref meanwhile; each time the snapshot is made anew on top of it.
const MAX_ATTEMPTS = 8;
/** How far back it is looked whether the remote's tip is in the chain already. */
const MOST_WALKED = 1_000;

export type TakeInput = {
  repo: Repository;
  engine: SnapshotEngine;
  /** What HEAD was when the changes were found. */
  head: Head;
  /** How the work tree differs from HEAD; files that must not leave the machine are left out by the caller. */
  changes: readonly FileChange[];
  machineId: string;
  identity: Identity;
  at: CommitTime;
  clock: Clock;
  random: Random;
  /** Flush the ref to the disk before it gets its name. */
  fsync: boolean;
  signal: AbortSignal;
  /**
   * Tips of the remote's branches, by name. When another machine has pushed to the same snapshot branch and its
   * objects are here, the snapshot joins both, so that its push is a fast-forward.
   */
  remoteTips?: Readonly<Record<string, string>>;
  /** Called at named steps (blobs-written, commit-written, ref-moved), so that tests can stop or interfere there. */
  faultPoint?: (name: string) => void | Promise<void>;
};

/** `parent` is the snapshot before, null for the first of a generation; `files` counts what differs from it. */
export type TakenSnapshot = {
  oid: string;
  ref: string;
  parent: string | null;
  tree: string;
  files: number;
};

/**
 * `ref` leads to a snapshot of now. `busy` are changes that are not what was looked at any more: the snapshot has there
 * what HEAD has.
 */
export type TakeAnswer = { snapshot: TakenSnapshot | null; ref: string; busy: readonly FileChange[] };

/**
 * `snapshot` is null when the last one holds the same tree and HEAD is where it was.
 * @throws Failure `snapshot-branch-checked-out`, `snapshot-branch-foreign`, `ref-conflict`, `ref-moved`,
 *   `file-changing`, `file-unreadable`, `identity-missing`, `disk-full`, `write-refused`, `aborted`
 */
export async function takeSnapshot(input: TakeInput): Promise<TakeAnswer> {
  throwIfAborted(input.signal);
  const busy = await input.engine.storeBlobs(input.changes, input.signal);
  await input.faultPoint?.('blobs-written');
  const { head } = input;
  const { objects } = input.engine;
  const before = head.oid === null ? null : (await objects.readCommit(head.oid)).tree;
  const tree = await buildTree(objects, before, treeChanges(input.changes, busy));
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    throwIfAborted(input.signal);
    const place = await findPlace(input);
    const joined = await remoteTipToJoin(input, place);
    const { last } = place;
    if (last?.tip.tree === tree && last.tip.head === head.oid && joined === null)
      return { snapshot: null, ref: last.ref, busy };
    const taken = await writeSnapshot(input, {
      ...place,
      tree,
      treeBefore: last?.tip.tree ?? before,
      joined,
    });
    await input.faultPoint?.('commit-written');
    if (await moveRef(input, taken)) {
      await input.faultPoint?.('ref-moved');
      return { snapshot: taken, ref: taken.ref, busy };
    }
  }
  throw new Failure('ref-moved', `A snapshot branch moved ${MAX_ATTEMPTS} times while a snapshot was taken.`);
}

/** `last` is the newest generation; `goesOn` says that the snapshot is put on top of it and not into a new month. */
type Place = { ref: string; branch: string; last: Generation | null; goesOn: boolean };

function treeChanges(changes: readonly FileChange[], busy: readonly FileChange[]) {
  const left = new Set(busy);
  return changes
    .filter((change) => !left.has(change))
    .map((change) => {
      const file = change.kind === 'deleted' ? null : { mode: change.mode, oid: change.oid };
      return { path: change.path, file };
    });
}

async function findPlace({ repo, engine, head, at }: TakeInput): Promise<Place> {
  const branch = branchOf(head);
  const last = await newestGeneration(repo, engine.objects, branch);
  const month = monthOf(at.epochMs);
  // A clock that was set back begins no new generation.
  const goesOn = last !== null && month <= monthOf(last.tip.at);
  const ref = goesOn ? last.ref : generationRef(branch, last === null ? '' : month);
  await refuseInUse(repo, ref);
  return { ref, branch, last, goesOn };
}

/** What the remote has on this branch and the new snapshot would not stand on; null when there is no such thing. */
async function remoteTipToJoin(input: TakeInput, { ref, last, goesOn }: Place): Promise<string | null> {
  const theirs = input.remoteTips?.[shortName(ref)];
  if (theirs === undefined || !(await input.engine.objects.has(theirs))) return null;
  const base = goesOn && last !== null ? last.tip.id : input.head.oid;
  if (base === null) return theirs;
  return (await isAncestor(input.engine.objects, theirs, base, MOST_WALKED)) === 'yes' ? null : theirs;
}

async function writeSnapshot(
  input: TakeInput,
  place: Place & { tree: string; treeBefore: string | null; joined: string | null },
): Promise<TakenSnapshot & { branch: string }> {
  const { engine, head, machineId, identity, at, signal } = input;
  const { ref, branch, last, goesOn, tree, joined } = place;
  const parent = goesOn && last !== null ? last.tip.id : null;
  // A person's commits are work too: the snapshot keeps hold of what HEAD was.
  const ownHead = parent !== null && last?.tip.head === head.oid ? null : head.oid;
  const parents = [...new Set([parent, ownHead, joined].filter((oid) => oid !== null))];
  let files = 0;
  for await (const _difference of diffTrees(engine.objects, place.treeBefore, tree)) files += 1;
  const content = {
    ...{ tree, parents, branch, identity, at, machine: machineId, head: head.oid, filesChanged: files },
  };
  return { oid: await engine.writeCommit(content, signal), ref, branch, parent, tree, files };
}

/** False when somebody else moved it. */
async function moveRef(input: TakeInput, taken: TakenSnapshot & { branch: string }): Promise<boolean> {
  const { repo, identity, at, fsync, clock, random } = input;
  const { ref, oid, parent, branch, files } = taken;
  const message = `snapshot: ${snapshotSubject({ branch, filesChanged: files })}`;
  const reflog = { message, who: signature(identity, at) };
  try {
    await updateRef(repo, {
      ...{ ref, expected: parent, next: oid, reflog, alsoHead: false, fsync, clock, random },
    });
    return true;
  } catch (error) {
    if (error instanceof Failure && error.data.current !== undefined) return false;
    throw error;
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof Failure) throw signal.reason;
  throw new Failure('aborted', 'The snapshot was called off before it was taken.', { cause: signal.reason });
}
