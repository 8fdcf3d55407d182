import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { JobState } from '../../src/model/job.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { pauseGate } from '../../src/queue/gates.ts';
import { findJob, listQueue, queueStats } from '../../src/queue/reads.ts';
import { settleJob } from '../../src/queue/settle.ts';
import { tick } from '../../src/queue/tick.ts';
import { setPaused } from '../../src/store/projects.ts';
import { addProjectRow, describeDatabases, type ProjectRow } from '../support/database.ts';

const limits = { workerId: 'w', leaseMs: 60_000, held: [], maxCrashes: 3, crashDelayMs: 0 };
const FAR_MS = 8_640_000_000_000_000;

describeDatabases('reading the queue', (db) => {
  const add = (id: string, row: ProjectRow = {}) => addProjectRow(db(), id, row);
  const queue = (projectId: ProjectId, delayMs: number, priority = 5) =>
    enqueue(db(), {
      projectIds: [projectId],
      trigger: 'watch',
      delayMs,
      force: false,
      priority,
      askRemote: false,
    });
  const claim = async (machineId = 'laptop') =>
    (await tick(db(), { ...limits, machineId, freeSlots: 1 })).claimed.map((job) => job.projectId);
  const look = () => tick(db(), { ...limits, machineId: 'nobody', freeSlots: 0 });

  async function settle(outcome: Parameters<typeof settleJob>[1]['outcome']): Promise<void> {
    const { claimed } = await tick(db(), { ...limits, machineId: 'laptop', freeSlots: 1 });
    const [job] = claimed;
    if (!job) throw new Error('nothing was claimed');
    await settleJob(db(), { jobId: job.jobId, fence: job.fence, outcome, facts: null, stats: NO_STATS });
  }

  /** parked, retrying and running on this machine; three ready and two scheduled ones on another. */
  async function addMixedQueue(): Promise<void> {
    await queue(await add('parked'), 0);
    await settle({ kind: 'park', reason: reasonOf('push-forbidden', 'no') });
    await queue(await add('retrying'), 0);
    await settle({ kind: 'retry', delayMs: 7_200_000, reason: reasonOf('remote-timeout', 'slow') });
    await queue(await add('running'), 0);
    expect(await claim()).toEqual(['running']);
    const there = { machineId: 'desktop', maxWaitMs: 86_400_000 };
    await queue(await add('ready-low', there), 0, 1);
    await queue(await add('ready-high', there), 0, 9);
    await queue(await add('ready-middle', there), 0, 5);
    await queue(await add('later', there), 3_600_000);
    await queue(await add('soon', there), 1_800_000);
    await look();
  }

  const ORDER = ['ready-high', 'ready-middle', 'ready-low', 'soon', 'later', 'retrying', 'parked'];

  async function allPages(limit: number, state?: JobState) {
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listQueue>> = await listQueue(db(), {
        limit,
        cursor,
        ...(state && { state }),
      });
      expect(page.queue.length).toBeLessThanOrEqual(limit);
      ids.push(...page.queue.map((job) => job.projectId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return ids;
  }

  test('listQueue() shows what waits in the order in which it will run, page by page', async () => {
    await addMixedQueue();
    for (const limit of [1, 2, 3, 5, 7, 50]) expect(await allPages(limit)).toEqual(ORDER);
    const { active, queue: waiting } = await listQueue(db(), { limit: 1, cursor: null });
    expect(active.map((job) => job.projectId)).toEqual(['running']);
    expect(waiting[0]).toEqual({
      jobId: expect.any(Number),
      projectId: 'ready-high',
      state: 'ready',
      priority: 9,
      attempt: 0,
      runAt: expect.any(Number),
      startedAt: null,
      waitingFor: 'slot',
      lastError: null,
    });
  });

  test('ready jobs are listed as they are then claimed', async () => {
    await addMixedQueue();
    const ready = await allPages(2, 'ready');
    const claimed = [await claim('desktop'), await claim('desktop'), await claim('desktop')].flat();
    expect(claimed).toEqual(ready);
  });

  test('listQueue() shows only one state when asked', async () => {
    await addMixedQueue();
    expect(await allPages(1, 'scheduled')).toEqual(['soon', 'later', 'retrying']);
    expect(await allPages(10, 'parked')).toEqual(['parked']);
    expect(await allPages(10, 'idle')).toEqual([]);
    const ready = await listQueue(db(), { limit: 10, cursor: null, state: 'ready' });
    const running = await listQueue(db(), { limit: 10, cursor: null, state: 'running' });
    expect([ready.queue.length, ready.active.length]).toEqual([3, 0]);
    expect([running.queue.length, running.active.length]).toEqual([0, 1]);
  });

  test('waitingFor names the quiet period, the slot and the gate, and nothing where only time is missing', async () => {
    await addMixedQueue();
    const gated = { hostGate: 'host:closed', machineId: 'desktop' };
    await queue(await add('gated-ready', gated), 0);
    await queue(await add('gated-soon', gated), 10_000);
    await queue(await add('gated-later', gated), 50_000);
    await pauseGate(db(), { key: 'host:closed', pauseMs: 30_000, reason: 'offline' });
    await queue(await add('paused'), 0);
    await setPaused(db(), 'paused' as ProjectId, FAR_MS);
    await look();
    const jobs = (await listQueue(db(), { limit: 50, cursor: null })).queue;
    expect(Object.fromEntries(jobs.map((job) => [job.projectId, job.waitingFor]))).toEqual({
      'gated-ready': 'gate:host:closed',
      'gated-soon': 'gate:host:closed',
      'gated-later': 'quiet-period',
      'ready-high': 'slot',
      'ready-middle': 'slot',
      'ready-low': 'slot',
      soon: 'quiet-period',
      later: 'quiet-period',
      retrying: null,
      paused: null,
      parked: null,
    });
  });

  test('queueStats() counts each state and the longest wait', async () => {
    expect(await queueStats(db())).toEqual({
      queueSize: 0,
      activeSyncs: 0,
      scheduled: 0,
      ready: 0,
      parked: 0,
      oldestWaitMs: 0,
    });
    await addMixedQueue();
    await db().run(`UPDATE jobs SET dirty_since = (SELECT now FROM clock) - 90000
      WHERE project_id = (SELECT id FROM projects WHERE project_id = 'soon')`);
    await db().run(`UPDATE jobs SET dirty_since = 1 WHERE state = 'parked'`);
    const { oldestWaitMs, ...counts } = await queueStats(db());
    expect(counts).toEqual({ queueSize: 6, activeSyncs: 1, scheduled: 3, ready: 3, parked: 1 });
    expect(oldestWaitMs).toBeGreaterThanOrEqual(90_000);
    expect(oldestWaitMs).toBeLessThan(100_000);
  });

  test('findJob() finds the job of a project in any state', async () => {
    await addMixedQueue();
    expect(await findJob(db(), 'nobody' as ProjectId)).toBeNull();
    expect(await findJob(db(), await add('never-changed'))).toBeNull();
    expect(await findJob(db(), 'running' as ProjectId)).toMatchObject({
      state: 'running',
      attempt: 1,
      startedAt: expect.any(Number),
    });
    expect(await findJob(db(), 'parked' as ProjectId)).toMatchObject({
      state: 'parked',
      startedAt: null,
      lastError: { code: 'push-forbidden', detail: 'no' },
    });
    expect((await findJob(db(), 'parked' as ProjectId))?.lastError).not.toHaveProperty('retryable');
  });

  test('listQueue() refuses a cursor that is not its own', async () => {
    const cursor = Buffer.from('[3,0,0]').toString('base64url');
    await expect(listQueue(db(), { limit: 5, cursor })).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
