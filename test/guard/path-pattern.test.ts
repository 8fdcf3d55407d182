import { expect, test } from 'vitest';
import { matchesPathPattern } from '../../src/guard/path-pattern.ts';

const CASES: [pattern: string, path: string, expected: boolean][] = [
  ['.env', '.env', true],
  ['.env', 'app/.env', false],
  ['app/.env', 'app/.env', true],
  ['*.pem', 'a.pem', true],
  ['*.pem', 'certs/a.pem', false],
  ['**/*.pem', 'certs/deep/a.pem', true],
  ['**/*.pem', 'a.pem', true],
  ['certs/**', 'certs/deep/a.pem', true],
  ['certs/**', 'certs2/a.pem', false],
  ['certs/**/a.pem', 'certs/a.pem', true],
  ['/certs/?.pem', 'certs/a.pem', true],
  ['certs/?.pem', 'certs/ab.pem', false],
  ['a*b*c', 'aXbXbXc', true],
  ['a*b*c', 'aXbXbX', false],
  ['pages/[id].tsx', 'pages/[id].tsx', true],
  ['pages/[id].tsx', 'pages/i.tsx', false],
  ['pages/[*].tsx', 'pages/[id].tsx', true],
  ['A.pem', 'a.pem', false],
  ['*', '', true],
];

test.each(CASES)('matchesPathPattern() answers for %s and %s: %s', (pattern, path, expected) => {
  expect(matchesPathPattern(pattern, path)).toBe(expected);
});

test('matchesPathPattern() does not run away on a pattern made to be slow', () => {
  const pattern = `${'*a'.repeat(300)}b`;
  const started = performance.now();
  expect(matchesPathPattern(pattern, 'a'.repeat(3000))).toBe(false);
  expect(matchesPathPattern(`${'**/'.repeat(300)}b`, 'a/'.repeat(1500))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});
