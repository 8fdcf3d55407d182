import { expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { watchOutage } from '../../src/store/outage.ts';
import { createManualClock } from '../support/manual-clock.ts';

const GONE = new Failure('database-unreachable', 'gone');
const START = 1_000_000;

function watch() {
  const clock = createManualClock(START);
  const watched = watchOutage(clock, (error) => (error === GONE ? GONE : null));
  let calls = 0;
  const call = (fails: unknown = null, takesMs = 0) =>
    watched.watched(async () => {
      calls += 1;
      if (takesMs > 0) await clock.advance(takesMs);
      if (fails !== null) throw fails;
      return 'answer';
    });
  return { clock, watched, call, calls: () => calls };
}

test('one quick failure is no outage yet; the second is, since the first', async () => {
  const { clock, watched, call } = watch();
  await expect(call(GONE)).rejects.toBe(GONE);
  expect(watched.outage()).toBeNull();
  await clock.advance(100);
  await expect(call(GONE)).rejects.toBe(GONE);
  expect(watched.outage()).toEqual({ since: START, reason: GONE.reason });
});

test('a call that waited long for nothing is an outage at once', async () => {
  const { watched, call } = watch();
  await expect(call(GONE, 1_001)).rejects.toBe(GONE);
  expect(watched.outage()?.reason.code).toBe('database-unreachable');
});

test('during an outage calls fail without asking, but for one every half second', async () => {
  const { clock, watched, call, calls } = watch();
  for (let count = 0; count < 2; count++) await expect(call(GONE)).rejects.toBe(GONE);
  expect(() => watched.admit()).toThrow(GONE);
  await expect(call()).rejects.toBe(GONE);
  expect(calls()).toBe(2);
  await clock.advance(500);
  await expect(call(GONE)).rejects.toBe(GONE);
  expect(calls()).toBe(3);
  await expect(call()).rejects.toBe(GONE);
  expect(calls()).toBe(3);
});

test('while one call finds out, others are told that the server is away', async () => {
  const { clock, watched, call } = watch();
  for (let count = 0; count < 2; count++) await expect(call(GONE)).rejects.toBe(GONE);
  await clock.advance(500);
  let answer = () => {};
  const asking = watched.watched(() => new Promise<void>((resolve) => (answer = resolve)));
  expect(() => watched.admit()).toThrow(GONE);
  answer();
  await asking;
  expect(watched.outage()).toBeNull();
  expect(() => watched.admit()).not.toThrow();
});

test('an answer that is an error of its own ends the outage: the server is there', async () => {
  const { clock, watched, call } = watch();
  for (let count = 0; count < 2; count++) await expect(call(GONE)).rejects.toBe(GONE);
  await clock.advance(500);
  const wrong = new Error('no such table');
  await expect(call(wrong)).rejects.toBe(wrong);
  expect(watched.outage()).toBeNull();
});
