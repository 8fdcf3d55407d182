// The database of a service that may or may not be running, for one short look or change.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadHost } from '../host/load.ts';
import { silentLog } from '../host/log.ts';
import type { Database } from '../store/database.ts';
import { openDatabase } from '../store/open.ts';

export type EmbedOptions = {
  /** Default: `SYNC_DB_PATH`, else `./data/sync-queue.db`. */
  dbPath?: string;
  /** Folders to search for projects; default: `SYNC_ROOTS`. */
  roots?: readonly string[];
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Answers null when there is no such database yet; it is not made here. */
export async function withDatabase<T>(
  options: EmbedOptions,
  work: (db: Database, env: Environment) => Promise<T>,
): Promise<T | null> {
  const { env, cwd, clock, random } = await loadHost();
  const path = resolve(cwd, options.dbPath ?? env.SYNC_DB_PATH ?? './data/sync-queue.db');
  const exists = await stat(path).catch(() => null);
  if (exists === null) return null;
  const db = await openDatabase({ path }, { clock, random, log: silentLog });
  try {
    return await work(db, env);
  } finally {
    await db.close();
  }
}
