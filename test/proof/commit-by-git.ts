// What the built-in engine is held against: the commit that git makes of the same work. Judges nothing.

import { copyFile, lstat, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskPath, type RepoPath } from '../../src/git/paths.ts';
import { runGit } from '../support/git-repo.ts';
import type { Twins } from './twin-edits.ts';

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const WHOLE = ['-r', '-z', '--no-renames', '--no-abbrev'];

/** `git add --all && git commit`, but of what a person staged besides only what lies in the work tree so. */
export async function commitByGit(twins: Twins, message: string): Promise<string | null> {
  const { path, git } = twins.gits;
  const scratch = join(path, '.git/of-the-test');
  await rm(scratch, { force: true });
  await copyIndex(join(path, '.git/index'), scratch);
  const call = { cwd: path, env: { ...twins.env(), GIT_INDEX_FILE: scratch } };
  const head = (await git('rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '')).trim();
  const kept = head === '' ? [] : await takenOut(twins);
  await runGit(['add', '--all'], call);
  if (kept.length > 0)
    await runGit(['update-index', '-z', '--index-info'], { ...call, input: Buffer.concat(kept) });
  const gone = Buffer.from((await behindCircles(path)).map((name) => `${name}\0`).join(''), 'latin1');
  await runGit(['update-index', '-z', '--force-remove', '--stdin'], { ...call, input: gone });
  const tree = (await runGit(['write-tree'], call)).toString().trim();
  const before = head === '' ? null : (await git('rev-parse', 'HEAD^{tree}')).trim();
  if (tree === (before ?? EMPTY_TREE)) return null;
  const commit = (await git('commit-tree', tree, ...(head === '' ? [] : ['-p', head]), '-m', message)).trim();
  const changed = await runGit(['diff-tree', ...WHOLE, before ?? EMPTY_TREE, tree], call);
  const info = changed.toString('latin1').replace(/:\d+ (\d+) \w+ (\w+) \w\0([^\0]+)\0/g, '$1 $2\t$3\0');
  await git('update-ref', '-m', `commit: ${message}`, 'HEAD', commit);
  await runGit(['update-index', '-z', '--index-info'], { cwd: path, input: Buffer.from(info, 'latin1') });
  return commit;
}

/** What HEAD has and a person took out of the index but not off the disk: it stays as HEAD has it. */
async function takenOut({ gits }: Twins): Promise<Buffer[]> {
  const listed = await runGit(
    ['diff-index', '--cached', '-z', '--no-renames', '--no-abbrev', '--diff-filter=D', 'HEAD'],
    {
      cwd: gits.path,
    },
  );
  const kept: Buffer[] = [];
  for (const [, mode, oid, name] of listed
    .toString('latin1')
    .matchAll(/:(\d+) \d+ (\w+) \w+ D\0([^\0]+)\0/g)) {
    if (await isFileAt(gits.path, name as string))
      kept.push(Buffer.from(`${mode} ${oid}\t${name}\0`, 'latin1'));
  }
  return kept;
}

/** A file changed in the tick in which the index was written shows it by the index's own time: the copy must not be younger. */
async function copyIndex(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
    const olderS = (await stat(from)).mtimeMs / 1_000 - 0.001;
    await utimes(to, olderS, olderS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * What is tracked behind a link that leads round in a circle. Git cannot look there: it says so and leaves that as it is.
 * For us it is gone, as behind every other link.
 */
export async function behindCircles(root: string): Promise<RepoPath[]> {
  const listed = (await runGit(['ls-files', '-z'], { cwd: root })).toString('latin1');
  const behind: RepoPath[] = [];
  for (const name of listed.split('\0') as RepoPath[]) {
    const fault = await lstat(diskPath(root, name)).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (fault === 'ELOOP') behind.push(name);
  }
  return behind;
}

async function isFileAt(root: string, path: string): Promise<boolean> {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const stats = await lstat(diskPath(root, parent)).catch(() => null);
    if (!stats?.isDirectory()) return false;
  }
  const stats = await lstat(diskPath(root, path)).catch(() => null);
  return stats !== null && !stats.isDirectory();
}
