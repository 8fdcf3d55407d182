// Commits exactly the blobs that were judged, with a person's hooks and signature. Not by `git commit`: there a hook
// may change what is committed after the guard has seen it, and the branch moves before anyone can look. Here git
// prepares the commit aside, it is compared with what was judged, and only then the branch moves. The effect is
// `git commit --only`: what else a person has staged stays staged.

import { Failure } from '../../model/failure.ts';
import type { CommitResult } from '../commit/commit.ts';
import { indexTime } from '../commit/foreign-command.ts';
import { displayPath } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { readHead } from '../refs/refs.ts';
import type { FileChange } from '../types.ts';
import { findHooks, runMessageHooks, runPostCommit, runPreCommit } from './commit-hooks.ts';
import { person, type SystemCommit } from './commit-input.ts';
import { publishBySystem } from './publish-commit.ts';
import { copyIndex, openScratch, putChanges, type ScratchIndex } from './scratch-index.ts';
import { storeBlobs } from './store-blobs.ts';
import { writeTreeCommit } from './write-tree-commit.ts';

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/**
 * Null when HEAD's tree already holds all of it.
 * @throws Failure `file-changing`, `commit-hook-refused`, `commit-hook-edited`, `commit-signing-failed`, `index-busy`,
 *   `ref-moved`, `git-failed`, `disk-full`, `write-refused`, and those of operations under way
 */
export async function commitBySystem(commit: SystemCommit): Promise<CommitResult | null> {
  const { probe, git, changes } = commit;
  const head = await readHead(probe.repo);
  if (head.kind === 'detached') throw new Failure('detached-head', `HEAD is detached at ${head.oid}.`);
  const { worktree } = probe.repo;
  const readAt = await indexTime(probe.repo);
  const [busy] = await storeBlobs({ worktree, git, objects: commit.objects }, changes);
  if (busy) throw changed(busy);
  const scratch = await openScratch(probe.repo);
  try {
    const index = await copyIndex(probe.repo, `${scratch.folder}/index`, git, { keepForm: false });
    await index.run(head.oid === null ? ['read-tree', '--empty'] : ['read-tree', '--reset', head.oid]);
    await putChanges(index, changes);
    const tree = await treeOf(index);
    const before = head.oid === null ? EMPTY_TREE : (await commit.objects.readCommit(head.oid)).tree;
    if (tree === before) return null;
    const hooks = await findHooks(probe, git);
    await runPreCommit(git, index, hooks);
    if ((await treeOf(index)) !== tree) throw editedByHook(probe);
    const message = await runMessageHooks(git, commit.message, index, scratch.folder, hooks);
    const { author, committer, at } = commit;
    const env = { ...person('AUTHOR', author, at), ...person('COMMITTER', committer, at) };
    const parents = head.oid === null ? [] : [head.oid];
    const oid = await writeTreeCommit({ probe, git, tree, parents, message, env });
    await commit.faultPoint?.('commit-written');
    const { folder } = scratch;
    await publishBySystem({ ...commit, repo: probe.repo, head, oid, message, folder, readAt });
    await runPostCommit(git, hooks);
    return { oid, parent: head.oid, ref: head.ref, files: changes.length };
  } finally {
    await scratch.close();
  }
}

async function treeOf(index: ScratchIndex): Promise<string> {
  return (await index.run(['write-tree'])).out.toString('latin1').trim();
}

function editedByHook({ repo }: ProbedRepository): Failure {
  const detail = `The pre-commit hook in ${repo.worktree} changed what is committed; it is looked at anew.`;
  return new Failure('commit-hook-edited', detail);
}

function changed({ path }: FileChange): Failure {
  return new Failure('file-changing', `${displayPath(path)} changed since it was looked at.`);
}
