// The points in time that can be gone back to, newest first. Walks snapshot commits only, never a person's history.

import { Buffer } from 'node:buffer';
import { Failure } from '../../model/failure.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { createRetention, longestOf, type RetentionPolicy } from './retention.ts';
import type { Snapshot } from './snapshot-commit.ts';
import { listGenerations, readSnapshot } from './snapshot-refs.ts';

export type ListInput = {
  repo: Repository;
  objects: ObjectStore;
  /** Only snapshots of this branch. */
  branch?: string;
  /** What is thinned out is not offered; null offers everything. */
  policy: RetentionPolicy | null;
  /** Epoch milliseconds. */
  now: number;
  limit: number;
  /** `nextCursor` of the page before; null for the first. */
  cursor: string | null;
};

/** @throws Failure `invalid-request` for a cursor of something else, `object-missing`, `object-corrupt` */
export async function listSnapshots(
  input: ListInput,
): Promise<{ snapshots: Snapshot[]; nextCursor: string | null }> {
  const after = input.cursor === null ? null : readCursor(input.cursor);
  const keep = input.policy === null ? () => true : createRetention(input.policy, input.now);
  const snapshots: Snapshot[] = [];
  for await (const snapshot of walkSnapshots(input)) {
    // Asked of every one, also those of earlier pages: what stays depends on what is newer.
    if (!keep(snapshot) || (after !== null && !isAfter(snapshot, after))) continue;
    const last = snapshots.at(-1);
    if (last && snapshots.length === input.limit) return { snapshots, nextCursor: writeCursor(last) };
    snapshots.push(snapshot);
  }
  return { snapshots, nextCursor: null };
}

/** @throws Failure `snapshot-not-found` when the id is none of a snapshot here */
export async function findSnapshot(objects: ObjectStore, id: string): Promise<Snapshot> {
  const missing = () => new Failure('snapshot-not-found', `There is no snapshot ${id.slice(0, 100)}.`);
  if (!/^[0-9a-f]{40}$/.test(id) || !(await objects.has(id))) throw missing();
  const snapshot = await readSnapshot(objects, id);
  if (snapshot === null) throw missing();
  return snapshot;
}

/** Newest first over all branches; a chain is not followed beyond the age at which nothing more is offered. */
async function* walkSnapshots(input: ListInput): AsyncGenerator<Snapshot> {
  const { repo, objects, branch, policy, now } = input;
  const generations = await listGenerations(repo, objects);
  const tips = generations.filter((one) => branch === undefined || one.branch === branch);
  const waiting = tips.map(({ tip }) => tip).sort(isOlderFirst);
  const seen = new Set(waiting.map(({ id }) => id));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    if (policy !== null && now - next.at >= longestOf(policy)) continue;
    for (const parent of next.parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      const before = await snapshotIfHere(objects, parent);
      if (before?.branch === next.branch) insert(waiting, before);
    }
  }
}

/** History may be cut off (a shallow clone): what is not here is not offered. */
async function snapshotIfHere(objects: ObjectStore, oid: string): Promise<Snapshot | null> {
  return (await objects.has(oid)) ? readSnapshot(objects, oid) : null;
}

function insert(waiting: Snapshot[], snapshot: Snapshot): void {
  let at = waiting.length;
  while (at > 0 && isOlderFirst(waiting[at - 1] as Snapshot, snapshot) > 0) at -= 1;
  waiting.splice(at, 0, snapshot);
}

function isOlderFirst(a: Snapshot, b: Snapshot): number {
  return a.at - b.at;
}

type Position = { at: number; id: string };

/** The walk gives snapshots of one second in the order of the chain, so the place is found by its id. */
function isAfter(snapshot: Snapshot, position: Position & { met?: boolean }): boolean {
  if (position.met) return true;
  position.met = snapshot.id === position.id;
  return !position.met && snapshot.at < position.at;
}

function writeCursor({ at, id }: Snapshot): string {
  return Buffer.from(`${at}:${id}`).toString('base64url');
}

function readCursor(cursor: string): Position {
  const match = /^(-?\d{1,16}):([0-9a-f]{40})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match?.[2] !== undefined) return { at: Number(match[1]), id: match[2] };
  throw new Failure(
    'invalid-request',
    `The cursor "${cursor.slice(0, 200)}" is none that this list gave out.`,
    {
      action: 'Pass nextCursor of the previous page unchanged, or none to begin at the start.',
    },
  );
}
