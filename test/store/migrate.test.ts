import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openLocal } from '../../src/store/local.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/list.ts';
import type { Migration } from '../../src/store/migrations/migration.ts';
import { openDatabase } from '../../src/store/open.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { runScript } from '../support/run-script.ts';

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const at = (name: string) => join(folder.path, name);
const versions = async (db: Database) =>
  (await db.run('SELECT version FROM schema_migrations ORDER BY version')).map((row) => Number(row.version));
const known = MIGRATIONS.map((migration) => migration.version);

test('the migrations are numbered 1, 2, 3 and so on', () => {
  expect(known).toEqual(known.map((_, index) => index + 1));
});

test('openDatabase() applies every migration once and keeps data and epoch at the next opening', async () => {
  const path = at('twice.db');
  const first = await openDatabase({ path }, databaseDeps);
  expect(await versions(first)).toEqual(known);
  const epoch = await first.run("SELECT value FROM meta WHERE key = 'epoch'");
  expect(epoch).toEqual([{ value: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
  await first.close();
  const second = await openDatabase({ path }, databaseDeps);
  expect(await versions(second)).toEqual(known);
  expect(await second.run("SELECT value FROM meta WHERE key = 'epoch'")).toEqual(epoch);
  await second.close();
});

test('two databases have different epochs', async () => {
  const epochs: unknown[] = [];
  for (const name of ['one.db', 'two.db']) {
    const db = await openDatabase({ path: at(name) }, databaseDeps);
    epochs.push((await db.run("SELECT value FROM meta WHERE key = 'epoch'"))[0]?.value);
    await db.close();
  }
  expect(epochs[0]).not.toBe(epochs[1]);
});

test('five openers at once in one process apply each migration once', async () => {
  const path = at('raced.db');
  const opened = await Promise.all(Array.from({ length: 5 }, () => openDatabase({ path }, databaseDeps)));
  for (const db of opened) expect(await versions(db)).toEqual(known);
  for (const db of opened) await db.close();
});

test('five processes that open at the same moment agree on one schema', async () => {
  const path = at('processes.db');
  const children = Array.from({ length: 5 }, () => {
    const child = runScript('open-store-worker.ts', [path, 'on-word'], ['pipe', 'pipe', 'inherit']);
    if (!child.stdout) throw new Error('no output');
    const run = { child, said: '', ready: once(child.stdout, 'data') };
    child.stdout.on('data', (chunk) => {
      run.said += String(chunk);
    });
    return run;
  });
  await Promise.all(children.map((run) => run.ready));
  for (const { child } of children) child.stdin?.write('go\n');
  const codes = await Promise.all(children.map(async ({ child }) => (await once(child, 'close'))[0]));
  expect(codes).toEqual([0, 0, 0, 0, 0]);
  const said = new Set(children.map((run) => run.said.replace('ready\n', '').trim()));
  expect(said.size).toBe(1);
  expect([...said][0]).toMatch(/^[0-9a-f]{32}$/);
});

test('a newer schema is refused and left alone', async () => {
  const path = at('newer.db');
  const db = await openDatabase({ path }, databaseDeps);
  await db.run("INSERT INTO schema_migrations VALUES (99, 'from the future', 0)");
  await db.close();
  await expect(openDatabase({ path }, databaseDeps)).rejects.toMatchObject({
    code: 'database-newer',
    message: expect.stringContaining('99'),
  });
});

test('a migration that fails leaves no trace and is tried again', async () => {
  const db = await openLocal(at('failing.db'), databaseDeps);
  const good: Migration = { version: 1, name: 'good', statements: ['CREATE TABLE a (x) '] };
  const bad: Migration = {
    version: 2,
    name: 'bad',
    statements: ['CREATE TABLE b (x)', 'CREATE TABLE a (x)'],
  };
  await expect(migrate(db, [good, bad])).rejects.toThrow(/already exists/);
  expect(await versions(db)).toEqual([1]);
  expect(await db.run("SELECT name FROM sqlite_master WHERE name = 'b'")).toEqual([]);
  await migrate(db, [good, { ...bad, statements: ['CREATE TABLE b (x)'] }]);
  expect(await versions(db)).toEqual([1, 2]);
  await db.close();
});

test('a broken constraint inside a migration is not taken for a lost race', async () => {
  const db = await openLocal(at('constraint.db'), databaseDeps);
  const twice = 'INSERT INTO t VALUES (1), (1)';
  const bad: Migration = { version: 1, name: 'bad', statements: ['CREATE TABLE t (a PRIMARY KEY)', twice] };
  await expect(migrate(db, [bad])).rejects.toThrow(/UNIQUE/);
  expect(await versions(db)).toEqual([]);
  await db.close();
});
