// From schema 15 to 16 on: what a settled job no longer pays for is kept all the same: ids that are given out once,
// figures that count every run once, and rows that cannot say what is not so.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openLocal } from '../../src/store/local.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/list.ts';
import { deleteRuns, listRuns, runTotals } from '../../src/store/runs.ts';
import { addProjectRow, databaseDeps, describeDatabases, temporaryFolder } from '../support/database.ts';
import { claimOne, OFFLINE, put, settle, T0 } from '../support/queue-calls.ts';
import { addRun } from './stored-run.ts';

const BEFORE = MIGRATIONS.slice(0, 15);

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function runOnce(db: Database, project: string, now: number): Promise<void> {
  await put(db, project, now);
  expect(await settle(db, await claimOne(db, now), now + 5)).toBe('settled');
}

const newestRun = async (db: Database) =>
  (await listRuns(db, { limit: 1, cursor: null })).runs[0]?.runId ?? 0;

test('history, figures and ids go on, also where the newest run and every job are gone', async () => {
  const db = await openLocal(join(folder.path, 'before.db'), databaseDeps);
  await migrate(db, BEFORE);
  await addProjectRow(db, 'blog');
  await addProjectRow(db, 'site');
  await addRun(db, 'blog', [{ finishedAt: 10 }, { finishedAt: 20, status: 'failed' }]);
  await addRun(db, 'site', [{ finishedAt: 30 }, { finishedAt: 40 }]);
  await put(db, 'site', T0);
  const [job] = await db.run('SELECT id FROM jobs');
  await db.run("DELETE FROM projects WHERE project_id = 'site'");
  const before = await db.run('SELECT * FROM runs ORDER BY id');
  expect(before).toHaveLength(2);
  const figures = await db.run('SELECT * FROM run_totals ORDER BY status');
  await migrate(db, MIGRATIONS);
  expect(await db.run('SELECT * FROM runs ORDER BY id')).toEqual(before);
  expect(await db.run('SELECT * FROM run_totals ORDER BY status')).toEqual(figures);
  await put(db, 'blog', T0);
  const [again] = await db.run('SELECT id FROM jobs');
  expect(Number(again?.id)).toBeGreaterThan(Number(job?.id));
  expect(await settle(db, await claimOne(db, T0), T0 + 1)).toBe('settled');
  expect(await newestRun(db)).toBe(5);
  expect(await runTotals(db)).toMatchObject({ totalSyncs: 5, successfulSyncs: 4, failedSyncs: 1 });
  await db.close();
});

describeDatabases('the runs that are counted', (db) => {
  const success = async () =>
    (await db().run("SELECT runs, duration_ms FROM run_totals WHERE status = 'success'"))[0];

  test('are each counted once, in whatever order they are added, forgotten and read', async () => {
    await addProjectRow(db(), 'blog');
    const before = await success();
    let added = 0;
    for (const [count, isForgotten] of [
      [1, false],
      [62, true],
      [130, false],
      [64, true],
      [3, false],
    ] as const) {
      await addRun(
        db(),
        'blog',
        Array.from({ length: count }, (_, at) => ({ finishedAt: 1_000 + at })),
      );
      added += count;
      const now = await success();
      expect(Number(now?.runs) - Number(before?.runs)).toBe(added);
      expect(Number(now?.duration_ms) - Number(before?.duration_ms)).toBe(added * 10);
      if (isForgotten) await deleteRuns(db(), { olderThanDays: 0 });
      expect(await success()).toEqual(now);
    }
    await db().run('DELETE FROM projects');
    expect(Number((await success())?.runs) - Number(before?.runs)).toBe(added);
  });

  test('never get the id of one that is forgotten', async () => {
    await addProjectRow(db(), 'blog');
    const seen = new Set<number>();
    for (let n = 0; n < 4; n += 1) {
      await runOnce(db(), 'blog', T0 + n * 10);
      seen.add(await newestRun(db()));
      if (n === 1) await deleteRuns(db(), { olderThanDays: -40_000 });
      if (n === 2) {
        await db().run('DELETE FROM projects');
        await addProjectRow(db(), 'blog');
      }
    }
    expect(seen.size).toBe(4);
  });
});

