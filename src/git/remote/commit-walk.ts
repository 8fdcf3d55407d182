// Walks history from two sides, newest first, until what only one side reaches is known: the base of every
// question about "ahead". Works like git's own walk. Knows nothing of trees and remotes.

import { Failure } from '../../model/failure.ts';
import type { ObjectStore } from '../types.ts';

type WalkedCommit = {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
};

export type Walk = {
  /** Commits reached from the tip and not from a known commit, newest first. */
  ahead: WalkedCommit[];
  /** `until` was reached from the tip. */
  met: boolean;
  /** False: the limit ended the walk. */
  complete: boolean;
  /** A commit on the tip's side that is not here (a shallow clone, or damage). */
  missing: string | null;
  /** Commits reached so far, with their trees. */
  treeOf(oid: string): string | undefined;
};

type Node = WalkedCommit & { readonly time: number; side: number; queued: boolean };

const AHEAD = 1;
const KNOWN = 2;
/**
 * A commit dated before its parent can be reached from the tip before it is reached from a known one. Going on a
 * little corrects that: a few commits always, more while they are not older than what was counted.
 * What is then still wrong counts too much, never too little.
 */
const AFTERWARDS = 5;
const MOST_AFTERWARDS = 32;

/**
 * `known` commits that are not here are left out. `limit` is the most commits visited.
 * A commit that no known one reaches is always in `ahead` when `complete`: paths down to it hold none that is known.
 */
export async function walkAhead(input: {
  objects: ObjectStore;
  tip: string;
  known: readonly string[];
  limit: number;
  until?: string;
}): Promise<Walk> {
  const { objects, until } = input;
  const nodes = new Map<string, Node>();
  const queue: Node[] = [];
  const visited: Node[] = [];
  const state = { missing: null as string | null, met: false, open: 0, oldest: Number.POSITIVE_INFINITY };

  async function reach(oid: string, side: number): Promise<void> {
    const node = nodes.get(oid) ?? (await load(objects, oid));
    if (node === null) {
      if (side === AHEAD) state.missing ??= oid;
      return;
    }
    nodes.set(oid, node);
    if (oid === until && (side & AHEAD) !== 0) state.met = true;
    const next = node.side | side;
    if (next === node.side) return;
    if (node.queued && node.side === AHEAD) state.open -= 1;
    if (next === AHEAD) state.open += 1;
    node.side = next;
    // A visited commit that turns out to be known tells its parents so.
    if (!node.queued) insert(queue, node);
  }

  for (const oid of input.known) await reach(oid, KNOWN);
  const straightTo = nodes.size === 1 ? [...nodes.keys()][0] : undefined;
  await reach(input.tip, AHEAD);
  let afterwards = 0;
  let count = 0;
  while (queue.length > 0 && !state.met) {
    if (state.open === 0) {
      if (straightTo !== undefined && isLine(visited, straightTo)) break;
      const newest = queue.at(-1)?.time ?? 0;
      const most = newest < state.oldest ? AFTERWARDS : MOST_AFTERWARDS;
      if (until !== undefined || afterwards >= most) break;
      afterwards += 1;
    } else if (count >= input.limit) break;
    const node = queue.pop() as Node;
    node.queued = false;
    if (node.side === AHEAD) {
      state.open -= 1;
      state.oldest = Math.min(state.oldest, node.time);
      visited.push(node);
    }
    count += 1;
    for (const parent of node.parents) await reach(parent, node.side);
  }
  return {
    ahead: visited.filter((node) => node.side === AHEAD),
    met: state.met,
    complete: state.open === 0 || state.met,
    missing: state.missing,
    treeOf: (oid) => nodes.get(oid)?.tree,
  };
}

/** One after the other down to the only known commit: as each has it for an ancestor, it can reach none of them. */
function isLine(visited: readonly Node[], to: string): boolean {
  return visited.every(({ parents }, at) => {
    const [parent, second] = parents;
    return second === undefined && parent === (visited[at + 1]?.oid ?? to);
  });
}

/** Keeps the queue sorted, newest last; of equal ones the earlier inserted is nearer to the end. */
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

async function load(objects: ObjectStore, oid: string): Promise<Node | null> {
  try {
    const { type, content } = await objects.read(oid);
    if (type !== 'commit') return null;
    return { oid, ...parseCommit(content, oid), side: 0, queued: false };
  } catch (error) {
    if (error instanceof Failure && error.code === 'object-missing') return null;
    throw error;
  }
}

function parseCommit(content: Buffer, oid: string) {
  const end = content.indexOf('\n\n');
  const head = content.toString('latin1', 0, end < 0 ? content.length : end);
  const tree = /^tree ([0-9a-f]{40})$/m.exec(head)?.[1];
  if (tree === undefined) throw new Failure('object-corrupt', `The commit ${oid} names no tree.`);
  const parents = [...head.matchAll(/^parent ([0-9a-f]{40})$/gm)].map((match) => match[1] as string);
  const time = Number(/^committer .*> (-?\d+) [+-]\d+$/m.exec(head)?.[1] ?? 0);
  return { tree, parents, time };
}
