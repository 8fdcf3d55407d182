import { expect, test } from 'vitest';
import type { JobId, ProjectId } from '../../src/model/ids.ts';
import { appendEvents, eventBounds, pruneEvents, pruneRuns, readEvents } from '../../src/store/events.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';
import { addRun } from './stored-run.ts';

describeDatabases('the stored feed', (db) => {
  /** Ids go on from test to test, as they do in life. */
  const latest = async () => (await eventBounds(db())).latest;
  const append = (count: number) =>
    appendEvents(
      db(),
      Array.from({ length: count }, (_, index) => ({ type: 'notice' as const, data: { index } })),
    );

  test('appendEvents() keeps order and every field, and readEvents() goes on from an id', async () => {
    const start = await latest();
    await appendEvents(db(), [
      { type: 'scan.started' },
      {
        type: 'job.ready',
        projectId: 'blog' as ProjectId,
        jobId: 7 as JobId,
        data: { deep: { list: [1, null, 'é"'] } },
      },
      { type: 'notice', projectId: null, data: {} },
    ]);
    const events = await readEvents(db(), { after: start, limit: 10 });
    expect(events).toEqual([
      { id: start + 1, at: expect.any(Number), type: 'scan.started', projectId: null, jobId: null, data: {} },
      {
        id: start + 2,
        at: events[0]?.at,
        type: 'job.ready',
        projectId: 'blog',
        jobId: 7,
        data: { deep: { list: [1, null, 'é"'] } },
      },
      { id: start + 3, at: events[0]?.at, type: 'notice', projectId: null, jobId: null, data: {} },
    ]);
    expect(await readEvents(db(), { after: start + 1, limit: 1 })).toEqual([events[1]]);
    expect(await readEvents(db(), { after: start + 3, limit: 5 })).toEqual([]);
  });

  test('appendEvents() of nothing writes nothing', async () => {
    const before = await latest();
    await appendEvents(db(), []);
    expect(await latest()).toBe(before);
  });

  test('pruneEvents() keeps the newest, moves the oldest kept id, and never gives an id again', async () => {
    const start = await latest();
    await append(1_234);
    expect(await pruneEvents(db(), { keep: 10 })).toBe(1_224);
    expect(await eventBounds(db())).toMatchObject({ oldest: start + 1_225, latest: start + 1_234 });
    const kept = await readEvents(db(), { after: 0, limit: 100 });
    expect(kept.map((event) => event.id)).toEqual(
      Array.from({ length: 10 }, (_, index) => start + 1_225 + index),
    );
    expect(await pruneEvents(db(), { keep: 500 })).toBe(0);
    // Ids are counted on from the newest, so that it stays.
    expect(await pruneEvents(db(), { keep: 0 })).toBe(9);
    expect(await eventBounds(db())).toMatchObject({ oldest: start + 1_234, latest: start + 1_234 });
    await append(1);
    expect(await latest()).toBe(start + 1_235);
  });

  test('eventBounds() names one epoch for the life of the database', async () => {
    const { epoch } = await eventBounds(db());
    expect(epoch).toMatch(/^[0-9a-f]{32}$/);
    await append(1);
    expect((await eventBounds(db())).epoch).toBe(epoch);
  });

  test('pruneRuns() forgets what finished up to an instant, in batches, and leaves running ones', async () => {
    await addProjectRow(db(), 'blog');
    const runs = Array.from({ length: 1_100 }, (_, index) => ({ finishedAt: 1_000 + index }));
    await addRun(db(), 'blog', [...runs, { finishedAt: null, startedAt: 5 }]);
    expect(await pruneRuns(db(), { olderThanMs: 2_050 })).toBe(1_051);
    const [row] = await db().run('SELECT count(*) AS runs, min(finished_at) AS first FROM runs');
    expect(row).toEqual({ runs: 50, first: 2_051 });
  });
});
