// The client's feed against the real API, by each transport, over connections that break.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Connection, createClient, type FeedEvent } from '../../src/client/index.ts';
import type { SocketClass } from '../../src/client/platform.ts';
import { createFixture, type Fixture, TOKEN } from '../http/api-fixture.ts';
import { listen, publishNotices, until } from '../http/feed-client.ts';
import { type BreakableProxy, openProxy } from './proxy.ts';

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;
let proxy: BreakableProxy;

beforeEach(async () => {
  api = await createFixture();
  server = await listen(api);
  proxy = await openProxy(server.port);
});
afterEach(async () => {
  await proxy.close();
  await server.close();
  await api.close();
});

const own = (globalThis as { WebSocket?: SocketClass }).WebSocket;
const transports: { name: string; kind: string; WebSocket: SocketClass | null }[] = [
  { name: 'WebSocket of ws', kind: 'websocket', WebSocket },
  { name: 'server-sent events', kind: 'event-stream', WebSocket: null },
  ...(own ? [{ name: 'WebSocket of the runtime', kind: 'websocket', WebSocket: own }] : []),
];

/** Takes events of a feed until there are so many, then ends it. */
async function take(events: AsyncGenerator<FeedEvent, void>, count: number): Promise<FeedEvent[]> {
  const taken: FeedEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

function watch() {
  const connections: Connection[] = [];
  const onConnection = (connection: Connection) => connections.push(connection);
  const isOpen = (times = 1) =>
    until(() => connections.filter(({ kind }) => kind === 'open').length >= times);
  return { connections, onConnection, isOpen };
}

describe.each(transports)('events() by $name', ({ kind, WebSocket }) => {
  test('misses nothing and gives nothing twice, however often the connection breaks', async () => {
    const client = createClient({ url: proxy.url, WebSocket });
    const { connections, onConnection, isOpen } = watch();
    const taken = take(client.events({ types: ['notice'], onConnection }), 90);
    await isOpen();
    const published: number[] = [];
    for (let round = 1; round <= 3; round += 1) {
      published.push(...(await publishNotices(api, 30)));
      proxy.cut();
      await isOpen(round + 1);
    }
    expect((await taken).map(({ id }) => id)).toEqual(published);
    expect(connections.map((connection) => connection.kind)).toContain('lost');
    expect(connections[0]).toEqual({
      ...{ kind: 'open', transport: kind, version: '0.1.0', machineId: 'laptop' },
      epoch: api.bus.epoch,
    });
  });

  test('replays from an id, and gives a reset first when that id is of another database', async () => {
    const ids = await publishNotices(api, 3);
    const client = createClient({ url: proxy.url, WebSocket });
    const replayed = await take(client.events({ since: ids[0] as number }), 2);
    expect(replayed.map(({ id }) => id)).toEqual(ids.slice(1));
    const feed = client.events({ since: ids[0] as number, epoch: 'another' });
    const [reset] = await take(feed, 1);
    expect(reset).toMatchObject({ type: 'reset', data: { epoch: api.bus.epoch, projects: [] } });
  });

  test('is let in by the token, and ends with the refusal without it', async () => {
    api.access.apiToken = TOKEN;
    const ids = await publishNotices(api, 2);
    const client = createClient({ url: proxy.url, WebSocket, token: TOKEN });
    expect(await take(client.events({ since: (ids[0] as number) - 1 }), 2)).toHaveLength(2);
    const refused = take(createClient({ url: proxy.url, WebSocket }).events(), 1);
    await expect(refused).rejects.toMatchObject({ status: 401, code: 'unauthorized' });
  });

  test('ends with the refusal when an unknown type is asked for', async () => {
    const asked = take(createClient({ url: proxy.url, WebSocket }).events({ types: ['jobs.*'] }), 1);
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'invalid-request' });
  });

  test('ends without an error when the caller wants no more, and leaves no connection behind', async () => {
    const client = createClient({ url: proxy.url, WebSocket });
    const stop = new AbortController();
    const { onConnection, isOpen } = watch();
    const ended = take(client.events({ signal: stop.signal, onConnection }), 1);
    await isOpen();
    stop.abort();
    expect(await ended).toEqual([]);
    const [id = 0] = await publishNotices(api, 1);
    expect(await take(client.events({ since: id - 1 }), 1)).toHaveLength(1);
    expect(await take(client.events({ signal: AbortSignal.abort() }), 1)).toEqual([]);
    await until(() => proxy.connections() === 0);
  });

  test('waits for a service that is not there yet', async () => {
    await server.close();
    const { connections, onConnection, isOpen } = watch();
    const taken = take(createClient({ url: proxy.url, WebSocket }).events({ onConnection }), 1);
    await until(() => connections.length > 0);
    expect(connections[0]).toMatchObject({ kind: 'lost', error: { code: 'no-answer', status: 0 } });
    const again = await api.host.listen(api.app, { hostname: '127.0.0.1', port: server.port });
    await isOpen();
    const ids = await publishNotices(api, 1);
    expect((await taken).map(({ id }) => id)).toEqual(ids);
    await again.close(1_000);
  });
});

test('a reader that is slower than its socket misses nothing', async () => {
  const client = createClient({ url: proxy.url, WebSocket });
  const { connections, onConnection, isOpen } = watch();
  const feed = client.events({ types: ['notice'], since: 0, onConnection });
  const [first = 0] = await publishNotices(api, 1);
  expect((await feed.next()).value?.id).toBe(first);
  await isOpen();
  const ids: number[] = [];
  for (let part = 0; part < 25; part += 1) ids.push(...(await publishNotices(api, 500)));
  await until(() => proxy.connections() === 0);
  const taken: number[] = [];
  for await (const { id } of feed) {
    taken.push(id);
    if (taken.length === ids.length) break;
  }
  expect(taken).toEqual(ids);
  expect(connections.map(({ kind }) => kind)).toEqual(['open', 'lost', 'open']);
});

test('where upgrades do not pass, server-sent events take over', async () => {
  class Blocked extends WebSocket {
    constructor(url: string) {
      super(url.replace('/api/sync/events', '/nowhere'));
    }
  }
  const { connections, onConnection, isOpen } = watch();
  const taken = take(createClient({ url: proxy.url, WebSocket: Blocked }).events({ onConnection }), 1);
  await isOpen();
  const ids = await publishNotices(api, 1);
  expect((await taken).map(({ id }) => id)).toEqual(ids);
  expect(connections).toMatchObject([
    { kind: 'lost', error: { code: 'no-websocket' } },
    { kind: 'open', transport: 'event-stream' },
  ]);
});
