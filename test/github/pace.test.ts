// The pace against a server that enforces the documented rates by the same clock: it must never have to refuse.

import { expect, test } from 'vitest';
import { createPace } from '../../src/github/pace.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

type Seen = { at: number; points: number; isWrite: boolean };

/** Counts as GitHub documents it: 900 points in any minute, one request at a time, a second between two writes. */
function strictServer(clock: ManualClock) {
  const seen: Seen[] = [];
  const refusals: string[] = [];
  let open = 0;
  let lastWrite = Number.NEGATIVE_INFINITY;
  return {
    seen,
    refusals,
    async take(isWrite: boolean, tookMs: number) {
      const at = clock.monotonic();
      open += 1;
      if (open > 1) refusals.push('two at once');
      if (isWrite && at - lastWrite < 1_000) refusals.push(`${at - lastWrite} ms after a write`);
      seen.push({ at, points: isWrite ? 5 : 1, isWrite });
      const points = seen.filter((each) => each.at > at - 60_000).reduce((sum, each) => sum + each.points, 0);
      if (points > 900) refusals.push(`${points} points within a minute`);
      await clock.sleep(tookMs);
      if (isWrite) lastWrite = clock.monotonic();
      open -= 1;
    },
  };
}

async function runOut(clock: ManualClock, work: Promise<unknown>): Promise<void> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) await clock.advance(clock.nextTimerMs() ?? 0);
  await done;
}

test('an account stays within 900 points a minute, one request at a time, a second between writes', async () => {
  const clock = createManualClock();
  const pace = createPace({ clock });
  const server = strictServer(clock);
  const asked = Array.from({ length: 2_500 }, (_, number) => {
    const isWrite = number % 40 === 0;
    return pace.rest('github.com', isWrite ? 'write' : 'read', () => server.take(isWrite, number % 7));
  });
  await runOut(clock, Promise.all(asked));
  expect(server.refusals).toEqual([]);
  expect(server.seen).toHaveLength(2_500);
  // It waits no longer than it must: all but the first minute's points, at 900 a minute.
  const points = server.seen.reduce((sum, each) => sum + each.points, 0);
  expect(clock.monotonic()).toBeLessThan(((points - 900) / 900) * 60_000 + 61_000);
});

test('a failed or aborted request does not hold up the next, and accounts do not wait for each other', async () => {
  const clock = createManualClock();
  const pace = createPace({ clock });
  const never = pace.rest('a', 'read', () => new Promise(() => {}));
  void never;
  const fault = pace.rest('b', 'write', () => Promise.reject(new Error('refused')));
  const next = pace.rest('b', 'read', async () => 'answered');
  await expect(fault).rejects.toThrow('refused');
  expect(await next).toBe('answered');
  const controller = new AbortController();
  controller.abort(new Error('called off'));
  await expect(pace.rest('b', 'read', async () => 1, controller.signal)).rejects.toThrow('called off');
  expect(await pace.rest('b', 'read', async () => 2)).toBe(2);
});

test.each([
  ['push', 6, 60_000, 20],
  ['read', 15, 1_000, 100],
] as const)('of one repository at most %s %i within %i ms are sent', async (kind, most, windowMs, count) => {
  const clock = createManualClock();
  const pace = createPace({ clock });
  const sent: number[] = [];
  const { signal } = new AbortController();
  const asked = Array.from({ length: count }, () =>
    pace.git('github.com/a/b', kind, signal).then(() => void sent.push(clock.monotonic())),
  );
  const other = pace.git('github.com/a/other', kind, signal);
  await other;
  expect(clock.monotonic()).toBe(0);
  await runOut(clock, Promise.all(asked));
  for (const at of sent)
    expect(sent.filter((each) => each > at - windowMs && each <= at).length).toBeLessThanOrEqual(most);
  expect(Math.max(...sent)).toBe((Math.ceil(count / most) - 1) * windowMs);
});
