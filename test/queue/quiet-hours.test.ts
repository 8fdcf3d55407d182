import { expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { holdForQuietHours } from '../../src/queue/quiet-hours.ts';
import { findJob } from '../../src/queue/reads.ts';
import { readProjectGates } from '../../src/queue/strikes.ts';
import type { Database } from '../../src/store/database.ts';
import { findProjectView } from '../../src/store/project-views.ts';
import { saveTimes } from '../../src/store/schedules.ts';
import { addProjectRow, describeDatabases, readJobRow } from '../support/database.ts';
import { claimNames, claimOne, LEASE_MS, look, OFFLINE, put, settle, T0 } from '../support/queue-calls.ts';

const BLOG = 'blog' as ProjectId;
const HOUR = 3_600_000;

const quietFor = (db: Database, from: number, until: number) =>
  saveTimes(db, BLOG, { cron: null, dueAt: null, quiet: { from, until } });

describeDatabases('quiet hours', (db) => {
  test('what becomes due in them waits for their end, other projects go on', async () => {
    await addProjectRow(db(), 'blog');
    await addProjectRow(db(), 'shop');
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), ['blog', 'shop'], T0 + 1);
    const shop = await claimOne(db(), T0 + 2, { freeSlots: 2 });
    expect(shop.projectId).toBe('shop');
    await settle(db(), shop, T0 + 3);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'scheduled', run_at: T0 + HOUR });
    expect(await claimNames(db(), T0 + HOUR - 1, { freeSlots: 2 })).toEqual([]);
    expect(await claimNames(db(), T0 + HOUR, { freeSlots: 2 })).toEqual(['blog']);
  });

  test('a change keeps its place among the others although it waited', async () => {
    await addProjectRow(db(), 'blog');
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), 'blog', T0 + 1);
    await look(db(), T0 + 2);
    await put(db(), 'blog', T0 + 3);
    expect(await claimNames(db(), T0 + 4)).toEqual([]);
  });

  test('a person who wants it now gets it now, in quiet hours too', async () => {
    await addProjectRow(db(), 'blog');
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), 'blog', T0 + 1);
    await look(db(), T0 + 2);
    await put(db(), 'blog', T0 + 3, { force: true, trigger: 'api' });
    expect(await claimNames(db(), T0 + 4)).toEqual(['blog']);
  });

  test('holdForQuietHours() takes back what was ready, never what runs or is wanted at once', async () => {
    for (const name of ['blog', 'shop']) await addProjectRow(db(), name);
    await put(db(), 'blog', T0);
    await look(db(), T0, { freeSlots: 0 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready' });
    await holdForQuietHours(db(), { projectId: BLOG, now: T0 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready' });
    await quietFor(db(), T0 + 10, T0 + HOUR);
    await holdForQuietHours(db(), { projectId: BLOG, now: T0 + 9 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready' });
    await holdForQuietHours(db(), { projectId: BLOG, now: T0 + 10 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({
      state: 'scheduled',
      run_at: T0 + HOUR,
      rank: null,
    });
    await put(db(), 'blog', T0 + 11, { force: true });
    await look(db(), T0 + 11, { freeSlots: 0 });
    await holdForQuietHours(db(), { projectId: BLOG, now: T0 + 12 });
    const job = await claimOne(db(), T0 + 13);
    await holdForQuietHours(db(), { projectId: BLOG, now: T0 + 14 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'running' });
    // A retry waits as well, with its attempt.
    await settle(db(), job, T0 + 20, { kind: 'retry', delayMs: 100, reason: OFFLINE });
    expect(await claimNames(db(), T0 + 1_000)).toEqual([]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ run_at: T0 + HOUR, attempt: 1 });
  });

  test.each([
    { kind: 'later' as const, delayMs: 100, reason: OFFLINE },
    { kind: 'release' as const, reason: OFFLINE },
  ])('a person who insisted still does when the sync steps back: $kind', async (outcome) => {
    await addProjectRow(db(), 'blog');
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), 'blog', T0 + 1, { force: true, trigger: 'api' });
    for (const at of [T0 + 2, T0 + 1_000]) {
      const job = await claimOne(db(), at);
      await settle(db(), job, at + 10, outcome);
    }
    await settle(db(), await claimOne(db(), T0 + 2_000), T0 + 2_010);
    await put(db(), 'blog', T0 + 3_000);
    expect(await claimNames(db(), T0 + 9_000)).toEqual([]);
  });

  test('a person who insisted still does after the service was killed, until so many crashes that it is parked', async () => {
    await addProjectRow(db(), 'blog');
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), 'blog', T0 + 1, { force: true, trigger: 'api' });
    const options = { maxCrashes: 2, crashDelayMs: 0 };
    await claimOne(db(), T0 + 2, options);
    expect(await claimNames(db(), T0 + 2 + LEASE_MS, options)).toEqual(['blog']);
    expect(await claimNames(db(), T0 + 2 + 2 * LEASE_MS, options)).toEqual([]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'parked', crashes: 2, forced: 0 });
  });

  test('quiet hours that are taken away give back what waited for their end', async () => {
    await addProjectRow(db(), 'blog');
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), 'blog', T0 + 1);
    await look(db(), T0 + 2);
    await saveTimes(db(), BLOG, { cron: null, dueAt: null, quiet: null });
    expect(await claimNames(db(), T0 + 3)).toEqual(['blog']);
  });

  test('a pause that is longer outlasts them, one that is shorter does not end them', async () => {
    await addProjectRow(db(), 'blog', { pausedUntil: T0 + 2 * HOUR });
    await quietFor(db(), T0, T0 + HOUR);
    await put(db(), 'blog', T0 + 1);
    expect(await claimNames(db(), T0 + HOUR + 1)).toEqual([]);
    expect(await claimNames(db(), T0 + 2 * HOUR)).toEqual(['blog']);
    await addProjectRow(db(), 'shop', { pausedUntil: T0 + HOUR });
    await saveTimes(db(), 'shop' as ProjectId, {
      cron: null,
      dueAt: null,
      quiet: { from: T0, until: T0 + 2 * HOUR },
    });
    await put(db(), 'shop', T0 + 1);
    expect(await claimNames(db(), T0 + HOUR + 1)).toEqual([]);
    expect(await claimNames(db(), T0 + 2 * HOUR)).toEqual(['shop']);
  });

  test('the job and the state name them, and the remote is not asked in them', async () => {
    await addProjectRow(db(), 'blog');
    await db().run(`UPDATE projects SET config = '{"enabled": true}'`);
    const now = Date.now();
    await quietFor(db(), now - HOUR, now + HOUR);
    await put(db(), 'blog', now);
    await look(db(), now + 1);
    expect(await findJob(db(), BLOG)).toMatchObject({ waitingFor: 'quiet-hours', runAt: now + HOUR });
    const view = await findProjectView(db(), BLOG);
    expect(view).toMatchObject({
      state: 'pending',
      stateReason: {
        code: 'quiet-hours',
        detail: expect.stringContaining(new Date(now + HOUR).toISOString()),
      },
      schedule: { quietUntil: now + HOUR },
    });
    expect(await readProjectGates(db(), BLOG)).toMatchObject({ isPaused: true });
    await quietFor(db(), now + HOUR, now + 2 * HOUR);
    expect(await findProjectView(db(), BLOG)).toMatchObject({
      stateReason: null,
      schedule: { quietUntil: null },
    });
    expect(await readProjectGates(db(), BLOG)).toMatchObject({ isPaused: false });
  });
});
