// The live feed without WebSockets: server-sent events and the JSON long poll.

import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/host/log.ts';
import { createOpenFeeds } from '../../src/http/open-feeds.ts';
import { pruneEvents } from '../../src/store/events.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture } from './api-fixture.ts';
import { idsOf, listen, publishNotices, readEvents, until } from './feed-client.ts';

let api: Fixture;
let clock: ManualClock;
let server: Awaited<ReturnType<typeof listen>>;

beforeEach(async () => {
  clock = createManualClock();
  api = await createFixture({ clock });
  server = await listen(api);
});
afterEach(async () => {
  await api.closeFeeds();
  await server.close();
  await api.close();
});

const FEED = '/api/sync/events';

describe('server-sent events', () => {
  const accept = 'text/event-stream';
  const open = async (query = '', headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}${FEED}${query}`, { headers: { accept, ...headers } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    return readEvents(response);
  };

  test('carry hello and then the same messages as WebSockets, with ids', async () => {
    const feed = await open();
    await until(() => feed.messages.length === 1);
    const socket = await server.connect();
    await until(() => socket.messages.length === 1);
    const ids = await publishNotices(api, 3);
    await until(() => feed.messages.length === 4);
    await until(() => socket.messages.length === 4);
    expect(feed.messages.slice(1)).toEqual(socket.messages.slice(1));
    expect(feed.messages[0]).toMatchObject({ type: 'hello', data: { epoch: api.bus.epoch } });
    expect(feed.blocks[1]).toMatch(new RegExp(`^id: ${ids[0]}\ndata: \\{.*\\}$`));
    await feed.cancel();
    await until(() => api.bus.listeners() === 1);
  });

  test.each([
    ['text/event-stream;q=0.9, */*;q=0.1', 'text/event-stream'],
    ['application/json, text/event-streams', 'application/json'],
    ['text/event-stream;q=0, application/json', 'application/json'],
    ['*/*', 'application/json'],
  ])('are what Accept: %s asks for, or the page is: %s', async (wanted, type) => {
    await publishNotices(api, 1);
    const response = await fetch(`${server.url}${FEED}?since=0&timeoutMs=0`, { headers: { accept: wanted } });
    expect(response.headers.get('content-type')).toContain(type);
    await response.body?.cancel();
  });

  test('go on after Last-Event-ID, which wins over an older since', async () => {
    const ids = await publishNotices(api, 10);
    const feed = await open(`?since=${ids[0]}`, { 'last-event-id': String(ids[6]) });
    await until(() => idsOf(feed.messages).length === 3);
    expect(idsOf(feed.messages)).toEqual(ids.slice(7));
    await feed.cancel();
  });

  test('refuse a Last-Event-ID that is none', async () => {
    const answer = await api.get(FEED, { accept, 'last-event-id': 'abc' });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe('since');
  });

  test('reset and filter as WebSockets do', async () => {
    await publishNotices(api, 10);
    await pruneEvents(api.db, { keep: 1 });
    const feed = await open('?since=1&types=project.added');
    await until(() => idsOf(feed.messages, 'reset').length === 1);
    await publishNotices(api, 1);
    await api.addProject('blog');
    api.bus.notify();
    await until(() => idsOf(feed.messages, 'project.added').length === 1);
    expect(feed.messages.map((message) => message.type)).toEqual(['hello', 'reset', 'project.added']);
    await feed.cancel();
  });

  test('are pinged every 30 s with a comment', async () => {
    const feed = await open();
    await until(() => feed.messages.length === 1);
    await clock.advance(30_000);
    await until(() => feed.blocks.includes(': ping'));
    await feed.cancel();
  });

  test('end when the feeds are closed', async () => {
    const feed = await open();
    await until(() => feed.messages.length === 1);
    await api.closeFeeds();
    await feed.finished;
    expect(feed.ended).toBe(true);
    expect(api.bus.listeners()).toBe(0);
  });

  test('of a reader that does not read are broken off; others get everything', async () => {
    const slow = await api.app.request(FEED, { headers: { accept } });
    const fast = await open();
    await until(() => api.bus.listeners() === 2);
    const start = api.bus.latestId();
    const padding = 'x'.repeat(1_500);
    for (let round = 0; round < 60 && api.bus.listeners() === 2; round += 1) {
      const ids = await publishNotices(api, 500, padding);
      await until(() => fast.messages.at(-1)?.id === ids.at(-1));
    }
    expect(api.bus.listeners()).toBe(1);
    expect(idsOf(fast.messages)).toHaveLength(api.bus.latestId() - start);
    await fast.cancel();
    const read = readEvents(slow);
    await read.finished;
    expect(read.failed).toBe(true);
  });

  test('of a reader that stays full from one ping to the next are broken off', async () => {
    const slow = await api.app.request(FEED, { headers: { accept } });
    await until(() => api.bus.listeners() === 1);
    await publishNotices(api, 500, 'x'.repeat(4_000));
    await clock.advance(30_000);
    expect(api.bus.listeners()).toBe(1);
    await clock.advance(30_000);
    expect(api.bus.listeners()).toBe(0);
    const read = readEvents(slow);
    await read.finished;
    expect(read.failed).toBe(true);
  });

  test('of a caller that vanishes are forgotten', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET ${FEED} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: ${accept}\r\n\r\n`);
    await until(() => api.bus.listeners() === 1);
    socket.destroy();
    await until(() => api.bus.listeners() === 0);
  });
});

