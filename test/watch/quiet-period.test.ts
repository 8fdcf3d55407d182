import { expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { createQuietPeriod } from '../../src/watch/quiet-period.ts';
import { createManualClock } from '../support/manual-clock.ts';

const blog = 'blog' as ProjectId;
const notes = 'notes' as ProjectId;

function start(quietMs: number) {
  const clock = createManualClock();
  const writes: { projectId: ProjectId; at: number; dueAt: number }[] = [];
  const startedAt = clock.monotonic();
  const quiet = createQuietPeriod({
    clock,
    timings: () => ({ quietMs }),
    enqueue(projectId, delayMs) {
      const at = clock.monotonic() - startedAt;
      writes.push({ projectId, at, dueAt: at + delayMs });
    },
  });
  return { clock, quiet, writes };
}

test('changed() enqueues the first change at once, due one quiet period later', async () => {
  const { clock, quiet, writes } = start(2_000);
  quiet.changed(blog);
  expect(writes).toEqual([{ projectId: blog, at: 0, dueAt: 2_000 }]);
  await clock.advance(60_000);
  expect(writes).toHaveLength(1);
});

test('changed() writes at most once per quarter of the quiet period during a burst', async () => {
  const { clock, quiet, writes } = start(2_000);
  for (let change = 0; change <= 1_000; change += 1) {
    quiet.changed(blog);
    await clock.advance(10);
  }
  await clock.advance(60_000);
  expect(writes.length).toBeLessThanOrEqual(10_000 / 500 + 2);
  expect(writes.length).toBeGreaterThan(10);
  const gaps = writes.slice(1).map((write, index) => write.at - (writes[index]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
});

test('changed() leaves the sync due exactly one quiet period after the last change', async () => {
  const { clock, quiet, writes } = start(2_000);
  quiet.changed(blog);
  await clock.advance(130);
  quiet.changed(blog);
  await clock.advance(60_000);
  expect(writes).toEqual([
    { projectId: blog, at: 0, dueAt: 2_000 },
    { projectId: blog, at: 500, dueAt: 2_130 },
  ]);
});

test('changed() counts the quiet period from the change, not from when it was told', async () => {
  const { clock, quiet, writes } = start(100);
  quiet.changed(blog);
  await clock.advance(50);
  quiet.changed(blog, 48);
  await clock.advance(60_000);
  expect(writes.at(-1)).toEqual({ projectId: blog, at: 50, dueAt: 102 });
});

test('changed() never makes a sync due earlier because an older change is told late', async () => {
  const { clock, quiet, writes } = start(2_000);
  quiet.changed(blog);
  await clock.advance(600);
  quiet.changed(blog);
  await clock.advance(10);
  quiet.changed(blog, 300);
  await clock.advance(60_000);
  expect(writes.at(-1)).toMatchObject({ dueAt: 2_600 });
});

test('changed() makes a sync due at once when the change is older than the quiet period', () => {
  const { quiet, writes } = start(100);
  quiet.changed(blog, 250);
  expect(writes).toEqual([{ projectId: blog, at: 0, dueAt: 0 }]);
});

test('changed() writes at once again after a silence', async () => {
  const { clock, quiet, writes } = start(2_000);
  quiet.changed(blog);
  await clock.advance(500);
  quiet.changed(blog);
  expect(writes.map((write) => write.at)).toEqual([0, 500]);
});

test('changed() keeps projects apart', async () => {
  const { quiet, writes } = start(2_000);
  quiet.changed(blog);
  quiet.changed(notes);
  expect(writes.map((write) => write.projectId)).toEqual([blog, notes]);
});

test('changed() bounds the writes even when there is no quiet period', async () => {
  const { clock, quiet, writes } = start(0);
  for (let change = 0; change < 1_000; change += 1) {
    quiet.changed(blog);
    await clock.advance(1);
  }
  await clock.advance(1_000);
  expect(writes.length).toBeLessThanOrEqual(22);
});

test('forget() and close() take back the trailing write', async () => {
  const { clock, quiet, writes } = start(2_000);
  for (const projectId of [blog, notes]) {
    quiet.changed(projectId);
    await clock.advance(10);
    quiet.changed(projectId);
  }
  quiet.forget(blog);
  quiet.close();
  await clock.advance(60_000);
  expect(writes).toHaveLength(2);
});

test('changed() tells of a later change within a second, however long the quiet period is', async () => {
  const { clock, quiet, writes } = start(3_600_000);
  quiet.changed(blog);
  await clock.advance(300);
  quiet.changed(blog);
  await clock.advance(1_000);
  expect(writes.map(({ at, dueAt }) => [at, dueAt])).toEqual([
    [0, 3_600_000],
    [1_000, 3_600_300],
  ]);
});
