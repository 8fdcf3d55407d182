// After a kill: brings a move of the work tree to its end, or takes it back when a person's changes stand in the way,
// so that half of somebody else's work is never taken for a change made here.

import { rm } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { readHead } from '../refs/refs.ts';
import { differencesOf, type MoveInput, moveBranch } from './move-branch.ts';
import { temporaryFolder } from './places.ts';
import { takeBack } from './take-back.ts';
import { type Journal, readJournal, removeJournal } from './update-journal.ts';
import type { WorkTreeTools } from './work-tree-tools.ts';

export type FinishInput = Omit<MoveInput, 'ref' | 'from' | 'to' | 'reflog' | 'kept' | 'tools'> & {
  /** The same that were at work; left out: the built-in engine's. */
  openTools?: (by: Journal['by']) => Promise<WorkTreeTools>;
  /** `Name <email> <epoch seconds> <+hhmm>`, for the reflog. */
  who: string;
};

/**
 * To be called before anything is committed, with the repository lock held and left locks cleared away. Costs one
 * look when nothing was under way.
 * @throws Failure as `moveBranch`; the next call goes on then
 */
export async function finishMove(
  input: FinishInput,
): Promise<'nothing' | 'finished' | 'taken-back' | 'dropped'> {
  const journal = await readJournal(input.repo);
  if (journal === null) return 'nothing';
  const answer = await bringToEnd(input, journal);
  await rm(temporaryFolder(input.repo), { recursive: true, force: true });
  await removeJournal(input.repo);
  return answer;
}

async function bringToEnd(
  input: FinishInput,
  journal: Journal,
): Promise<'finished' | 'taken-back' | 'dropped'> {
  const { ref, from, to, kept, message, by } = journal;
  const head = await readHead(input.repo);
  if (head.oid === to) return 'finished';
  // A person went elsewhere meanwhile: what lies in the work tree is theirs to judge.
  if (head.kind !== 'branch' || head.ref !== ref || head.oid !== from) return 'dropped';
  const tools = await input.openTools?.(by);
  try {
    await moveBranch({ ...input, tools, ref, from, to, kept, reflog: { message, who: input.who } });
    return 'finished';
  } catch (error) {
    if (!(error instanceof Failure) || !STANDS_IN_THE_WAY.has(error.code)) throw error;
  }
  const differences = await differencesOf(tools?.objects ?? input.objects, from, to);
  const ours = differences.filter(({ path }) => !kept.includes(path));
  // As they were carried out: deletions from the deepest up, then the rest.
  const deletions = ours.filter(({ after }) => after === null).reverse();
  await takeBack({ ...input, tools }, [...deletions, ...ours.filter(({ after }) => after !== null)]);
  return 'taken-back';
}

const STANDS_IN_THE_WAY: ReadonlySet<string> = new Set([
  'integrate-blocked-by-local-changes',
  'remote-path-unsafe',
  'needs-system-git',
]);
