// Repeats the commits that only we have on top of theirs, in memory. Commits that others may have seen are none of
// these: only unpushed ones are ahead of the remote.

import { walkAhead } from '../remote/commit-walk.ts';
import type { ObjectStore } from '../types.ts';
import { applyChange, type CommitMerge, type CommitMergeInput } from './merge-commits.ts';
import { type Maker, repeatCommit } from './new-commits.ts';

export type Rebase =
  | { kind: 'clean'; oid: string }
  | Extract<CommitMerge, { kind: 'conflict' }>
  /** Merges among them, or more than anybody would repeat: they have to be merged. */
  | { kind: 'not-in-line' };

const MOST_COMMITS = 1_000;

export async function rebaseCommits(input: CommitMergeInput & { maker: Maker }): Promise<Rebase> {
  const { objects, ours, theirs, maker } = input;
  const line = await commitsInLine(objects, ours, theirs);
  if (line === null) return { kind: 'not-in-line' };
  let onto = theirs;
  for (const { oid, tree, parent } of line) {
    input.signal.throwIfAborted();
    const below = (await objects.readCommit(onto)).tree;
    const base = (await objects.readCommit(parent)).tree;
    const merge = await applyChange(input, { base, ours: below, theirs: tree });
    if (merge.kind === 'conflict') return merge;
    // What they have already needs no second commit; one that was empty from the start was meant so.
    if (merge.tree === below && tree !== base) continue;
    onto = await repeatCommit(objects, { oid, tree: merge.tree, parent: onto }, maker);
  }
  return { kind: 'clean', oid: onto };
}

/** Oldest first; null when they do not form one line down to what they have. */
async function commitsInLine(objects: ObjectStore, ours: string, theirs: string) {
  const walk = await walkAhead({ objects, tip: ours, known: [theirs], limit: MOST_COMMITS * 4 });
  if (!walk.complete || walk.missing !== null || walk.ahead.length > MOST_COMMITS) return null;
  const ahead = new Map(walk.ahead.map((commit) => [commit.oid, commit]));
  const line: { oid: string; tree: string; parent: string }[] = [];
  for (let at = ahead.get(ours); at !== undefined; ) {
    const [parent, second] = at.parents;
    if (parent === undefined || second !== undefined) return null;
    line.push({ oid: at.oid, tree: at.tree, parent });
    at = ahead.get(parent);
  }
  return line.length === ahead.size ? line.reverse() : null;
}
