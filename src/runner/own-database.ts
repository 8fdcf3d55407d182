// The service's own database in a work tree that it syncs: it holds secrets, and changes with every sync. It must never
// be committed, nor seen as a change.

import { mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { deniedName } from '../guard/deny-names.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import type { IgnoreCache } from './ignore-cache.ts';

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

type Asked = {
  projects: readonly Project[];
  /** Null: it is on a server. */
  databasePath: string | null;
  ignores: Pick<IgnoreCache, 'isIgnored'>;
  log: Log;
};

/** @throws Failure `invalid-config` when a project would commit the database */
export async function keepDatabaseApart({ projects, databasePath, ignores, log }: Asked): Promise<void> {
  if (databasePath === null) return;
  // Projects are known by their real paths.
  const real = join(await realpath(dirname(databasePath)), basename(databasePath));
  for (const project of projects) {
    const path = relative(project.path, real);
    const isInside = path !== '' && path !== '..' && !path.startsWith(`..${sep}`);
    if (!project.github.enabled || !isInside || (await ignores.isIgnored(project, path, false))) continue;
    const detail = `The database ${databasePath} lies in the project ${project.projectId}, which does not ignore it.`;
    const action = `Add /${path.split(sep).join('/')}* to its .gitignore, or name another place: --db or SYNC_DB_PATH.`;
    // What has a name of ours is held back anyway.
    if (deniedName(path) === null) throw new Failure('invalid-config', detail, { action });
    log.warn({ action }, detail);
  }
}