describe('the long poll', () => {
  const poll = async (query = '') => {
    const answer = await api.get(`${FEED}${query}`);
    expect(answer.status).toBe(200);
    return answer.body;
  };

  test('without since answers at once with the position', async () => {
    await publishNotices(api, 3);
    const page = { success: true, epoch: api.bus.epoch, events: [], nextSince: api.bus.latestId() };
    expect(await poll()).toEqual(page);
  });

  test('answers what is stored at once, in pages, also without waiting', async () => {
    const ids = await publishNotices(api, 7);
    const since = (ids[0] ?? 0) - 1;
    const first = await poll(`?since=${since}&limit=5&timeoutMs=0`);
    expect(idsOf(first.events)).toEqual(ids.slice(0, 5));
    expect(first.nextSince).toBe(ids[4]);
    const second = await poll(`?since=${first.nextSince}&limit=5`);
    expect(idsOf(second.events)).toEqual(ids.slice(5));
  });

  test('waits for the first event', async () => {
    const pending = poll(`?since=${api.bus.latestId()}`);
    await until(() => api.bus.listeners() === 1);
    const [id] = await publishNotices(api, 1);
    expect(idsOf((await pending).events)).toEqual([id]);
    expect(api.bus.listeners()).toBe(0);
  });

  test('answers nothing after timeoutMs, with the position to go on from', async () => {
    const since = api.bus.latestId();
    const pending = poll(`?since=${since}&timeoutMs=5000`);
    await until(() => api.bus.listeners() === 1);
    await clock.advance(4_999);
    expect(api.bus.listeners()).toBe(1);
    await clock.advance(1);
    expect(await pending).toMatchObject({ events: [], nextSince: since });
    expect(api.bus.listeners()).toBe(0);
  });

  test('moves on past what the filter takes away', async () => {
    const ids = await publishNotices(api, 600);
    const since = (ids[0] ?? 0) - 1;
    const pending = poll(`?since=${since}&types=job.*&timeoutMs=0`);
    await until(() => api.bus.listeners() === 1);
    await clock.advance(0);
    expect(await pending).toMatchObject({ events: [], nextSince: ids.at(-1) });
    await api.addProject('blog');
    api.bus.notify();
    const page = await poll(`?since=${since}&types=project.*`);
    expect(page.events).toMatchObject([{ type: 'project.added', projectId: 'blog' }]);
  });

  test('resets when since is not kept, from the future or of another epoch', async () => {
    await publishNotices(api, 10);
    await pruneEvents(api.db, { keep: 2 });
    for (const query of ['?since=1', '?since=99999&timeoutMs=0', '?since=9&epoch=other']) {
      const page = await poll(query);
      expect(page.events).toHaveLength(1);
      expect(page.events[0]).toMatchObject({
        type: 'reset',
        data: { status: { serviceRunning: true }, projects: [] },
      });
      expect(page.nextSince).toBe(api.bus.latestId());
    }
  });

  test('answers when the feeds are closed, and is refused afterwards', async () => {
    const since = api.bus.latestId();
    const pending = poll(`?since=${since}`);
    await until(() => api.bus.listeners() === 1);
    await api.closeFeeds();
    expect(await pending).toMatchObject({ events: [], nextSince: since });
    expect((await api.get(`${FEED}?since=${since}`)).status).toBe(409);
  });

  test('of a caller that vanishes is forgotten', async () => {
    const gone = new AbortController();
    const pending = fetch(`${server.url}${FEED}?since=${api.bus.latestId()}`, { signal: gone.signal });
    await until(() => api.bus.listeners() === 1);
    gone.abort();
    await expect(pending).rejects.toThrow();
    await until(() => api.bus.listeners() === 0);
  });

  test.each(['since=1.5', 'limit=0', 'limit=501', 'timeoutMs=60001', 'timeoutMs=x', 'types=*,x'])(
    'with %s is answered 400',
    async (query) => {
      const answer = await api.get(`${FEED}?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toHaveLength(1);
    },
  );
});

test('half a WebSocket handshake is answered 400', async () => {
  const answer = await api.get(FEED, { upgrade: 'websocket' });
  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('invalid-request');
  expect(answer.headers.get('x-frame-options')).toBe('DENY');
  expect(api.bus.listeners()).toBe(0);
});

test('createOpenFeeds() admits a bounded number of listeners', () => {
  const validTokenIds = async () => new Set<string>();
  const feeds = createOpenFeeds({ clock: createManualClock(), log: silentLog, validTokenIds });
  const forget = Array.from({ length: 5_000 }, () => feeds.add(async () => {}, null));
  expect(() => feeds.checkRoom()).toThrow(expect.objectContaining({ code: 'too-many-listeners' }));
  forget[0]?.();
  expect(() => feeds.checkRoom()).not.toThrow();
});
