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

test('a look that takes a job writes 5 pages and settling it 6, and now and then one more for a page that is full', async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'queue.db');
  const db = await openDatabase({ path }, databaseDeps);
  await db.run('PRAGMA wal_autocheckpoint = 0');
  await db.run('PRAGMA wal_checkpoint(TRUNCATE)');
  const logOf = async () => (await stat(`${path}-wal`)).size;
  const pagesSince = async (before: number) => Math.round(((await logOf()) - before) / (1_024 + FRAME_BYTES));
  await addProjectRow(db, 'blog');
  const looks: number[] = [];
  const settlings: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const now = T0 + n * 10;
    await put(db, 'blog', now);
    const before = await logOf();
    // Makes it ready, too: the same pages.
    const job = await claimOne(db, now);
    looks.push(await pagesSince(before));
    const between = await logOf();
    await settle(db, job, now + 3);
    settlings.push(await pagesSince(between));
  }
  expect([Math.min(...looks), Math.min(...settlings)]).toEqual([5, 6]);
  const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
  expect(mean(looks)).toBeLessThanOrEqual(6.5);
  expect(mean(settlings)).toBeLessThanOrEqual(8);
  await db.close();
  await folder.remove();
});

test.each([1_024, 2_048, 4_096])(
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

test('a new file has pages of 1,024 bytes', async () => {
  const folder = await temporaryFolder();
  const db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
  expect(await db.run('PRAGMA page_size')).toEqual([{ page_size: 1_024 }]);
  await db.close();
  await folder.remove();
});
