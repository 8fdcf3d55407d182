// Merges the trees of two commits over their common history. When merges crossed, the base is itself the merge of the
// bases, as in git; where that is no clean merge, the base of those paths counts as unknown.

import { buildTree, type TreeFile } from '../objects/trees.ts';
import type { RepoPath } from '../paths.ts';
import type { ObjectStore } from '../types.ts';
import { mergeBases } from './merge-bases.ts';
import { keptWholeBy } from './merge-rules.ts';
import { mergeTrees, type TreeConflict } from './merge-trees.ts';

export type CommitMerge =
  | { kind: 'clean'; tree: string }
  /** `changes` lead from our tree to the merged one, the conflicts aside. */
  | { kind: 'conflict'; changes: { path: RepoPath; file: TreeFile | null }[]; conflicts: TreeConflict[] }
  | { kind: 'unrelated' };

type Base = { tree: string | null; doubtful: ReadonlySet<string> | 'all' };

export type CommitMergeInput = {
  objects: ObjectStore;
  ours: string;
  theirs: string;
  /** `info/attributes` and the like, which hold for every commit. */
  attributes: readonly string[];
  signal: AbortSignal;
};

/** @throws Failure `history-incomplete`, `object-missing`, `object-corrupt` */
export async function mergeCommits(input: CommitMergeInput): Promise<CommitMerge> {
  const { objects, ours, theirs } = input;
  const bases = await mergeBases(objects, ours, theirs);
  if (bases.length === 0) return { kind: 'unrelated' };
  const base = await baseOf(input, bases);
  const tree = (await objects.readCommit(ours)).tree;
  const merge = await mergeOver(input, base, tree, (await objects.readCommit(theirs)).tree);
  if (merge.conflicts.length > 0) return { kind: 'conflict', ...merge };
  return { kind: 'clean', tree: await buildTree(objects, tree, merge.changes) };
}

/** The merge of one commit's change onto another tree, as a cherry-pick does it. */
export async function applyChange(
  input: Pick<CommitMergeInput, 'objects' | 'attributes' | 'signal'>,
  trees: { base: string | null; ours: string; theirs: string },
): Promise<Exclude<CommitMerge, { kind: 'unrelated' }>> {
  const merge = await mergeOver(input, { tree: trees.base, doubtful: new Set() }, trees.ours, trees.theirs);
  if (merge.conflicts.length > 0) return { kind: 'conflict', ...merge };
  return { kind: 'clean', tree: await buildTree(input.objects, trees.ours, merge.changes) };
}

async function mergeOver(
  input: Pick<CommitMergeInput, 'objects' | 'attributes' | 'signal'>,
  base: Base,
  ours: string,
  theirs: string,
) {
  const { objects, attributes, signal } = input;
  const keepsWhole = keptWholeBy(objects, [ours, theirs], attributes);
  return mergeTrees({ objects, base: base.tree, ours, theirs, doubtful: base.doubtful, keepsWhole, signal });
}

async function baseOf(input: CommitMergeInput, bases: readonly string[]): Promise<Base> {
  const { objects } = input;
  const [first = '', second] = bases;
  const tree = (await objects.readCommit(first)).tree;
  if (second === undefined) return { tree, doubtful: new Set() };
  // Three best ancestors and more are too rare to be worth a guess.
  if (bases.length > 2) return { tree, doubtful: 'all' };
  const older = await mergeBases(objects, first, second);
  if (older.length === 0) return { tree, doubtful: 'all' };
  const base = await baseOf(input, older);
  const merge = await mergeOver(input, base, tree, (await objects.readCommit(second)).tree);
  const doubtful = new Set<string>(merge.conflicts.map(({ path }) => path));
  return { tree: await buildTree(objects, tree, merge.changes), doubtful };
}
