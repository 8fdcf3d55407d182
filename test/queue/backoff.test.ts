import { expect, test } from 'vitest';
import { gatePause, retryDelay } from '../../src/queue/backoff.ts';

const HOUR_MS = 3_600_000;
const almostOne = () => 0.999_999_999;

test.each([
  { attempt: 1, longestMs: 30_000 },
  { attempt: 2, longestMs: 60_000 },
  { attempt: 5, longestMs: 480_000 },
  { attempt: 8, longestMs: HOUR_MS },
  { attempt: 5_000, longestMs: HOUR_MS },
])('retryDelay() spreads attempt $attempt over 0..$longestMs ms', ({ attempt, longestMs }) => {
  const delay = (random: () => number) => retryDelay({ attempt, retryDelayMs: 30_000, random });
  expect(delay(() => 0)).toBe(0);
  expect(delay(() => 0.5)).toBe(longestMs / 2);
  expect(delay(almostOne)).toBe(longestMs);
});

test('retryDelay() obeys a cap of its own', () => {
  expect(retryDelay({ attempt: 9, retryDelayMs: 1_000, capMs: 5_000, random: almostOne })).toBe(5_000);
});

const now = 1_700_000_000_000;
const base = { strikes: 0, rateLimitDelayMs: 60_000, now, random: () => 0 };

test.each([
  { what: 'its own delay when the host says nothing', options: {}, pauseMs: 60_000 },
  { what: 'a doubled delay for each strike', options: { strikes: 3 }, pauseMs: 480_000 },
  { what: 'at most an hour for many strikes', options: { strikes: 200 }, pauseMs: HOUR_MS },
  { what: 'a longer Retry-After', options: { retryAfterMs: 90_000 }, pauseMs: 90_000 },
  { what: 'its own delay over a shorter Retry-After', options: { retryAfterMs: 1_000 }, pauseMs: 60_000 },
  {
    what: 'a Retry-After beyond the cap unshortened',
    options: { retryAfterMs: 2 * HOUR_MS },
    pauseMs: 2 * HOUR_MS,
  },
  { what: 'until the reset', options: { resetAtMs: now + 600_000 }, pauseMs: 600_000 },
  { what: 'its own delay when the reset is past', options: { resetAtMs: now - 600_000 }, pauseMs: 60_000 },
  { what: 'an hour for a reset far away', options: { resetAtMs: now + 9 * HOUR_MS }, pauseMs: HOUR_MS },
])('gatePause() takes $what', ({ options, pauseMs }) => {
  expect(gatePause({ ...base, ...options })).toBe(pauseMs);
});

test('gatePause() only ever adds jitter, at most a tenth', () => {
  expect(gatePause({ ...base, random: () => 0.5 })).toBe(63_000);
  expect(gatePause({ ...base, retryAfterMs: 100_000, random: almostOne })).toBe(110_000);
});
