import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'libsql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLocal } from '../../src/store/local.ts';
import { openDatabase } from '../../src/store/open.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { runScript } from '../support/run-script.ts';

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const at = (...parts: string[]) => join(folder.path, ...parts);

test('openLocal() creates the file and its missing folders in WAL mode', async () => {
  const db = await openLocal(at('deep', 'er', 'queue.db'), databaseDeps);
  expect(await db.run('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  expect(await db.run('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }]);
  expect(await db.run('PRAGMA synchronous')).toEqual([{ synchronous: 1 }]);
  await db.close();
});

test('run() binds integers as integers, booleans as 0 and 1, fractions as fractions', async () => {
  const db = await openLocal(at('binding.db'), databaseDeps);
  const sql =
    'SELECT typeof(:a) AS a, typeof(:b) AS b, :b AS value, typeof(:c) AS c, typeof(:d) AS d, :e AS e';
  const rows = await db.run(sql, { a: 5, b: true, c: 1.5, d: null, e: 2n });
  expect(rows).toEqual([{ a: 'integer', b: 'integer', value: 1, c: 'real', d: 'null', e: 2 }]);
  await db.close();
});

test('batch() writes all or nothing and answers the rows of every statement', async () => {
  const db = await openLocal(at('batch.db'), databaseDeps);
  await db.run('CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT');
  const insert = (a: number) => ({ sql: 'INSERT INTO t VALUES (:a) RETURNING a', args: { a } });
  expect(await db.batch([insert(1), { sql: 'SELECT count(*) AS n FROM t' }])).toEqual([
    [{ a: 1 }],
    [{ n: 1 }],
  ]);
  await expect(db.batch([insert(2), insert(1)])).rejects.toThrow(/UNIQUE/);
  expect(await db.run('SELECT a FROM t')).toEqual([{ a: 1 }]);
  await db.close();
});