describeDatabases('a row of the queue', (db) => {
  async function jobIn(state: string): Promise<void> {
    await addProjectRow(db(), 'blog', { quietMs: state === 'scheduled' ? 1_000 : 0 });
    if (state === 'ready') await addProjectRow(db(), 'other');
    await put(db(), 'blog', T0);
    if (state === 'ready') await db().run("UPDATE jobs SET state = 'ready', rank = 1");
    if (state === 'scheduled' || state === 'ready') return;
    const job = await claimOne(db(), T0);
    if (state === 'idle') await settle(db(), job, T0 + 1);
    if (state === 'parked') await settle(db(), job, T0 + 1, { kind: 'park', reason: OFFLINE });
  }

  test.each([
    ['idle', 'rank = 1'],
    ['idle', 'dirty_since = 1'],
    ['idle', "worker_id = 'w2'"],
    ['idle', 'lease_until = 1'],
    ['idle', 'want_gen = want_gen + 1'],
    ['scheduled', 'run_at = NULL'],
    ['scheduled', 'dirty_since = NULL'],
    ['scheduled', 'rank = 1'],
    ['scheduled', "worker_id = 'w2'"],
    ['scheduled', 'lease_until = 1'],
    ['ready', 'rank = NULL'],
    ['ready', 'dirty_since = NULL'],
    ['ready', "worker_id = 'w2'"],
    ['ready', 'lease_until = 1'],
    ['running', 'rank = 1'],
    ['running', 'worker_id = NULL'],
    ['running', 'lease_until = NULL'],
    ['parked', 'dirty_since = NULL'],
    ['parked', 'rank = 1'],
    ['parked', "worker_id = 'w2'"],
    ['parked', 'lease_until = 1'],
    ['running', 'done_gen = claimed_gen + 1'],
    ['running', 'claimed_gen = want_gen + 1'],
    ['idle', "state = 'sleeping'"],
    ['idle', "trigger_kind = 'whim'"],
    ['idle', 'priority = 11'],
    ['idle', 'forced = 2'],
    ['idle', 'ask_remote = 2'],
    ['idle', 'claimed_forced = 2'],
    ['idle', "last_error = '{'"],
    ['idle', "last_stats = '{'"],
  ])('that is %s cannot have %s', async (state, change) => {
    await jobIn(state);
    expect(await db().run('SELECT state FROM jobs')).toEqual([{ state }]);
    const before = await db().run('SELECT * FROM jobs');
    await expect(db().run(`UPDATE jobs SET ${change}`)).rejects.toThrow(/CHECK constraint/);
    expect(await db().run('SELECT * FROM jobs')).toEqual(before);
  });

  test('is claimed with a new fence or not at all', async () => {
    await jobIn('ready');
    const claim = (fence: string) =>
      db().run(`UPDATE jobs SET state = 'running', worker_id = 'w1', lease_until = 1, rank = NULL, ${fence}`);
    await expect(claim('fence = fence')).rejects.toThrow(/new fence/);
    await claim('fence = fence + 1');
    expect(await db().run('SELECT state, fence FROM jobs')).toEqual([{ state: 'running', fence: 1 }]);
  });

  test.each([
    ["status = 'fine'", 'CHECK'],
    ['finished_at = NULL', 'CHECK'],
    ["remotes = '['", 'CHECK'],
    ["error = '{'", 'CHECK'],
    ['project_id = 0', 'FOREIGN KEY'],
  ])('leaves a run that cannot have %s', async (change, rule) => {
    await jobIn('idle');
    await expect(db().run(`UPDATE runs SET ${change}`)).rejects.toThrow(rule);
  });
});
