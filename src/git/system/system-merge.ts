// A merge that was made in memory becomes a commit as a person's git makes it: their hooks see its tree and message,
// and it is signed where commits are.

import { Failure } from '../../model/failure.ts';
import type { Maker, Merge } from '../integrate/new-commits.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { findHooks, runMessageHooks, runPreMerge } from './commit-hooks.ts';
import { person } from './commit-input.ts';
import type { RunGit } from './run-git.ts';
import { copyIndex, openScratch } from './scratch-index.ts';
import { writeTreeCommit } from './write-tree-commit.ts';

type Place = { probe: ProbedRepository; git: RunGit };

/** @throws Failure `commit-hook-refused`, `commit-signing-failed`, `git-failed`, `disk-full`, `write-refused` */
export async function writeMergeBySystem(
  { probe, git }: Place,
  { tree, ours, theirs, message }: Merge,
  { identity, at }: Maker,
): Promise<string> {
  const scratch = await openScratch(probe.repo);
  try {
    const index = await copyIndex(probe.repo, `${scratch.folder}/merge`, git, { keepForm: false });
    await index.run(['read-tree', '--reset', tree]);
    const hooks = await findHooks(probe, git);
    await runPreMerge(git, index, hooks);
    const now = (await index.run(['write-tree'])).out.toString('latin1').trim();
    if (now !== tree) {
      throw new Failure('commit-hook-edited', `A hook in ${probe.repo.worktree} changed what is merged.`);
    }
    const said = await runMessageHooks(git, message, index, scratch.folder, hooks, 'merge');
    const env = { ...person('AUTHOR', identity, at), ...person('COMMITTER', identity, at) };
    return await writeTreeCommit({ probe, git, tree, parents: [ours, theirs], message: said, env });
  } finally {
    await scratch.close();
  }
}

/** `who` as reflogs have it: `Name <email> <epoch seconds> <+hhmm>`. */
export function namedInReflog(who = ''): Record<string, string> {
  const [, name = '', email = '', date = ''] = /^(.*) <(.*)> (\d+ [+-]\d{4})$/.exec(who) ?? [];
  return date === ''
    ? {}
    : { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email, GIT_COMMITTER_DATE: `@${date}` };
}
