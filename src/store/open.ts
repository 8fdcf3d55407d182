// Opens the one database, local or remote, and brings its schema up to date. The only door to the drivers.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Database } from './database.ts';
import { openLocal } from './local.ts';
import { checkVersion, migrate } from './migrate.ts';
import { openRemote } from './remote.ts';

export type DatabaseLocation = { path: string } | { url: string; authToken?: string };

/**
 * Opens and migrates. A file is created with its folder when missing; a faulty one is never replaced.
 * @throws Failure `database-corrupt`, `database-read-only`, `database-newer`, `database-busy`,
 *   `database-unreachable`, `disk-full`, `invalid-config`
 */
export async function openDatabase(
  options: DatabaseLocation,
  deps: { clock: Clock; random: Random; log: Log },
): Promise<Database> {
  const db = 'path' in options ? await openLocal(options.path, deps) : openRemote(options, deps);
  try {
    await migrate(db);
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}

/**
 * Opens to read only what is there: nothing is made, migrated or written, also while a service uses it.
 * @throws Failure as `openDatabase` does, and `database-missing`, `database-older`
 */
export async function openForReading(
  options: DatabaseLocation,
  deps: { clock: Clock; random: Random; log: Log },
): Promise<Database> {
  const db =
    'path' in options ? await openLocal(options.path, deps, { readOnly: true }) : openRemote(options, deps);
  try {
    await checkVersion(db);
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}
