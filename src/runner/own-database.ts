// The service's own database in a work tree that it syncs: it holds secrets, and changes with every sync. It must never
// be committed, nor seen as a change.

import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { openIgnoreRules } from '../git/changes/ignore.ts';
import { readGitConfig } from '../git/config/user-config.ts';
import { toRepoPath } from '../git/paths.ts';
import { openRepository } from '../git/repository.ts';
import { realpath } from '../host/small-files.ts';
import { Failure } from '../model/failure.ts';

const IGNORES_ITSELF = '# The database of gitferry, on this machine alone.\n*\n';

/**
 * Makes the folder of the database. One that is made inside of a work tree ignores itself; one that was there is left as
 * it is. What stands in the way is said when the database is opened.
 */
export async function makeDataFolder(folder: string): Promise<void> {
  try {
    if ((await mkdir(folder, { recursive: true })) === undefined || !(await isInWorkTree(folder))) return;
    await writeFile(join(folder, '.gitignore'), IGNORES_ITSELF, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

async function isInWorkTree(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    const isHere = await stat(join(at, '.git')).then(
      () => true,
      () => false,
    );
    if (isHere || at === dirname(at)) return isHere;
  }
}

/** `databasePath` is absolute; null or left out: the database is on a server. */
type Machine = {
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  databasePath?: string | null;
};

/** @throws Failure `database-in-project` when a sync of this work tree would commit the database */
export async function refuseOwnDatabase(worktree: string, machine: Machine): Promise<void> {
  const path = await insideOf(worktree, machine.databasePath ?? null);
  if (path === null) return;
  const repo = await openRepository(worktree);
  const config = await readGitConfig({ repo, ...machine });
  if (await openIgnoreRules({ repo, config, ...machine }).isIgnored(toRepoPath(path), false)) return;
  throw new Failure(
    'database-in-project',
    `The database of gitferry, ${machine.databasePath}, lies in ${worktree}, which does not ignore it.`,
    {
      action: `Add /${path.split(sep).join('/')}* to the .gitignore there, or start gitferry with another place for it: --db or SYNC_DB_PATH.`,
    },
  );
}

/** Work trees are known by their real paths. */
async function insideOf(worktree: string, databasePath: string | null): Promise<string | null> {
  if (databasePath === null) return null;
  const path = relative(worktree, join(await realpath(dirname(databasePath)), basename(databasePath)));
  return path === '' || path === '..' || path.startsWith(`..${sep}`) ? null : path;
}
