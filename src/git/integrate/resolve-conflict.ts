// What a person chose for a conflict becomes a merge commit of both sides, so that nothing of either is lost. Apart
// from the choice it goes the way of every integration.

import type { ConflictChoice, ConflictFile } from '../../model/conflict.ts';
import { buildTree } from '../objects/trees.ts';
import { choose, conflictFileOf } from './conflict-files.ts';
import { readGeneralAttributes } from './general-attributes.ts';
import {
  advance,
  advanceToMerge,
  asAnswer,
  type IntegrateAnswer,
  type IntegratePorts,
  relationOf,
  unrelated,
} from './integrate.ts';
import { mergeCommits } from './merge-commits.ts';

const SUBJECTS: Record<ConflictChoice, string> = {
  mine: ', keeping mine where both changed',
  theirs: ', keeping theirs where both changed',
  both: ', keeping both where both changed',
};

type ResolveInput = IntegratePorts & {
  choice: ConflictChoice;
  /** The files that the person was shown, as `conflict` named them: the choice is for no others. */
  seen: readonly ConflictFile[];
};

/**
 * Takes the conflicting files from the chosen side and merges all others. What was resolved meanwhile needs no choice:
 * then it merges or answers `up-to-date`. Files that the person has not seen are a new `conflict`.
 * @throws Failure as `integrateBranch`
 */
export async function resolveConflict(input: ResolveInput): Promise<IntegrateAnswer> {
  return asAnswer(input, () => resolve(input));
}

async function resolve(input: ResolveInput): Promise<IntegrateAnswer> {
  const { objects, ours, theirs, branch, choice, machineId } = input;
  const relation = await relationOf(input);
  if (relation === 'contained') return { kind: 'up-to-date' };
  if (ours === null || relation === 'behind') return advance(input, theirs, 'fast-forward');
  const merge = await mergeCommits({ ...input, ours, attributes: await readGeneralAttributes(input) });
  if (merge.kind === 'unrelated') throw unrelated(branch);
  if (merge.kind === 'clean') return advanceToMerge(input, ours, merge.tree);
  const files = merge.conflicts.map(conflictFileOf);
  const seen = new Set(input.seen.map(({ path }) => path));
  if (files.some(({ path }) => !seen.has(path))) return { kind: 'conflict', files };
  const tree = (await objects.readCommit(ours)).tree;
  const other = (await objects.readCommit(theirs)).tree;
  const merged = await buildTree(objects, tree, merge.changes);
  const chosen = await choose(merge.conflicts, choice, { objects, trees: [tree, other, merged], machineId });
  return advanceToMerge(input, ours, await buildTree(objects, merged, chosen), SUBJECTS[choice]);
}
