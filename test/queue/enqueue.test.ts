import { expect, test } from 'vitest';
import { addProjectRow, describeDatabases, readEvents, readJobRow } from '../support/database.ts';
import { claimNames, claimOne, look, PROTECTED, put, settle, T0, TIMEOUT } from '../support/queue-calls.ts';

describeDatabases('enqueue()', (db) => {
  test('answers the job of each known and enabled project, in the order asked', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 2_000 });
    await addProjectRow(db(), 'notes', { quietMs: 500 });
    await addProjectRow(db(), 'off', { enabled: false });
    const jobs = await put(db(), ['notes', 'off', 'nobody', 'blog', 'notes'], T0);
    const waits = { jobId: expect.any(Number), state: 'scheduled', heldBack: 'no' };
    expect(jobs).toEqual([
      { ...waits, projectId: 'notes', runAt: T0 + 500 },
      { ...waits, projectId: 'blog', runAt: T0 + 2_000 },
    ]);
    expect(await put(db(), [], T0)).toEqual([]);
  });

  test('waits for quiet after the last change, but never longer than the longest wait after the first', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 2_000, maxWaitMs: 5_000 });
    const runAts: (number | null | undefined)[] = [];
    for (const afterMs of [0, 1_500, 3_000, 4_500]) {
      const [job] = await put(db(), 'blog', T0 + afterMs);
      runAts.push((job?.runAt ?? 0) - T0);
    }
    expect(runAts).toEqual([2_000, 3_500, 5_000, 5_000]);
    expect(await claimNames(db(), T0 + 4_999)).toEqual([]);
    expect(await claimNames(db(), T0 + 5_000)).toEqual(['blog']);
  });

  test('coalesces changes: many requests are one run', async () => {
    await addProjectRow(db(), 'blog');
    for (let i = 0; i < 5; i++) await put(db(), 'blog', T0 + i);
    await settle(db(), await claimOne(db(), T0 + 10), T0 + 20);
    expect(await claimNames(db(), T0 + 100_000)).toEqual([]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'idle', want_gen: 5, done_gen: 5 });
  });

  test('keeps the least interval between the starts of two runs', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 1_000, minIntervalMs: 10_000 });
    await put(db(), 'blog', T0);
    await settle(db(), await claimOne(db(), T0 + 1_000), T0 + 1_100);
    const [job] = await put(db(), 'blog', T0 + 2_000);
    expect(job?.runAt).toBe(T0 + 11_000);
  });

  test('forced skips quiet period, least interval and a backoff, and is ready at once', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 2_000, minIntervalMs: 60_000 });
    await put(db(), 'blog', T0);
    const job = await claimOne(db(), T0 + 2_000);
    await settle(db(), job, T0 + 2_100, { kind: 'retry', delayMs: 600_000, reason: TIMEOUT });
    await put(db(), 'blog', T0 + 3_000);
    expect(await readJobRow(db(), 'blog')).toMatchObject({
      state: 'scheduled',
      attempt: 1,
      run_at: T0 + 602_100,
    });
    const [forced] = await put(db(), 'blog', T0 + 4_000, { force: true, trigger: 'api' });
    expect(forced).toMatchObject({ state: 'ready', runAt: T0 + 4_000 });
    expect(await claimOne(db(), T0 + 4_000)).toMatchObject({ projectId: 'blog', attempt: 1, trigger: 'api' });
  });

  test('a parked job stays parked and remembers the change; forced makes it ready', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    await settle(db(), await claimOne(db(), T0), T0 + 1, { kind: 'park', reason: PROTECTED });
    expect(await put(db(), 'blog', T0 + 2)).toMatchObject([{ state: 'parked' }]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'parked', want_gen: 2 });
    expect(await claimNames(db(), T0 + 1_000_000)).toEqual([]);
    expect(await put(db(), 'blog', T0 + 3, { force: true })).toMatchObject([{ state: 'ready' }]);
    await settle(db(), await claimOne(db(), T0 + 3), T0 + 4);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'idle', done_gen: 3 });
  });

  test('orders by priority, the highest of what waits, and among equals by time', async () => {
    for (const name of ['low', 'raised', 'high', 'later']) await addProjectRow(db(), name);
    await put(db(), 'low', T0, { priority: 2 });
    await put(db(), 'raised', T0 + 1, { priority: 1 });
    await put(db(), 'high', T0 + 2, { priority: 8 });
    await put(db(), 'later', T0 + 3, { priority: 8 });
    await put(db(), 'raised', T0 + 4, { priority: 9 });
    await put(db(), 'raised', T0 + 5, { priority: 0 });
    expect(await claimNames(db(), T0 + 10, { freeSlots: 4 })).toEqual(['raised', 'high', 'later', 'low']);
  });

  test('raises a job that is ready already', async () => {
    for (const name of ['first', 'second']) await addProjectRow(db(), name);
    await put(db(), ['first', 'second'], T0);
    await look(db(), T0, { freeSlots: 0 });
    expect(await readJobRow(db(), 'second')).toMatchObject({ state: 'ready' });
    await put(db(), 'second', T0 + 1, { priority: 6 });
    expect(await claimNames(db(), T0 + 2)).toEqual(['second']);
  });

  test('what waits long overtakes what is more urgent: nothing starves', async () => {
    await addProjectRow(db(), 'patient');
    for (let minute = 0; minute <= 11; minute++) await addProjectRow(db(), `urgent-${minute}`);
    await put(db(), 'patient', T0, { priority: 0 });
    const order: string[] = [];
    for (let minute = 0; minute <= 11; minute++) {
      const now = T0 + minute * 60_000 + 1;
      await put(db(), `urgent-${minute}`, now, { priority: 10 });
      const job = await claimOne(db(), now);
      order.push(job.projectId);
      await settle(db(), job, now);
    }
    // Ten steps of a minute each: at ten minutes it is its turn.
    expect(order.indexOf('patient')).toBe(10);
  });

  test('forced goes before everything of the last day, and in the order asked', async () => {
    for (const name of ['old', 'urgent', 'asked', 'asked-too']) await addProjectRow(db(), name);
    await put(db(), 'old', T0 - 3_600_000, { priority: 10 });
    await put(db(), 'urgent', T0, { priority: 10 });
    await put(db(), 'asked', T0 + 1, { force: true, priority: 0 });
    await put(db(), 'asked-too', T0 + 2, { force: true, priority: 0 });
    const order = await claimNames(db(), T0 + 3, { freeSlots: 4 });
    expect(order).toEqual(['asked', 'asked-too', 'old', 'urgent']);
  });

  test('the first trigger of a run is kept, except that a person outranks it; the wish to ask the remote adds up', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0, { trigger: 'watch' });
    await put(db(), 'blog', T0, { trigger: 'scan', askRemote: true });
    await put(db(), 'blog', T0, { trigger: 'watch' });
    const first = await claimOne(db(), T0);
    expect(first).toMatchObject({ trigger: 'watch', askRemote: true, attempt: 1 });
    await settle(db(), first, T0 + 1);
    await put(db(), 'blog', T0 + 2, { trigger: 'scan' });
    await put(db(), 'blog', T0 + 3, { trigger: 'api', delayMs: 0 });
    expect(await claimOne(db(), T0 + 3)).toMatchObject({ trigger: 'api', askRemote: false });
  });

  test('a paused project waits for the end of the pause, even forced', async () => {
    await addProjectRow(db(), 'blog', { pausedUntil: T0 + 60_000 });
    const [job] = await put(db(), 'blog', T0, { force: true });
    expect(job).toMatchObject({ state: 'scheduled', runAt: T0 + 60_000 });
    expect((await look(db(), T0 + 59_999)).nextWakeMs).toBe(1);
    expect(await claimNames(db(), T0 + 60_000)).toEqual(['blog']);
  });

  test('pausing takes ready work back, resuming gives it its old place', async () => {
    for (const name of ['blog', 'other']) await addProjectRow(db(), name);
    await put(db(), 'blog', T0);
    await put(db(), 'other', T0 + 1);
    await look(db(), T0 + 2, { freeSlots: 0 });
    await db().run("UPDATE projects SET paused_until = :until WHERE project_id = 'blog'", {
      until: T0 + 10 ** 9,
    });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'scheduled', run_at: T0 + 10 ** 9 });
    await put(db(), 'blog', T0 + 3);
    expect(await claimNames(db(), T0 + 4, { freeSlots: 0 })).toEqual([]);
    await db().run("UPDATE projects SET paused_until = NULL WHERE project_id = 'blog'");
    expect(await claimNames(db(), T0 + 5, { freeSlots: 2 })).toEqual(['blog', 'other']);
  });

  test('a pause during a run holds back its retry and its follow-up', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    const job = await claimOne(db(), T0);
    await db().run('UPDATE projects SET paused_until = :until', { until: T0 + 60_000 });
    await settle(db(), job, T0 + 1, { kind: 'retry', delayMs: 10, reason: TIMEOUT });
    expect(await claimNames(db(), T0 + 59_999)).toEqual([]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'scheduled', run_at: T0 + 60_000 });
    expect(await claimOne(db(), T0 + 60_000)).toMatchObject({ attempt: 2 });
  });

  test('disabling drops what waits, and a running job ends idle', async () => {
    for (const name of ['waiting', 'running']) await addProjectRow(db(), name);
    await put(db(), 'running', T0);
    const job = await claimOne(db(), T0);
    await put(db(), ['waiting', 'running'], T0 + 1);
    await db().run('UPDATE projects SET enabled = 0');
    expect(await readJobRow(db(), 'waiting')).toMatchObject({ state: 'idle', run_at: null });
    expect(await settle(db(), job, T0 + 2)).toBe('settled');
    expect(await claimNames(db(), T0 + 10 ** 9, { freeSlots: 2 })).toEqual([]);
    expect(await readJobRow(db(), 'running')).toMatchObject({ state: 'idle' });
    expect(await put(db(), 'running', T0 + 3, { force: true })).toEqual([]);
  });

  test('enabling lifts a parking', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0);
    await settle(db(), await claimOne(db(), T0), T0 + 1, { kind: 'park', reason: PROTECTED });
    await db().run('UPDATE projects SET enabled = 0');
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'idle' });
    await db().run('UPDATE projects SET enabled = 1');
    await put(db(), 'blog', T0 + 2);
    expect(await claimNames(db(), T0 + 2)).toEqual(['blog']);
  });

  test('every change of a job tells one event with the public id, and events outlive the project', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0, { priority: 7 });
    await settle(db(), await claimOne(db(), T0), T0 + 9);
    await db().run("DELETE FROM projects WHERE project_id = 'blog'");
    const events = await readEvents(db());
    const types = ['job.scheduled', 'job.ready', 'job.running', 'run.finished', 'job.idle'];
    expect(events.map((event) => event.type)).toEqual(types);
    expect(events.every((event) => event.projectId === 'blog')).toBe(true);
    const first = events[0]?.id ?? 0;
    expect(events.map((event) => event.id)).toEqual(types.map((_, index) => first + index));
    expect(events[0]?.data).toMatchObject({ from: null, priority: 7, runAt: T0, trigger: 'watch' });
    expect(events[3]?.data).toMatchObject({ runId: expect.any(Number), status: 'success', durationMs: 9 });
    expect(await db().run('SELECT count(*) AS n FROM jobs')).toEqual([{ n: 0 }]);
    expect(await db().run('SELECT count(*) AS n FROM runs')).toEqual([{ n: 0 }]);
  });
});
