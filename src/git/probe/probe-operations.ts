// Notices what a person has under way in a repository, during which the service must keep still.

import { readdir, readFile, stat } from '../../host/small-files.ts';
import { type Reason, reasonOf } from '../../model/failure.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { unlessAbsent } from '../io-failure.ts';
import { displayPath } from '../paths.ts';
import type { Head, Repository } from '../types.ts';
import type { IndexOutline } from './probe-index.ts';

const LOCK_PATIENCE_MS = 60_000;

// In this order: a rebase that stopped at a conflict leaves traces of a cherry-pick too.
const TRACES: readonly (readonly [name: string, code: FailureCode, what: string])[] = [
  ['MERGE_HEAD', 'merge-in-progress', 'A merge'],
  ['rebase-merge', 'rebase-in-progress', 'A rebase'],
  ['rebase-apply', 'rebase-in-progress', 'A rebase or `git am`'],
  ['CHERRY_PICK_HEAD', 'cherry-pick-in-progress', 'A cherry-pick'],
  ['REVERT_HEAD', 'revert-in-progress', 'A revert'],
  ['BISECT_LOG', 'bisect-in-progress', 'A bisect'],
];

/** What shows in the git folder while something is under way; each is there only then. */
export const OPERATION_FILES: readonly string[] = [
  ...TRACES.map(([name]) => name),
  'sequencer',
  'index.lock',
];

type OperationsInput = { repo: Repository; head: Head; index: IndexOutline | null; now: number };

/** The first thing that a person has to finish; null when there is none. `now` is epoch milliseconds. */
export async function findOperation({ repo, head, index, now }: OperationsInput): Promise<Reason | null> {
  const names = new Set(await readdir(repo.gitDir));
  for (const [name, code, what] of TRACES) {
    if (names.has(name)) return reasonOf(code, `${what} is in progress in ${repo.worktree}.`);
  }
  if (names.has('sequencer')) {
    const sequence = await sequenceOf(repo);
    if (sequence !== null) return sequence;
  }
  if (index?.unmerged) {
    return reasonOf('unmerged-entries', `${displayPath(index.unmerged)} has conflicts in ${repo.worktree}.`);
  }
  if (head.kind === 'detached') {
    return reasonOf(
      'detached-head',
      `HEAD of ${repo.worktree} is at ${head.oid.slice(0, 12)}, on no branch.`,
    );
  }
  return names.has('index.lock') ? oldLock(repo, now) : null;
}

/** Between two commits of a series only the list of what is left tells. */
async function sequenceOf(repo: Repository): Promise<Reason | null> {
  const todo = await unlessAbsent(readFile(`${repo.gitDir}/sequencer/todo`, 'utf8'));
  if (todo === null) return null;
  const isRevert = /^(?:revert|r)\s/m.test(todo);
  const [code, what] = isRevert
    ? (['revert-in-progress', 'revert'] as const)
    : (['cherry-pick-in-progress', 'cherry-pick'] as const);
  return reasonOf(code, `A series of ${what}s is in progress in ${repo.worktree}.`);
}

/** A young lock is a git command at work; whoever writes the index waits for it. */
async function oldLock(repo: Repository, now: number): Promise<Reason | null> {
  const path = `${repo.gitDir}/index.lock`;
  const lock = await unlessAbsent(stat(path));
  if (lock === null) return null;
  const ageMs = now - lock.mtimeMs;
  return ageMs < LOCK_PATIENCE_MS ? null : reasonOf('index-locked', `${path} is ${ageText(ageMs)} old.`);
}

function ageText(ageMs: number): string {
  const minutes = Math.floor(ageMs / 60_000);
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}
