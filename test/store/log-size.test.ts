// What a local database writes to the disk: pages of its file, and a log that is written back in time.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'libsql';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/store/open.ts';
import { addProjectRow, databaseDeps, temporaryFolder } from '../support/database.ts';
import { claimOne, put, settle, T0 } from '../support/queue-calls.ts';

/** Header of a page in the log. */
const FRAME_BYTES = 24;

test('a look that takes a job writes at most 6 pages, settling it 7', async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'queue.db');
  const db = await openDatabase({ path }, databaseDeps);
  await db.run('PRAGMA wal_autocheckpoint = 0');
  await db.run('PRAGMA wal_checkpoint(TRUNCATE)');
  const logOf = async () => (await stat(`${path}-wal`)).size;
  const pagesSince = async (before: number) => Math.round(((await logOf()) - before) / (2_048 + FRAME_BYTES));
  await addProjectRow(db, 'blog');
  await put(db, 'blog', T0);
  await settle(db, await claimOne(db, T0), T0 + 1);
  await put(db, 'blog', T0 + 2);
  const before = await logOf();
  // Makes it ready, too: the same pages.
  const again = await claimOne(db, T0 + 2);
  expect(await pagesSince(before)).toBeLessThanOrEqual(6);
  const between = await logOf();
  await settle(db, again, T0 + 3);
  expect(await pagesSince(between)).toBeLessThanOrEqual(7);
  await db.close();
  await folder.remove();
});

test.each([2_048, 4_096])(
  'the log of a file with pages of %i bytes is written back before it has 9 MB',
  async (bytes) => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'queue.db');
    // Files that an earlier version made have pages of SQLite's own size.
    const earlier = new Sqlite(path);
    earlier.exec(`PRAGMA page_size = ${bytes}`);
    earlier.exec(
      'CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
    );
    earlier.close();
    const db = await openDatabase({ path }, databaseDeps);
    expect(await db.run('PRAGMA page_size')).toEqual([{ page_size: bytes }]);
    await db.run('CREATE TABLE filled (text TEXT) STRICT');
    for (let n = 0; n < 40; n += 1) await db.run('INSERT INTO filled VALUES (hex(zeroblob(250000)))');
    expect((await stat(`${path}-wal`)).size).toBeLessThan(9_000_000);
    await db.close();
    await folder.remove();
  },
);

test('a new file has pages of 2,048 bytes', async () => {
  const folder = await temporaryFolder();
  const db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
  expect(await db.run('PRAGMA page_size')).toEqual([{ page_size: 2_048 }]);
  await db.close();
  await folder.remove();
});
