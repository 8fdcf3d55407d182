// Moves a branch by git's own `update-ref`, so that a person's reference-transaction hook has its say.

import { redact } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import { readRef } from '../refs/refs.ts';
import type { Repository } from '../types.ts';
import type { RunGit } from './run-git.ts';

/** A hook at the branch may take its time; the lock of the index may be held meanwhile. */
const MOVE_TIMEOUT_MS = 60_000;
const NOTHING = '0'.repeat(40);

export type SystemMove = {
  repo: Repository;
  git: RunGit;
  ref: string;
  /** What it must be now; null: it must not exist. */
  expected: string | null;
  next: string;
  /** For the reflog. */
  message: string;
  /** Whom the reflog names, as git takes it from the environment. */
  env: Record<string, string>;
};

/** @throws Failure `ref-moved`, `commit-hook-refused`, `git-failed`, unless the branch is there, whatever became of the command */
export async function moveRefBySystem(move: SystemMove): Promise<void> {
  try {
    await updateRef(move);
  } catch (error) {
    if ((await readRef(move.repo, move.ref)) !== move.next) throw error;
  }
}

async function updateRef({ repo, git, ref, expected, next, message, env }: SystemMove): Promise<void> {
  const args = ['update-ref', '-m', message, ref, next, expected ?? NOTHING];
  const { code, err } = await git(args, { env, changes: true, finish: true, timeoutMs: MOVE_TIMEOUT_MS });
  if (code === 0) return;
  const text = redact(err).replace(/\s+/g, ' ').trim().slice(0, 500);
  if (/aborted by hook/i.test(err)) {
    throw new Failure('commit-hook-refused', `The reference-transaction hook refused the commit: ${text}`);
  }
  if (/cannot lock ref|Unable to create/i.test(err)) {
    throw new Failure('ref-moved', `${ref} of ${repo.worktree} could not be moved: ${text}`);
  }
  throw new Failure('git-failed', `git update-ref failed in ${repo.worktree}: ${text}`);
}
