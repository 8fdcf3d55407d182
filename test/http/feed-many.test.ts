// A thousand listeners at once, and a service that is started again between two events.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFixture, type Fixture } from './api-fixture.ts';
import { idsOf, listen, publishNotices, until } from './feed-client.ts';

const LISTENERS = 1_000;
const AT_ONCE = 50;
const ROUNDS = 10;
const EVENTS_A_ROUND = 5;

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;
beforeEach(async () => {
  api = await createFixture();
  server = await listen(api);
});
afterEach(async () => {
  await api.closeFeeds();
  await server.close();
  await api.close();
});

test('1,000 listeners get every event in order, while some do not read and some come and go', async () => {
  const start = api.bus.latestId();
  const feeds: Awaited<ReturnType<typeof server.connect>>[] = [];
  while (feeds.length < LISTENERS) {
    const query = feeds.length % 2 === 0 ? `?since=${start}` : `?since=${start}&types=notice`;
    feeds.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => server.connect(query)))));
  }
  await until(() => api.bus.listeners() === LISTENERS);
  const asleep = feeds.slice(0, 10);
  for (const feed of asleep) feed.socket.pause();
  const leaving = feeds.slice(10, 20);
  for (let round = 0; round < ROUNDS; round += 1) {
    await publishNotices(api, EVENTS_A_ROUND);
    leaving.pop()?.socket.terminate();
  }
  const latest = api.bus.latestId();
  const expected = Array.from({ length: latest - start }, (_, n) => start + 1 + n);
  expect(expected).toHaveLength(ROUNDS * EVENTS_A_ROUND);
  const staying = feeds.slice(20);
  for (const feed of staying) {
    await until(() => feed.messages.at(-1)?.id === latest);
    expect(idsOf(feed.messages)).toEqual(expected);
  }
  // Whoever slept gets it all when they wake: so little does not drop them.
  for (const feed of asleep) feed.socket.resume();
  for (const feed of asleep) {
    await until(() => feed.messages.at(-1)?.id === latest);
    expect(idsOf(feed.messages)).toEqual(expected);
  }
  await until(() => api.bus.listeners() === LISTENERS - ROUNDS);
}, 120_000);
