// How long a comparison takes must not tell how much of a token was right: every comparison of a secret is the one of the
// runtime that takes the same time whatever it compares, and gets values of one length.

import { timingSafeEqual } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createFixture, type Fixture, TOKEN } from './api-fixture.ts';

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});
const compare = vi.mocked(timingSafeEqual);

let api: Fixture;
beforeAll(async () => {
  api = await createFixture({ access: { apiToken: TOKEN, runToken: 'the-token-of-this-run' } });
});
beforeEach(() => {
  compare.mockClear();
});
afterAll(() => api.close());

const lengths = () => compare.mock.calls.map(([a, b]) => [a.byteLength, b.byteLength]);

test.each([
  ['nothing in common', 'x'],
  ['one letter less', TOKEN.slice(0, -1)],
  ['one letter more', `${TOKEN}x`],
  ['another last letter', `${TOKEN.slice(0, -1)}#`],
  ['ten thousand letters', 'x'.repeat(10_000)],
])('a token with %s is compared as a digest with each that is known here', async (_what, token) => {
  const answer = await api.get('/api/sync/status', { authorization: `Bearer ${token}` });
  expect(answer.status).toBe(401);
  expect(lengths()).toEqual([
    [32, 32],
    [32, 32],
  ]);
});

test('the right one is compared in the same way', async () => {
  expect((await api.get('/api/sync/status', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  expect(lengths()).toEqual([[32, 32]]);
});
