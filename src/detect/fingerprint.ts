// A cheap look at one repository: a few stats instead of a comparison. Equal fingerprints mean that HEAD, the
// index, the branches, the configuration and the state of a merge did not change, nor the entries of the given
// folders. The content of files is not looked at: what is saved in place changes no fingerprint.

import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { isAbsent } from '../git/io-failure.ts';
import { mapConcurrently } from '../git/map-concurrently.ts';
import type { Repository } from '../git/types.ts';
import { readdir, stat } from '../host/small-files.ts';

const BRANCHES = 'refs/heads';
const STATS_AT_ONCE = 16;

/**
 * Looks at the git folder and at folders of the work tree (relative, `/` between parts; default none).
 * Something that is not there is part of the fingerprint.
 */
export async function readFingerprint(repo: Repository, folders: readonly string[] = []): Promise<string> {
  const { gitDir, commonDir, worktree } = repo;
  const paths = [
    gitDir, // files that appear and vanish there: MERGE_HEAD, rebase-merge, index.lock
    join(gitDir, 'HEAD'),
    join(gitDir, 'index'),
    join(commonDir, 'packed-refs'),
    join(commonDir, 'config'),
    ...(await branchFolders(join(commonDir, BRANCHES))),
    ...folders.map((folder) => join(worktree, folder)),
  ];
  const marks = await mapConcurrently(paths, STATS_AT_ONCE, markOf);
  return paths.map((path, index) => `${path}\0${marks[index]}`).join('\n');
}

/** Git replaces a branch's file by renaming, which its folder's time shows. */
async function branchFolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const below = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
    const deeper = await Promise.all(below.map(branchFolders));
    return [folder, ...deeper.flat()];
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function markOf(path: string): Promise<string> {
  let found: BigIntStats;
  try {
    found = await stat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return 'absent';
    throw error;
  }
  return `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}
