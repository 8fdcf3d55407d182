import { expect, test } from 'vitest';
import { axisSteps, bucketRuns, totalsOf } from '../../src/dashboard/metric-buckets.ts';
import type { Run } from '../../src/dashboard/wire.ts';

const run = (minute: number, status: Run['status'], durationMs = 0, bytesPushed = 0) =>
  ({ startedAt: new Date(minute * 60_000).toISOString(), status, durationMs, bytesPushed }) as Run;

test('bucketRuns() puts each run into its part of the period and tells outcomes apart', () => {
  const runs = [run(0, 'success', 10, 5), run(9, 'failed'), run(10, 'no-change'), run(19.9, 'crashed')];
  const [first, second] = bucketRuns(runs, { from: 0, until: 20 * 60_000, count: 2 });
  expect(first).toEqual({ from: 0, good: 1, bad: 1, other: 0, bytes: 5, p50Ms: 10, p95Ms: 10 });
  expect(second).toEqual({ from: 600_000, good: 0, bad: 1, other: 1, bytes: 0, p50Ms: null, p95Ms: null });
});

test('totalsOf() counts success among what pushed or failed, and takes percentiles of what pushed', () => {
  const pushes = Array.from({ length: 100 }, (_, index) => run(0, 'success', index + 1, 2));
  const totals = totalsOf([
    ...pushes,
    ...Array.from({ length: 25 }, () => run(0, 'blocked')),
    run(0, 'no-change'),
  ]);
  expect(totals).toEqual({ syncs: 126, successRate: 0.8, bytes: 200, p50Ms: 50, p95Ms: 95 });
  expect(totalsOf([]).successRate).toBeNull();
});

test.each([
  [0, [0, 1]],
  [7, [0, 2, 4, 6, 8]],
  [4400, [0, 2000, 4000, 6000]],
  [10, [0, 5, 10]],
])('axisSteps() of %d ends at or above it in round steps', (most, steps) => {
  expect(axisSteps(most)).toEqual(steps);
});
