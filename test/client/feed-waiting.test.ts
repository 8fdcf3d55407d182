// How long the feed waits, and how it finds out that nobody is there: with time in our hands.

import { afterEach, expect, test } from 'vitest';
import type { Service } from '../../src/client/ask.ts';
import { type Connection, followFeed } from '../../src/client/feed.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createFixture, type Fixture } from '../http/api-fixture.ts';
import { listen, publishNotices, until } from '../http/feed-client.ts';
import { openProxy } from './proxy.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function service(url: string, platform: Partial<Service['platform']>): Service {
  return {
    url,
    token: null,
    platform: { fetch, WebSocket: null, random: () => 1, timer: systemClock.timer, ...platform },
  };
}

test('each try comes later than the one before, up to half a minute, and not before the service wants it', async () => {
  const waited: number[] = [];
  const stop = new AbortController();
  let answers = 0;
  const refused = async () => {
    answers += 1;
    if (answers === 10) return new Response('', { status: 503, headers: { 'retry-after': '120' } });
    throw new TypeError('fetch failed');
  };
  const platform = {
    fetch: refused,
    timer(delayMs: number, fire: () => void) {
      // 45 s is the limit of silence of each connection, not a wait.
      if (delayMs !== 45_000) queueMicrotask(fire);
      return () => {};
    },
  };
  const onConnection = (connection: Connection) => {
    if (connection.kind === 'lost') waited.push(connection.retryInMs);
    if (waited.length === 10) stop.abort();
  };
  const feed = followFeed(service('http://localhost:1', platform), { onConnection, signal: stop.signal });
  expect(await feed.next()).toEqual({ done: true, value: undefined });
  expect(waited).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 120_000]);
});

async function openService(): Promise<{ api: Fixture; proxy: Awaited<ReturnType<typeof openProxy>> }> {
  const api = await createFixture();
  closing.push(() => api.close());
  const server = await listen(api);
  closing.push(() => server.close());
  const proxy = await openProxy(server.port);
  closing.push(() => proxy.close());
  return { api, proxy };
}

test('a connection over which nothing passes any more is given up, and the feed resumes', async () => {
  const { api, proxy } = await openService();
  let silence = () => {};
  const timer = (delayMs: number, fire: () => void) => {
    if (delayMs !== 45_000) return systemClock.timer(1, fire);
    silence = fire;
    return () => {};
  };
  // A peer that is gone answers nothing: the limit for an answer is cut short here.
  const asked: string[] = [];
  const impatient = (url: string, init: RequestInit) => {
    asked.push(new URL(url).pathname);
    if (!url.endsWith('/health') || !frozen) return fetch(url, init);
    return fetch(url, { ...init, signal: AbortSignal.timeout(50) });
  };
  let frozen = false;
  const connections: Connection[] = [];
  const feed = followFeed(service(proxy.url, { timer, fetch: impatient }), {
    types: ['notice'],
    onConnection: (connection) => connections.push(connection),
  });
  const first = feed.next();
  await until(() => connections.length === 1);
  const [seen] = await publishNotices(api, 1);
  expect((await first).value?.id).toBe(seen);

  // Silence alone is nothing: the service answers.
  const next = feed.next();
  silence();
  await until(() => asked.filter((path) => path === '/health').length === 1);
  frozen = true;
  proxy.freeze();
  const [missed] = await publishNotices(api, 1);
  silence();
  await until(() => connections.length > 1);
  expect(connections[1]).toMatchObject({ kind: 'lost', error: { code: 'no-answer' } });
  frozen = false;
  proxy.thaw();
  expect((await next).value?.id).toBe(missed);
  await feed.return();
});

test('a socket that neither opens nor fails is given up, and server-sent events take over', async () => {
  const { api, proxy } = await openService();
  const [first = 0] = await publishNotices(api, 1);
  class Stuck {
    addEventListener(): void {}
    close(): void {}
  }
  const connections: Connection[] = [];
  const timer = (delayMs: number, fire: () => void) =>
    delayMs === 45_000 ? () => {} : systemClock.timer(1, fire);
  const feed = followFeed(service(proxy.url, { WebSocket: Stuck, timer }), {
    since: first - 1,
    onConnection: (connection) => connections.push(connection),
  });
  expect((await feed.next()).value?.id).toBe(first);
  await feed.return();
  expect(connections).toMatchObject([
    { kind: 'lost', error: { code: 'no-websocket' } },
    { kind: 'open', transport: 'event-stream' },
  ]);
});
