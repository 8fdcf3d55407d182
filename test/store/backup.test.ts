import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { createBackup } from '../../src/service/backup.ts';
import { backupDatabase } from '../../src/store/backup.ts';
import type { Database } from '../../src/store/database.ts';
import { appendEvents, eventBounds, pruneEvents } from '../../src/store/events.ts';
import { openDatabase } from '../../src/store/open.ts';
import { addProjectRow, databaseDeps, temporaryFolder } from '../support/database.ts';

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function openIn(name: string) {
  const path = join(folder.path, name, 'queue.db');
  const db = await openDatabase({ path }, databaseDeps);
  return { db, path, dir: dirname(path), backUp: createBackup({ clock: systemClock, databasePath: path }) };
}

const projectsOf = async (path: string) => {
  const db = await openDatabase({ path }, databaseDeps);
  const rows = await db.run('SELECT project_id FROM projects ORDER BY id');
  const { epoch } = await eventBounds(db);
  await db.close();
  return { ids: rows.map((row) => row.project_id), epoch };
};

test('a backup holds everything that was committed and opens as a database', async () => {
  const { db, backUp, dir } = await openIn('whole');
  for (const name of ['blog', 'notes']) await addProjectRow(db, name);
  const named = await backUp('backups/before.db');
  expect(named).toMatchObject({ path: join(dir, 'backups/before.db'), sizeBytes: statSync(named.path).size });
  await addProjectRow(db, 'later');
  const { path } = await backUp(null);
  expect(path).toMatch(/backups\/queue-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.db$/);
  expect((await projectsOf(named.path)).ids).toEqual(['blog', 'notes']);
  expect((await projectsOf(path)).ids).toEqual(['blog', 'notes', 'later']);
  expect(readdirSync(join(dir, 'backups')).filter((name) => name.includes('.part'))).toEqual([]);
  await db.close();
});

test('a restored backup has another epoch, so that nobody goes on with ids that are given out again', async () => {
  const { db, backUp, dir } = await openIn('epoch');
  const { path } = await backUp(null);
  const { epoch } = await eventBounds(db);
  await db.close();
  await mkdir(join(dir, 'restored'));
  await copyFile(path, join(dir, 'restored', 'queue.db'));
  const restored = await projectsOf(join(dir, 'restored', 'queue.db'));
  expect(restored.epoch).toMatch(/^[0-9a-f]{32}$/);
  expect(restored.epoch).not.toBe(epoch);
});

test('a backup made while others write is one moment of the database', async () => {
  const { db, path, dir } = await openIn('busy');
  await db.run("INSERT INTO meta VALUES ('left', 0), ('right', 0)");
  await appendEvents(
    db,
    Array.from({ length: 20_000 }, () => ({ type: 'notice', data: { pad: 'x'.repeat(200) } })),
  );
  let isOver = false;
  const both = { sql: "UPDATE meta SET value = value + 1 WHERE key = 'left'" };
  const writing = (async () => {
    while (!isOver) {
      await db.batch([both, { sql: both.sql.replace('left', 'right') }]);
      await setImmediate();
    }
  })();
  const targets = ['one.db', 'two.db', 'three.db'].map((name) => join(dir, name));
  for (const target of targets) await backupDatabase({ source: path, target });
  isOver = true;
  await writing;
  const counts: number[] = [];
  for (const target of targets) {
    const copy: Database = await openDatabase({ path: target }, databaseDeps);
    const rows = await copy.run("SELECT value FROM meta WHERE key IN ('left', 'right')");
    expect(rows[0]?.value).toBe(rows[1]?.value);
    counts.push(Number(rows[0]?.value));
    await copy.close();
  }
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(counts[2]).toBeGreaterThan(counts[0] as number);
  await db.close();
});

test('a backup never replaces a file and leaves nothing half made', async () => {
  const { db, backUp, dir } = await openIn('there');
  writeFileSync(join(dir, 'mine.db'), 'precious');
  await expect(backUp('mine.db')).rejects.toMatchObject({ code: 'backup-exists' });
  expect(statSync(join(dir, 'mine.db')).size).toBe(8);
  await expect(backUp('queue.db')).rejects.toMatchObject({ code: 'backup-exists' });
  const both = await Promise.allSettled([backUp('twice.db'), backUp('twice.db')]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  // What a killed backup left is no obstacle.
  writeFileSync(join(dir, '.again.db.part'), 'half');
  await backUp('again.db');
  expect(readdirSync(dir).filter((name) => name.includes('.part'))).toEqual([]);
  await db.close();
});

test('a backup stays inside of the data folder, whatever is asked for', async () => {
  const { db, backUp, dir } = await openIn('inside');
  await symlink(folder.path, join(dir, 'link'));
  const asked = [
    '../out.db',
    '/tmp/out.db',
    'a/../../out.db',
    'link/out.db',
    'link/new/out.db',
    '',
    'out.sh',
    '.db',
    'a/.hidden.db',
    'nul\0.db',
  ];
  for (const path of asked) {
    await expect(backUp(path), path).rejects.toMatchObject({ code: 'invalid-request' });
  }
  expect(existsSync(join(folder.path, 'out.db'))).toBe(false);
  expect(readdirSync(dir).toSorted()).toEqual(['link', 'queue.db', 'queue.db-shm', 'queue.db-wal']);
  await backUp(join(dir, 'deep/er/ok.db'));
  expect(existsSync(join(dir, 'deep/er/ok.db'))).toBe(true);
  await db.close();
});

test('a database on a server is not copied; the answer says who does', async () => {
  const backUp = createBackup({ clock: systemClock, databasePath: null });
  await expect(backUp(null)).rejects.toMatchObject({
    code: 'backup-elsewhere',
    action: expect.stringContaining('/dump'),
  });
});

test('a damaged database is not passed off as a backup', async () => {
  const dir = join(folder.path, 'damaged');
  await mkdir(dir);
  writeFileSync(
    join(dir, 'queue.db'),
    'this is no database at all, but long enough to be read as one'.repeat(100),
  );
  const target = join(dir, 'copy.db');
  await expect(backupDatabase({ source: join(dir, 'queue.db'), target })).rejects.toMatchObject({
    code: 'database-corrupt',
  });
  expect(readdirSync(dir)).toEqual(['queue.db']);
});

test('the log file beside the database is small again after a burst and after pruning', async () => {
  const { db, path } = await openIn('log');
  const big = Array.from({ length: 40_000 }, () => ({
    type: 'notice' as const,
    data: { pad: 'x'.repeat(500) },
  }));
  await appendEvents(db, big);
  const burst = statSync(`${path}-wal`).size;
  expect(burst).toBeGreaterThan(20_000_000);
  expect(await pruneEvents(db, { keep: 1_000 })).toBe(39_000);
  expect(statSync(`${path}-wal`).size).toBeLessThan(13_000_000);
  await db.close();
});
