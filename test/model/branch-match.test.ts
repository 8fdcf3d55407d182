import { expect, test } from 'vitest';
import { matchesBranch } from '../../src/model/branch-match.ts';

test.each([
  [['main'], 'main', true],
  [['main'], 'main2', false],
  [['main'], 'Main', false],
  [['main', 'auto/*'], 'auto/fix', true],
  [['auto/*'], 'auto/a/b', true],
  [['auto/*'], 'auto/', true],
  [['auto/*'], 'auto', false],
  [['*'], 'any/thing', true],
  [['*/wip'], 'a/b/wip', true],
  [['*/wip'], 'wip', false],
  [['a*b*c'], 'aXbYc', true],
  [['a*b*c'], 'aXcYb', false],
  [['ab*ba'], 'aba', false],
  [['a*a*a'], 'aa', false],
  [['release-*.x'], 'release-1.x', true],
  [['release-*.x'], 'release-1-x', false],
  [[], 'main', false],
])('matchesBranch(%j, %j) is %j', (patterns, branch, expected) => {
  expect(matchesBranch(patterns, branch)).toBe(expected);
});

test('matchesBranch() stays linear on patterns full of stars', () => {
  const started = performance.now();
  expect(matchesBranch([`${'*a'.repeat(99)}b`], 'a'.repeat(100_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(1_000);
});
