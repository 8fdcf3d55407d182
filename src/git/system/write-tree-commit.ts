// Makes a commit object of a tree by git, signed where the person's settings ask for it. No ref moves.

import { redact } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import type { RunGit } from './run-git.ts';

type NewCommit = {
  probe: Pick<ProbedRepository, 'repo' | 'config'>;
  git: RunGit;
  tree: string;
  parents: readonly string[];
  message: string;
  /** Author and committer, as `person` makes them. */
  env: Record<string, string>;
};

/** Answers its id. @throws Failure `commit-signing-failed`, `git-failed` */
export async function writeTreeCommit(commit: NewCommit): Promise<string> {
  const { probe, git, tree, parents, message, env } = commit;
  const isSigned = probe.config.getBoolean('commit.gpgSign') ?? false;
  const args = [
    ...['-c', 'i18n.commitEncoding=UTF-8', 'commit-tree', tree],
    ...parents.flatMap((parent) => ['-p', parent]),
    ...(isSigned ? ['-S'] : []),
  ];
  const input = `${message.replaceAll('\0', '').trimEnd()}\n`;
  const { code, out, err } = await git(args, { env, input, changes: true });
  if (code === 0) return out.toString('latin1').trim();
  const text = redact(err).replace(/\s+/g, ' ').trim().slice(0, 500);
  if (isSigned) throw new Failure('commit-signing-failed', `The commit could not be signed: ${text}`);
  throw new Failure('git-failed', `git commit-tree failed in ${probe.repo.worktree}: ${text}`);
}
