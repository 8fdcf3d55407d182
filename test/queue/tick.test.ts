import { expect, test } from 'vitest';
import type { JobId } from '../../src/model/ids.ts';
import { addProjectRow, describeDatabases, readEvents, readJobRow } from '../support/database.ts';
import { claimNames, claimOne, LEASE_MS, look, put, settle, T0 } from '../support/queue-calls.ts';

describeDatabases('tick()', (db) => {
  test('knows nothing to wait for in an empty queue', async () => {
    expect(await look(db(), T0)).toEqual({
      claimed: [],
      lost: [],
      nextWakeMs: null,
      eventSeq: expect.any(Number),
    });
  });

  test('claims up to the free slots, only of its own machine', async () => {
    for (const name of ['a', 'b', 'c']) await addProjectRow(db(), name);
    await addProjectRow(db(), 'elsewhere', { machineId: 'desktop' });
    await put(db(), ['elsewhere', 'a', 'b', 'c'], T0);
    expect(await claimNames(db(), T0, { freeSlots: 0 })).toEqual([]);
    expect(await claimNames(db(), T0, { freeSlots: 2 })).toEqual(['a', 'b']);
    expect(await claimNames(db(), T0, { freeSlots: 5 })).toEqual(['c']);
    expect(await claimNames(db(), T0, { freeSlots: 5, machineId: 'desktop' })).toEqual(['elsewhere']);
  });

  test('claims the most urgent job of all lanes, not of the first lane', async () => {
    await addProjectRow(db(), 'github', { hostGate: 'host:github.com' });
    await addProjectRow(db(), 'gitlab', {
      hostGate: 'host:gitlab.com',
      credentialGate: 'credential:gitlab.com',
    });
    await put(db(), 'github', T0, { priority: 4 });
    await put(db(), 'gitlab', T0, { priority: 6 });
    expect(await claimNames(db(), T0, { freeSlots: 2 })).toEqual(['gitlab', 'github']);
  });

  test('claims a job as it was asked for, with a lease by the given time', async () => {
    await addProjectRow(db(), 'blog');
    const [queued] = await put(db(), 'blog', T0, { trigger: 'webhook', askRemote: true });
    expect(await claimOne(db(), T0 + 5)).toEqual({
      jobId: queued?.jobId,
      fence: 1,
      projectId: 'blog',
      trigger: 'webhook',
      attempt: 1,
      askRemote: true,
      leaseUntil: T0 + 5 + LEASE_MS,
    });
  });

  test('skips a project whose job is running, and another work tree of the same repository', async () => {
    await addProjectRow(db(), 'main-tree', { lockKey: 'repository-1' });
    await addProjectRow(db(), 'linked-tree', { lockKey: 'repository-1' });
    await put(db(), ['main-tree', 'linked-tree'], T0);
    const job = await claimOne(db(), T0, { freeSlots: 2 });
    await put(db(), 'main-tree', T0 + 1);
    const waiting = await look(db(), T0 + 2, { freeSlots: 2 });
    expect(waiting.claimed).toEqual([]);
    // Due, but held up by a running job: look again soon.
    expect(waiting.nextWakeMs).toBe(0);
    await settle(db(), job, T0 + 3);
    expect(await claimNames(db(), T0 + 4, { freeSlots: 2 })).toEqual(['linked-tree']);
  });

  test('says when the next job is due', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 2_000 });
    await put(db(), 'blog', T0);
    expect((await look(db(), T0 + 500)).nextWakeMs).toBe(1_500);
  });

  test('a heartbeat keeps the leases it names and tells those that are gone', async () => {
    for (const name of ['kept', 'gone']) await addProjectRow(db(), name);
    await put(db(), ['kept', 'gone'], T0);
    const { claimed } = await look(db(), T0, { freeSlots: 2 });
    await db().run("DELETE FROM projects WHERE project_id = 'gone'");
    const other = { jobId: 999_999 as JobId, fence: 1 };
    const later = await look(db(), T0 + 20_000, { held: [...claimed, other], freeSlots: 0 });
    expect(later.lost).toEqual([{ ...claimed[1] }, other]);
    // The renewed lease outlives the first one.
    expect((await look(db(), T0 + LEASE_MS + 1, { workerId: 'w2' })).claimed).toEqual([]);
    expect(await readJobRow(db(), 'kept')).toMatchObject({ state: 'running' });
  });

  test('a lease that runs out is taken back at once the first time; the old worker is told and cannot settle', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    const first = await claimOne(db(), T0);
    const expired = T0 + LEASE_MS;
    expect(await claimNames(db(), expired - 1, { workerId: 'w2' })).toEqual([]);
    const second = await claimOne(db(), expired, { workerId: 'w2' });
    expect(second).toMatchObject({ jobId: first.jobId, fence: 2, attempt: 2, trigger: 'retry' });
    expect((await look(db(), expired + 1, { held: [first] })).lost).toHaveLength(1);
    expect(await settle(db(), first, expired + 1)).toBe('lost');
    expect(await settle(db(), second, expired + 2)).toBe('settled');
    const runs = await db().run('SELECT fence, status, trigger_kind, error FROM runs ORDER BY id');
    expect(runs).toMatchObject([
      {
        fence: 1,
        status: 'crashed',
        trigger_kind: 'watch',
        error: expect.stringContaining('"code":"crashed"'),
      },
      { fence: 2, status: 'success', trigger_kind: 'retry', error: null },
    ]);
  });

  test('a fence that is not held is not renewed by its worker either', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    const job = await claimOne(db(), T0);
    const wrong = { ...job, fence: job.fence + 1 };
    expect((await look(db(), T0 + 1, { held: [wrong], freeSlots: 0 })).lost).toEqual([wrong]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ lease_until: T0 + LEASE_MS });
  });

  test('crashes in a row are spaced further and further apart, then the job is parked', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    let now = T0;
    const delays: number[] = [];
    for (let crash = 0; crash < 3; crash++) {
      await claimOne(db(), now);
      now += LEASE_MS;
      await look(db(), now, { freeSlots: 0, maxCrashes: 3 });
      const { state, run_at } = await readJobRow(db(), 'blog');
      if (state === 'parked') break;
      delays.push((run_at ?? 0) - now);
      now = run_at ?? 0;
    }
    expect(delays).toEqual([0, 1_000]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'parked', crashes: 3 });
  });

  test('claims stay quick and right with many jobs waiting behind a paused gate', async () => {
    await addProjectRow(db(), 'free', {
      hostGate: 'host:gitlab.com',
      credentialGate: 'credential:gitlab.com',
    });
    await addProjectRow(db(), 'seed');
    await db().run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO projects(project_id, project_name, machine_id, path, lane_id, lock_key, created_at)
      SELECT 'p' || i, 'p', 'laptop', '/p' || i, (SELECT lane_id FROM projects WHERE project_id = 'seed'), 'k' || i, 0 FROM n`);
    await put(
      db(),
      Array.from({ length: 2_000 }, (_, index) => `p${index + 1}`),
      T0,
      { delayMs: 0 },
    );
    for (let i = 0; i < 4; i++) await look(db(), T0, { freeSlots: 0 });
    expect(await db().run("SELECT count(*) AS n FROM jobs WHERE state = 'ready'")).toEqual([{ n: 2_000 }]);
    await db().run("UPDATE gates SET paused_until = :until WHERE key = 'host:github.com'", {
      until: T0 + 60_000,
    });
    await put(db(), 'free', T0 + 1, { priority: 0 });
    expect(await claimNames(db(), T0 + 1, { freeSlots: 3 })).toEqual(['free']);
  });

  test('event ids grow by one whatever happens, and the newest is answered', async () => {
    for (const name of ['a', 'b']) await addProjectRow(db(), name);
    await put(db(), ['a', 'b'], T0);
    const { claimed } = await look(db(), T0, { freeSlots: 2 });
    await Promise.all(claimed.map((job) => settle(db(), job, T0 + 1)));
    await put(db(), ['a', 'b'], T0 + 2);
    const { eventSeq } = await look(db(), T0 + 2, { freeSlots: 0 });
    const ids = (await readEvents(db())).map((event) => event.id);
    expect(ids).toEqual(ids.map((_, index) => (ids[0] ?? 0) + index));
    expect(ids.at(-1)).toBe(eventSeq);
    expect(ids).toHaveLength(14);
  });

  test('works by the clock of the database when no time is given', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 600_000 });
    const [job] = await put(db(), 'blog', T0, { now: undefined });
    const aheadMs = (job?.runAt ?? 0) - Date.now();
    expect(aheadMs).toBeGreaterThan(590_000);
    expect(aheadMs).toBeLessThan(610_000);
    const { nextWakeMs } = await look(db(), T0, { now: undefined });
    expect(nextWakeMs).toBeGreaterThan(590_000);
    expect(nextWakeMs).toBeLessThanOrEqual(600_000);
  });
});
