// The best common ancestors of two commits, as `git merge-base --all` finds them. Reads commits only.

import { Failure } from '../../model/failure.ts';
import { isAncestor } from '../remote/history.ts';
import type { ObjectStore } from '../types.ts';

const OURS = 1;
const THEIRS = 2;
const BOTH = OURS | THEIRS;
/** Below a common ancestor: common too, but not a best one. */
const STALE = 4;
/** A history that does not decide within so many commits is not walked on. */
const MOST_COMMITS = 200_000;

type Node = { oid: string; parents: readonly string[]; time: number; flags: number; queued: boolean };

/**
 * Usually one; more after merges that crossed; none of unrelated histories. The order is newest first.
 * @throws Failure `history-incomplete` when a commit on the way is missing (a shallow clone) or the walk is too long
 */
export async function mergeBases(objects: ObjectStore, ours: string, theirs: string): Promise<string[]> {
  if (ours === theirs) return [ours];
  const found = await commonAncestors(objects, ours, theirs);
  const best: string[] = [];
  for (const oid of found) {
    let isBest = true;
    for (const other of found) {
      if (other === oid || !isBest) continue;
      if ((await isAncestor(objects, oid, other, MOST_COMMITS)) === 'yes') isBest = false;
    }
    if (isBest) best.push(oid);
  }
  return best;
}

/** Paints both histories, newest commits first, until only what lies below common ancestors is left. */
async function commonAncestors(objects: ObjectStore, ours: string, theirs: string): Promise<string[]> {
  const nodes = new Map<string, Node>();
  const queue: Node[] = [];
  const found = new Set<string>();
  let open = 0;

  async function reach(oid: string, flags: number): Promise<void> {
    // Below a common ancestor nothing new is found, so there a shallow clone may end.
    const node = nodes.get(oid) ?? (await load(objects, oid, (flags & STALE) !== 0));
    if (node === null) return;
    nodes.set(oid, node);
    const next = node.flags | flags;
    if (next === node.flags) return;
    if (node.queued && (node.flags & STALE) === 0) open -= 1;
    node.flags = next;
    if (!node.queued) insert(queue, node);
    if ((next & STALE) === 0) open += 1;
  }

  await reach(ours, OURS);
  await reach(theirs, THEIRS);
  for (let visited = 0; open > 0; visited += 1) {
    const node = queue.pop();
    if (node === undefined) break;
    if (visited >= MOST_COMMITS) {
      throw new Failure(
        'history-incomplete',
        `${MOST_COMMITS} commits do not tell where the histories part.`,
      );
    }
    node.queued = false;
    if ((node.flags & STALE) === 0) open -= 1;
    let { flags } = node;
    if ((flags & BOTH) === BOTH) {
      if ((flags & STALE) === 0) found.add(node.oid);
      flags |= STALE;
    }
    for (const parent of node.parents) await reach(parent, flags);
  }
  // What was painted as common first may turn out to lie below another.
  return [...found].filter((oid) => ((nodes.get(oid)?.flags ?? 0) & STALE) === 0);
}

/** Keeps the queue sorted, newest last. */
function insert(queue: Node[], node: Node): void {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((queue[middle] as Node).time < node.time) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, node);
  node.queued = true;
}

async function load(objects: ObjectStore, oid: string, mayLack: boolean): Promise<Node | null> {
  try {
    const { parents } = await objects.readCommit(oid);
    const { content } = await objects.read(oid);
    const time = Number(/^committer .*> (-?\d+) [+-]\d+$/m.exec(content.toString('latin1'))?.[1] ?? 0);
    return { oid, parents, time, flags: 0, queued: false };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'object-missing') throw error;
    if (mayLack) return null;
    throw new Failure(
      'history-incomplete',
      `The commit ${oid} is not here, so nobody can tell where the histories part.`,
      {
        cause: error,
      },
    );
  }
}