test.each([0, 1, 99, 100, 101, 200])(
  'a batch that answers %i rows commits, and so does the next',
  async (count) => {
    const path = at(`rows-${count}.db`);
    const db = await openLocal(path, databaseDeps);
    await db.run('CREATE TABLE t (a INTEGER) STRICT');
    const sql = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO t SELECT i FROM n WHERE :count > 0 RETURNING a`;
    expect((await db.batch([{ sql, args: { count } }]))[0]).toHaveLength(count);
    await db.run('DELETE FROM t');
    await db.run('INSERT INTO t VALUES (1)');
    const other = new Sqlite(path);
    expect(other.prepare('SELECT a FROM t').all()).toEqual([{ a: 1 }]);
    other.close();
    await db.close();
  },
);

test('concurrent calls run one after the other, each seeing what came before', async () => {
  const db = await openLocal(at('serial.db'), databaseDeps);
  await db.run('CREATE TABLE t (n INTEGER) STRICT');
  await db.run('INSERT INTO t VALUES (0)');
  const bump = [{ sql: 'UPDATE t SET n = n + 1' }, { sql: 'SELECT n FROM t' }];
  const results = await Promise.all(Array.from({ length: 50 }, () => db.batch(bump)));
  expect(results.map((rows) => rows[1]?.[0]?.n)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  await db.close();
});

test('a write waits for the lock of another process without blocking the event loop, and is kept', async () => {
  const path = at('locked.db');
  const db = await openLocal(path, databaseDeps);
  await db.run('CREATE TABLE t (a INTEGER) STRICT');
  const other = new Sqlite(path, { timeout: 0 });
  other.exec('BEGIN IMMEDIATE');
  const writing = db.run('INSERT INTO t VALUES (1)');
  // Reads go on meanwhile, and so does the event loop: these many turns would be one long stop otherwise.
  let longestMs = 0;
  for (let turn = 0; turn < 40; turn++) {
    const before = performance.now();
    await databaseDeps.clock.sleep(1);
    longestMs = Math.max(longestMs, performance.now() - before);
    expect(await db.run('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
  }
  expect(longestMs).toBeLessThan(500);
  other.exec('COMMIT');
  await writing;
  // Seen by another connection: really committed, not only answered.
  expect(other.prepare('SELECT count(*) AS n FROM t').all()).toEqual([{ n: 1 }]);
  other.close();
  await db.close();
});

/** A clock that runs ahead with every wait, so that patience ends at once. */
function hastyClock() {
  let aheadMs = 0;
  const sleep = async (delayMs: number) => {
    aheadMs += delayMs;
  };
  return { clock: { ...databaseDeps.clock, monotonic: () => aheadMs, sleep }, waitedMs: () => aheadMs };
}

test('a statement that stays open spoils only its own call: the next write is really committed', async () => {
  const path = at('spoiled.db');
  const { clock } = hastyClock();
  const db = await openLocal(path, { ...databaseDeps, clock });
  await db.run('CREATE TABLE t (a INTEGER) STRICT');
  // libsql leaves the explanation of a write unfinished, so it cannot be committed.
  await expect(db.run('EXPLAIN QUERY PLAN DELETE FROM t')).rejects.toMatchObject({ code: 'database-busy' });
  await db.run('INSERT INTO t VALUES (1)');
  const other = new Sqlite(path);
  expect(other.prepare('SELECT a FROM t').all()).toEqual([{ a: 1 }]);
  other.close();
  await db.close();
});

test('a write that never gets the lock fails with database-busy', async () => {
  const path = at('stuck.db');
  const db = await openLocal(path, databaseDeps);
  await db.run('CREATE TABLE t (a INTEGER) STRICT');
  await db.close();
  const { clock, waitedMs } = hastyClock();
  const impatient = await openLocal(path, { ...databaseDeps, clock });
  const other = new Sqlite(path, { timeout: 0 });
  other.exec('BEGIN IMMEDIATE');
  await expect(impatient.run('INSERT INTO t VALUES (1)')).rejects.toMatchObject({ code: 'database-busy' });
  expect(waitedMs()).toBeGreaterThanOrEqual(10_000);
  other.exec('ROLLBACK');
  await impatient.run('INSERT INTO t VALUES (2)');
  other.close();
  await impatient.close();
});

test('close() leaves one file with everything in it', async () => {
  const path = at('closed.db');
  const db = await openLocal(path, databaseDeps);
  await db.run('CREATE TABLE t (a INTEGER) STRICT');
  await db.run('INSERT INTO t VALUES (7)');
  await db.close();
  await db.close();
  const log = existsSync(`${path}-wal`) ? (await stat(`${path}-wal`)).size : 0;
  expect(log).toBe(0);
  const again = await openLocal(path, databaseDeps);
  expect(await again.run('SELECT a FROM t')).toEqual([{ a: 7 }]);
  await again.close();
});

test('openDatabase() refuses a file that is no database and does not touch it', async () => {
  const path = at('notes.txt');
  await writeFile(path, 'these are my notes\n'.repeat(300));
  const before = await readFile(path);
  await expect(openDatabase({ path }, databaseDeps)).rejects.toMatchObject({ code: 'database-corrupt' });
  expect(await readFile(path)).toEqual(before);
});

test('openDatabase() refuses a damaged database, names it, and does not touch it', async () => {
  const path = at('damaged.db');
  const db = await openDatabase({ path }, databaseDeps);
  await db.close();
  const damaged = await readFile(path);
  damaged.fill(0x55, 8192, 3 * 8192);
  await writeFile(path, damaged);
  const opening = openDatabase({ path }, databaseDeps);
  await expect(opening).rejects.toMatchObject({
    code: 'database-corrupt',
    message: expect.stringContaining(path),
  });
  expect(await readFile(path)).toEqual(damaged);
});

test('openDatabase() refuses the database of another program', async () => {
  const path = at('other.db');
  const other = await openLocal(path, databaseDeps);
  await other.run('CREATE TABLE bookmarks (url TEXT)');
  await other.close();
  const opening = openDatabase({ path }, databaseDeps);
  await expect(opening).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining('bookmarks'),
  });
});

test('openDatabase() refuses a folder as a file', async () => {
  await mkdir(at('folder.db'));
  await expect(openDatabase({ path: at('folder.db') }, databaseDeps)).rejects.toMatchObject({
    code: 'invalid-config',
  });
});

test('a full disk is named and leaves nothing half-written', async () => {
  const db = await openLocal(at('full.db'), databaseDeps);
  await db.run('CREATE TABLE t (a BLOB) STRICT');
  await db.run('PRAGMA max_page_count = 8');
  const write = (bytes: number) => ({ sql: `INSERT INTO t VALUES (zeroblob(${bytes}))` });
  await expect(db.batch([write(10), write(100_000)])).rejects.toMatchObject({ code: 'disk-full' });
  expect(await db.run('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
  await db.run('INSERT INTO t VALUES (zeroblob(10))');
  await db.close();
});

test.each([
  ['breaks a rule', "INSERT INTO t VALUES (2, 'x'), (1, 'x')", /UNIQUE/],
  ['does not fit on the disk', 'INSERT INTO t VALUES (2, hex(zeroblob(50000)))', /No space/],
  ['is no statement', 'INSERT INTO t VALUE (2)', /syntax/],
])('a write alone that %s leaves nothing, and the next is really committed', async (name, sql, why) => {
  const path = at(`${name.replaceAll(' ', '-')}.db`);
  const db = await openLocal(path, databaseDeps);
  await db.run('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT');
  await db.run('PRAGMA max_page_count = 8');
  await db.run("INSERT INTO t VALUES (1, 'x')");
  const before = db.writes?.();
  await expect(db.run(sql)).rejects.toThrow(why);
  await expect(db.batch([{ sql }])).rejects.toThrow(why);
  expect(db.writes?.()).toBe(before);
  expect(await db.run('SELECT a FROM t')).toEqual([{ a: 1 }]);
  expect(await db.batch([{ sql: "INSERT INTO t VALUES (3, 'x') RETURNING a" }])).toEqual([[{ a: 3 }]]);
  const other = new Sqlite(path);
  expect(other.prepare('SELECT a FROM t').all()).toEqual([{ a: 1 }, { a: 3 }]);
  other.close();
  await db.close();
});

// In its own process, because permissions do not bind the administrator.
async function openAsOrdinaryUser(path: string): Promise<string> {
  const child = runScript('open-store-worker.ts', [path, 'as-nobody'], ['ignore', 'pipe', 'inherit']);
  let said = '';
  child.stdout?.on('data', (chunk) => {
    said += String(chunk);
  });
  await once(child, 'close');
  return said.trim();
}

test.skipIf(process.platform === 'win32')('a read-only file or folder is database-read-only', async () => {
  await chmod(folder.path, 0o755);
  await mkdir(at('open-folder'), { mode: 0o777 });
  await chmod(at('open-folder'), 0o777);
  expect(await openAsOrdinaryUser(at('open-folder', 'queue.db'))).toBe('opened');
  const file = at('open-folder', 'locked-file.db');
  await (await openDatabase({ path: file }, databaseDeps)).close();
  await chmod(file, 0o444);
  expect(await openAsOrdinaryUser(file)).toBe('database-read-only');
  await mkdir(at('closed-folder'));
  await chmod(at('closed-folder'), 0o555);
  expect(await openAsOrdinaryUser(at('closed-folder', 'queue.db'))).toBe('database-read-only');
  expect(await openAsOrdinaryUser(at('closed-folder', 'sub', 'queue.db'))).toBe('database-read-only');
});

test('a long series of calls lets others in between', async () => {
  const db = await openLocal(at('series.db'), databaseDeps);
  await db.run('CREATE TABLE t (x)');
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const began = performance.now();
  while (performance.now() - began < 200) await db.run('INSERT INTO t VALUES (1)');
  isOver = true;
  expect(turns).toBeGreaterThan(3);
  await db.close();
});
