// From schema 14 to 15 on: a run is written when it ends. What ran at the change, and the ids of the feed, go on.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import type { ClaimedJob } from '../../src/model/job.ts';
import type { Database } from '../../src/store/database.ts';
import { appendEvents, eventBounds, readEvents } from '../../src/store/events.ts';
import { openLocal } from '../../src/store/local.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/list.ts';
import { addProjectRow, databaseDeps, temporaryFolder } from '../support/database.ts';
import { look, put, settle, T0 } from '../support/queue-calls.ts';

const BEFORE = MIGRATIONS.slice(0, 14);
/** As version 14 claimed: its trigger wrote the run then. */
const CLAIM = `UPDATE jobs SET state = 'running', worker_id = 'w1', fence = fence + 1, claimed_gen = want_gen,
  dirty_since = NULL, attempt = attempt + 1, started_at = :now, lease_until = :now + 30000, rank = NULL, run_at = NULL,
  updated_at = :now`;

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const openAsBefore = async (name: string) => {
  const db = await openLocal(join(folder.path, name), databaseDeps);
  await migrate(db, BEFORE);
  return db;
};
const runsOf = (db: Database) => db.run('SELECT * FROM runs ORDER BY id');

test('a sync that runs while the schema changes is in the history once, as what it was begun for', async () => {
  const db = await openAsBefore('running.db');
  await addProjectRow(db, 'blog');
  await put(db, 'blog', T0, { trigger: 'schedule' });
  await db.run(CLAIM, { now: T0 });
  expect(await runsOf(db)).toMatchObject([{ status: null, trigger_kind: 'schedule' }]);
  await migrate(db, MIGRATIONS);
  expect(await runsOf(db)).toEqual([]);
  await put(db, 'blog', T0 + 1, { trigger: 'api' });
  const [{ id }] = (await db.run('SELECT id FROM jobs')) as [{ id: ClaimedJob['jobId'] }];
  const job = { jobId: id, fence: 1, projectId: 'blog' as ProjectId } as ClaimedJob;
  expect(await settle(db, job, T0 + 5)).toBe('settled');
  expect(await runsOf(db)).toMatchObject([
    {
      fence: 1,
      trigger_kind: 'schedule',
      status: 'success',
      started_at: T0,
      finished_at: T0 + 5,
      worker_id: 'w1',
    },
  ]);
  expect((await readEvents(db, { after: 0, limit: 10 })).map(({ type }) => type)).toEqual([
    'job.scheduled',
    'job.running',
    'run.finished',
    'job.scheduled',
  ]);
  await db.close();
});

test('a sync whose process died while the schema changed is in the history as crashed', async () => {
  const db = await openAsBefore('crashed.db');
  await addProjectRow(db, 'blog');
  await put(db, 'blog', T0);
  await db.run(CLAIM, { now: T0 });
  await migrate(db, MIGRATIONS);
  await look(db, T0 + 30_000, { freeSlots: 0 });
  expect(await runsOf(db)).toMatchObject([{ fence: 1, trigger_kind: 'watch', status: 'crashed' }]);
  await db.close();
});

test('the feed counts on from the newest event, and its listeners go on', async () => {
  const db = await openAsBefore('counted.db');
  await appendEvents(db, [{ type: 'scan.started' }, { type: 'notice', data: { text: 'é"' } }]);
  await db.run('DELETE FROM events WHERE id = 1');
  const epoch = await db.run("SELECT value FROM meta WHERE key = 'epoch'");
  await migrate(db, MIGRATIONS);
  await appendEvents(db, [{ type: 'scan.started' }]);
  expect(await readEvents(db, { after: 0, limit: 10 })).toMatchObject([
    { id: 2, type: 'notice', data: { text: 'é"' } },
    { id: 3, type: 'scan.started' },
  ]);
  expect([{ value: (await eventBounds(db)).epoch }]).toEqual(epoch);
  await db.close();
});

test('where no event is left to count on from, listeners start over', async () => {
  const db = await openAsBefore('emptied.db');
  const { epoch } = await eventBounds(db);
  await appendEvents(db, [{ type: 'scan.started' }]);
  await db.batch([
    { sql: 'DELETE FROM events' },
    { sql: "UPDATE meta SET value = 1 WHERE key = 'events_pruned_through'" },
  ]);
  await migrate(db, MIGRATIONS);
  const bounds = await eventBounds(db);
  expect(bounds).toEqual({ oldest: 1, latest: 0, epoch: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(bounds.epoch).not.toBe(epoch);
  await db.close();
});
