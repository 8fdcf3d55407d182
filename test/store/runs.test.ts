import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS } from '../../src/model/project.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { settleJob } from '../../src/queue/settle.ts';
import { tick } from '../../src/queue/tick.ts';
import { deleteRuns, listRuns, type RunFilter, runTotals } from '../../src/store/runs.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';
import { addRun, type StoredRun } from './stored-run.ts';

const blog = 'blog' as ProjectId;
const DAY_MS = 86_400_000;

describeDatabases('the history', (db) => {
  const now = async () => Number((await db().run('SELECT now FROM clock'))[0]?.now);
  const resetTotals = () => db().run('UPDATE counted_runs SET runs = 0, duration_ms = 0');

  async function allPages(filter: RunFilter, limit: number) {
    const instants: (number | null)[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listRuns>> = await listRuns(db(), { ...filter, limit, cursor });
      expect(page.runs.length).toBeLessThanOrEqual(limit);
      instants.push(...page.runs.map((run) => run.finishedAt));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return instants;
  }

  test('listRuns() shows a run as the queue wrote it', async () => {
    await addProjectRow(db(), 'blog');
    await enqueue(db(), {
      projectIds: [blog],
      trigger: 'api',
      priority: 5,
      delayMs: 0,
      force: true,
      askRemote: true,
    });
    const limits = { leaseMs: 30_000, maxCrashes: 3, crashDelayMs: 0 };
    const { claimed } = await tick(db(), {
      workerId: 'w',
      machineId: 'laptop',
      freeSlots: 1,
      held: [],
      ...limits,
    });
    const [job] = claimed;
    if (!job) throw new Error('nothing was claimed');
    expect(await listRuns(db(), { limit: 10, cursor: null })).toEqual({ runs: [], nextCursor: null });
    const reason = reasonOf('push-forbidden', 'The token may not write to u/blog.');
    const remotes = [
      { name: 'origin', branch: 'main', status: 'failed' as const, from: null, to: 'b'.repeat(40) },
    ];
    const stats = { commit: 'a'.repeat(40), branch: 'main', filesChanged: 2, bytesPushed: 812, remotes };
    const { jobId, fence } = job;
    await settleJob(db(), { jobId, fence, outcome: { kind: 'blocked', reason }, facts: NO_FACTS, stats });
    const { runs } = await listRuns(db(), { limit: 10, cursor: null });
    expect(runs).toEqual([
      {
        ...stats,
        runId: expect.any(Number),
        projectId: 'blog',
        projectName: 'blog',
        status: 'blocked',
        trigger: 'api',
        startedAt: expect.any(Number),
        finishedAt: expect.any(Number),
        attempt: 1,
        error: { ...reason, retryable: false },
      },
    ]);
  });

  test('listRuns() pages by the time of finishing, newest first, also when many finished at once', async () => {
    await addProjectRow(db(), 'blog');
    const times = [5_000, 9_000, 7_000, 7_000, 7_000, 1_000, 8_000];
    await addRun(db(), 'blog', [
      ...times.map((finishedAt) => ({ finishedAt })),
      { finishedAt: null, startedAt: 9 },
    ]);
    const expected = [9_000, 8_000, 7_000, 7_000, 7_000, 5_000, 1_000];
    for (const limit of [1, 2, 3, 7, 50]) expect(await allPages({}, limit)).toEqual(expected);
    const { runs, nextCursor } = await listRuns(db(), { limit: 7, cursor: null });
    expect(new Set(runs.map((run) => run.runId)).size).toBe(7);
    expect(nextCursor).toBeNull();
  });

  test('listRuns() filters by project, status and time, together and page by page', async () => {
    await addProjectRow(db(), 'blog');
    await addProjectRow(db(), 'site');
    const statuses = ['success', 'failed', 'no-change'] as const;
    const runs: StoredRun[] = Array.from({ length: 30 }, (_, index) => ({
      status: statuses[index % 3] ?? 'success',
      finishedAt: 1_000 + index,
    }));
    await addRun(db(), 'blog', runs);
    await addRun(db(), 'site', [{ finishedAt: 1_004 }, { finishedAt: 2_000, status: 'failed' }]);
    expect(await allPages({ projectId: 'site' as ProjectId }, 1)).toEqual([2_000, 1_004]);
    expect(await allPages({ status: 'failed', since: 1_004, until: 1_013 }, 2)).toEqual([
      1_010, 1_007, 1_004,
    ]);
    expect(await allPages({ projectId: blog, status: 'failed', since: 1_025 }, 1)).toEqual([1_028, 1_025]);
    expect(await allPages({ projectId: 'unknown' as ProjectId }, 5)).toEqual([]);
  });

  test.each([
    '',
    'xyz',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["a",2]').toString('base64url'),
  ])('listRuns() refuses the cursor "%s"', async (cursor) => {
    await expect(listRuns(db(), { limit: 5, cursor })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('deleteRuns() counts days back from now, for one project or all, and 0 means all that finished', async () => {
    await addProjectRow(db(), 'blog');
    await addProjectRow(db(), 'site');
    const today = await now();
    const old = Array.from({ length: 1_100 }, () => ({ finishedAt: today - 31 * DAY_MS }));
    await addRun(db(), 'blog', [
      ...old,
      { finishedAt: today - 29 * DAY_MS },
      { finishedAt: null, startedAt: 1 },
    ]);
    await addRun(db(), 'site', [{ finishedAt: today - 31 * DAY_MS }, { finishedAt: today - 1_000 }]);
    expect(await deleteRuns(db(), { olderThanDays: 30, projectId: 'unknown' as ProjectId })).toBe(0);
    expect(await deleteRuns(db(), { olderThanDays: 30, projectId: blog })).toBe(1_100);
    expect(await deleteRuns(db(), { olderThanDays: 30 })).toBe(1);
    expect(await deleteRuns(db(), { olderThanDays: 0 })).toBe(2);
    const left = await db().run('SELECT finished_at FROM runs');
    expect(left).toEqual([{ finished_at: null }]);
  });

  test('runTotals() of nothing is a rate of 1 and zeros', async () => {
    await resetTotals();
    expect(await runTotals(db())).toEqual({
      totalSyncs: 0,
      successfulSyncs: 0,
      failedSyncs: 0,
      successRate: 1,
      averageDurationMs: 0,
      p95DurationMs: 0,
      throughputPerMinute: 0,
    });
  });

  test('runTotals() counts answers, not attempts, and keeps counting what was deleted', async () => {
    await resetTotals();
    await addProjectRow(db(), 'blog');
    const today = await now();
    const run = (status: NonNullable<StoredRun['status']>, durationMs: number, agoMs = 1_000): StoredRun => ({
      status,
      startedAt: today - agoMs - durationMs,
      finishedAt: today - agoMs,
    });
    await addRun(db(), 'blog', [
      run('success', 100),
      run('no-change', 20),
      run('success', 200, 2 * 3_600_000),
      run('failed', 300),
      run('blocked', 40),
      run('conflict', 60),
      run('retrying', 90_000),
      run('crashed', 90_000),
      { finishedAt: null, startedAt: today },
    ]);
    const totals = await runTotals(db());
    expect(totals).toEqual({
      totalSyncs: 6,
      successfulSyncs: 3,
      failedSyncs: 1,
      // What waits for a person is no failure of a sync.
      successRate: 0.75,
      averageDurationMs: 120,
      p95DurationMs: 300,
      throughputPerMinute: 0.08,
    });
    await deleteRuns(db(), { olderThanDays: 0 });
    expect(await runTotals(db())).toMatchObject({ totalSyncs: 6, successRate: 0.75, averageDurationMs: 0 });
  });

  test('runTotals() takes durations from the last 1,000 syncs and throughput from their span when an hour has more', async () => {
    await addProjectRow(db(), 'blog');
    const today = await now();
    const runs = Array.from({ length: 1_500 }, (_, index) => {
      const finishedAt = today - (1_500 - index) * 1_200;
      // Of the last 1,000, every twentieth takes 500 ms; all earlier ones an hour.
      const durationMs = index < 500 ? 3_600_000 : index % 20 === 0 ? 500 : 10;
      return { startedAt: finishedAt - durationMs, finishedAt };
    });
    await addRun(db(), 'blog', runs);
    const { averageDurationMs, p95DurationMs, throughputPerMinute } = await runTotals(db());
    expect({ averageDurationMs, p95DurationMs }).toEqual({ averageDurationMs: 35, p95DurationMs: 10 });
    expect(throughputPerMinute).toBeGreaterThan(48);
    expect(throughputPerMinute).toBeLessThanOrEqual(50);
  });
});
