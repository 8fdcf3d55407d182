// Which paths a sparse work tree leaves out: those that its index marks so, and new ones as git itself judges them.

import { mkdir } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/user-config.ts';
import type { IndexFile } from '../index/index-file.ts';
import type { TreeDifference } from '../objects/trees.ts';
import { type RepoPath, repoPathOf } from '../paths.ts';
import { FILE_MODE, type Repository } from '../types.ts';
import type { RunGit } from './run-git.ts';
import { openScratch, PLAIN } from './scratch-index.ts';
import { splitAtNul } from './status-lines.ts';
import { statOf } from './system-changes.ts';

type Place = { repo: Repository; config: GitConfig; git: RunGit };

/** The caller holds the repository lock. @throws Failure `git-failed` */
export async function findOutside(
  place: Place,
  differences: readonly TreeDifference[],
  index: IndexFile,
): Promise<ReadonlySet<string>> {
  if (!(place.config.getBoolean('core.sparseCheckout') ?? false)) return new Set();
  const outside = new Set<string>();
  const added: TreeDifference[] = [];
  for (const difference of differences) {
    const { path, after } = difference;
    const isThere = (await statOf(place.repo.worktree, path)) !== null;
    const entry = index.find(path);
    // A file that is there all the same is a person's, and is looked at as any other.
    if (entry?.skipWorktree && !isThere) outside.add(path);
    else if (entry === null && after !== null && !isThere) added.push(difference);
  }
  for (const path of await leftOut(added, place)) outside.add(path);
  return outside;
}

/** Has git check the new files out into an empty folder: it marks those that do not belong there. */
async function leftOut(added: readonly TreeDifference[], { repo, git }: Place): Promise<RepoPath[]> {
  if (added.length === 0) return [];
  const scratch = await openScratch(repo);
  try {
    const folder = `${scratch.folder}/sparse`;
    await mkdir(folder);
    const env = { GIT_INDEX_FILE: `${scratch.folder}/sparse-index`, GIT_LFS_SKIP_SMUDGE: '1' };
    const run = async (args: readonly string[], input?: Buffer) => {
      const { code, out, err } = await git([...PLAIN, ...args], {
        ...{ env: { ...env, GIT_DIR: repo.gitDir, GIT_WORK_TREE: folder }, changes: true },
        ...(input && { input }),
      });
      if (code === 0) return out;
      throw new Failure('git-failed', `git ${args[0]} failed in ${repo.worktree}: ${err.trim()}`);
    };
    const lines = added.map(({ path, after }) => `${modeOf(after)} ${after?.oid}\t${path}\0`);
    await run(['update-index', '-z', '--index-info'], Buffer.from(lines.join(''), 'latin1'));
    const tree = (await run(['write-tree', '--missing-ok'])).toString('latin1').trim();
    await run(['read-tree', '--empty']);
    await run(['read-tree', '-m', '-u', tree]);
    return [...splitAtNul(await run(['ls-files', '-t', '-z']))].flatMap((line) =>
      line[0] === 0x53 ? [repoPathOf(line.subarray(2))] : [],
    );
  } finally {
    await scratch.close();
  }
}

function modeOf(file: TreeDifference['after']): string {
  return (file?.mode ?? FILE_MODE.file).toString(8);
}
