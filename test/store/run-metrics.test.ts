import { beforeEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { runMetrics } from '../../src/store/run-metrics.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';
import { addRun } from './stored-run.ts';

const NOTHING = { syncs: 0, good: 0, bad: 0, bytes: 0, p50Ms: null, p95Ms: null };

describeDatabases('the figures of a period', (db) => {
  beforeEach(async () => {
    await addProjectRow(db(), 'blog');
    await addProjectRow(db(), 'notes');
  });

  test('runMetrics() puts each run into its part by the instant it finished, and tells outcomes apart', async () => {
    await addRun(db(), 'blog', [
      { finishedAt: 1_000, startedAt: 990 },
      { finishedAt: 1_499, status: 'failed' },
      { finishedAt: 1_500, status: 'no-change' },
      { finishedAt: 1_999, status: 'crashed' },
      { finishedAt: 1_998, status: 'blocked' },
      { finishedAt: 1_997, status: 'conflict' },
      { finishedAt: 2_000 },
      { finishedAt: null },
    ]);
    const { totals, buckets } = await runMetrics(db(), { from: 1_000, until: 2_000, count: 2 });
    expect(buckets).toEqual([
      { from: 1_000, ...NOTHING, syncs: 2, good: 1, bad: 1, p50Ms: 10, p95Ms: 10 },
      { from: 1_500, ...NOTHING, syncs: 4, bad: 1 },
    ]);
    expect(totals).toEqual({ ...NOTHING, syncs: 6, good: 1, bad: 2, p50Ms: 10, p95Ms: 10 });
  });

  test('runMetrics() takes percentiles of what pushed, and counts one project alone', async () => {
    const pushes = Array.from({ length: 100 }, (_, index) => ({
      finishedAt: 10_000 + index,
      startedAt: 10_000 + index - (index + 1),
    }));
    await addRun(db(), 'blog', pushes);
    await addRun(db(), 'notes', [{ finishedAt: 10_000, startedAt: 0 }]);
    const period = { from: 10_000, until: 20_000, count: 1 };
    const blog = await runMetrics(db(), { ...period, projectId: 'blog' as ProjectId });
    expect(blog.totals).toMatchObject({ syncs: 100, p50Ms: 50, p95Ms: 95 });
    expect((await runMetrics(db(), period)).totals).toMatchObject({ syncs: 101, good: 101 });
  });

  test('runMetrics() of a period without runs is nothing in every part', async () => {
    const { totals, buckets } = await runMetrics(db(), { from: 0, until: 10, count: 3 });
    expect(totals).toEqual(NOTHING);
    expect(buckets.map(({ from }) => from)).toEqual([0, 3, 7]);
  });
});
