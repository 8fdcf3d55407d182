import { expect, test } from 'vitest';
import { readRateLimit } from '../../src/github/rate-limits.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const IN_90_S = String(NOW / 1000 + 90);

const CASES: [what: string, headers: Record<string, string>, expected: object][] = [
  ['nothing', {}, {}],
  ['Retry-After in seconds', { 'retry-after': '7' }, { retryAfterMs: 7000 }],
  [
    'Retry-After as a date',
    { 'retry-after': new Date(NOW + 30_000).toUTCString() },
    { retryAfterMs: 30_000 },
  ],
  ['Retry-After in the past', { 'retry-after': new Date(NOW - 30_000).toUTCString() }, { retryAfterMs: 0 }],
  ['Retry-After without end', { 'retry-after': '99999999999' }, { retryAfterMs: 86_400_000 }],
  ['Retry-After that is no time', { 'retry-after': 'soon' }, {}],
  [
    'a used-up quota',
    {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-limit': '5000',
      'x-ratelimit-reset': IN_90_S,
      'x-ratelimit-resource': 'core',
    },
    { retryAfterMs: 90_000, remaining: 0, limit: 5000, resetAt: NOW + 90_000, resource: 'core' },
  ],
  [
    'a quota with room',
    { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': IN_90_S },
    { remaining: 12, resetAt: NOW + 90_000 },
  ],
  [
    'both, of which Retry-After counts',
    { 'retry-after': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': IN_90_S },
    { retryAfterMs: 5000, remaining: 0, resetAt: NOW + 90_000 },
  ],
  [
    'a reset in the past',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' },
    { retryAfterMs: 0, remaining: 0, resetAt: 1000 },
  ],
  [
    'nonsense',
    { 'x-ratelimit-remaining': '-3', 'x-ratelimit-limit': 'many', 'x-ratelimit-reset': '1e9' },
    {},
  ],
];

test.each(CASES)('readRateLimit() reads %s', (_what, headers, expected) => {
  expect(readRateLimit(new Headers(headers), NOW)).toEqual(expected);
});
