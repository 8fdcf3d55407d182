import { expect, test } from 'vitest';
import { type RetentionPolicy, whichToKeep } from '../../../src/git/snapshot/retention.ts';
import { diceOf } from '../../support/journey.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const POLICY: RetentionPolicy = { allForMs: DAY, hourlyForMs: 7 * DAY, dailyForMs: 30 * DAY };
const NOW = Date.UTC(2026, 5, 15, 12, 30);

const at = (...ages: number[]) => ages.map((age) => ({ id: `${age}`, branch: 'main', at: NOW - age }));
const kept = (...ages: number[]) =>
  [...whichToKeep(at(...ages), POLICY, NOW)].map(Number).sort((a, b) => a - b);

test.each([
  ['nothing', [], []],
  [
    'everything of the last day',
    [0, 1, 2, 10 * MINUTE, 11 * MINUTE, DAY - 1],
    [0, 1, 2, 10 * MINUTE, 11 * MINUTE, DAY - 1],
  ],
  [
    'the last of an hour after a day',
    [0, DAY + 31 * MINUTE, DAY + 40 * MINUTE, DAY + 50 * MINUTE],
    [0, DAY + 31 * MINUTE],
  ],
  ['one for each hour', [0, DAY + HOUR, DAY + 2 * HOUR, DAY + 2 * HOUR + 1], [0, DAY + HOUR, DAY + 2 * HOUR]],
  ['the last of a day after a week', [0, 8 * DAY, 8 * DAY + HOUR, 8 * DAY + 2 * HOUR], [0, 8 * DAY]],
  ['nothing after a month', [0, 29 * DAY, 30 * DAY, 31 * DAY], [0, 29 * DAY]],
  ['always the newest', [400 * DAY, 401 * DAY], [400 * DAY]],
  ['what lies in the future', [-HOUR, 0], [-HOUR, 0]],
])('whichToKeep() keeps %s', (_what, ages, expected) => {
  expect(kept(...ages)).toEqual(expected);
});

test('whichToKeep() judges each branch by itself, in whatever order', () => {
  const two = [
    { id: 'a', branch: 'main', at: NOW - 40 * DAY },
    { id: 'b', branch: 'other', at: NOW - 8 * DAY - 1 },
    { id: 'c', branch: 'other', at: NOW - 8 * DAY },
  ];
  expect([...whichToKeep(two, POLICY, NOW)].sort()).toEqual(['a', 'c']);
  expect([...whichToKeep(two.reverse(), POLICY, NOW)].sort()).toEqual(['a', 'c']);
});

test('whichToKeep() never wants back what an earlier look let go', () => {
  const dice = diceOf(7);
  const all = Array.from({ length: 400 }, (_, n) => ({
    id: `${n}`,
    branch: 'main',
    at: NOW - dice.below(40 * DAY),
  }));
  let before = whichToKeep(all, POLICY, NOW);
  for (let step = 1; step < 60; step++) {
    const now = NOW + step * 13 * HOUR;
    const survivors = all.filter(({ id }) => before.has(id));
    const fresh = whichToKeep(all, POLICY, now);
    expect(whichToKeep(survivors, POLICY, now)).toEqual(fresh);
    expect([...fresh].every((id) => before.has(id))).toBe(true);
    before = fresh;
  }
  expect(before.size).toBe(1);
});
