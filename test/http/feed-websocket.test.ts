// The live feed over real WebSockets: order, replay, reset, filter, slow and dead readers, who may connect.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pruneEvents } from '../../src/store/events.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture, type FixtureOptions, TOKEN } from './api-fixture.ts';
import { idsOf, listen, publishNotices, until } from './feed-client.ts';

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;

async function begin(options: FixtureOptions = {}) {
  api = await createFixture(options);
  server = await listen(api);
}

async function end() {
  await api.closeFeeds();
  await server.close();
  await api.close();
}

describe('by default', () => {
  beforeEach(() => begin());
  afterEach(end);

  test('the first message is hello, then events arrive as they are published', async () => {
    const feed = await server.connect();
    const hello = await until(() => feed.messages.at(0));
    expect(hello).toEqual({
      id: api.bus.latestId(),
      at: expect.stringMatching(/Z$/),
      type: 'hello',
      projectId: null,
      jobId: null,
      data: { epoch: api.bus.epoch, latestId: api.bus.latestId(), version: '0.1.0', machineId: 'laptop' },
    });
    await api.addProject('blog');
    await api.bus.publish([{ type: 'notice', data: { text: 'see https://u:hunter22@host/x', runAt: 0 } }]);
    const notice = await until(() => feed.messages.find((message) => message.type === 'notice'));
    expect(notice.data).toEqual({ text: 'see https://host/x', runAt: '1970-01-01T00:00:00.000Z' });
    expect(feed.messages.map((message) => message.type)).toEqual(['hello', 'project.added', 'notice']);
    expect(feed.messages[1]).toMatchObject({ projectId: 'blog', data: { projectName: 'blog' } });
  });

  test('?since= replays without gap or duplicate while events go on', async () => {
    const first = await publishNotices(api, 1_200);
    let enough = false;
    const busy = (async () => {
      for (let round = 0; !enough && round < 500; round += 1) await publishNotices(api, 7);
    })();
    const since = first[99] ?? 0;
    const feeds = await Promise.all([1, 2, 3].map(() => server.connect(`?since=${since}`)));
    await until(() => feeds.every((feed) => idsOf(feed.messages).length > 1_300));
    enough = true;
    await busy;
    const latest = api.bus.latestId();
    for (const feed of feeds) {
      await until(() => feed.messages.at(-1)?.id === latest);
      const expected = Array.from({ length: latest - since }, (_, n) => since + 1 + n);
      expect(idsOf(feed.messages)).toEqual(expected);
      expect(feed.messages[0]).toMatchObject({ type: 'hello', id: since });
    }
  });

  test('a since that is no longer kept gets a reset with the full state, then goes live', async () => {
    await api.addProject('blog');
    await publishNotices(api, 20);
    await api.send('POST', '/api/sync/trigger/blog');
    await pruneEvents(api.db, { keep: 2 });
    const feed = await server.connect('?since=1');
    const reset = await until(() => feed.messages.find((message) => message.type === 'reset'));
    expect(reset.data).toMatchObject({
      epoch: api.bus.epoch,
      status: { serviceRunning: true, projects: { total: 1 } },
      projects: [{ projectId: 'blog', state: 'pending' }],
      queue: { queue: [{ projectId: 'blog' }], active: [], stats: { queueSize: 1 } },
    });
    const [id = 0] = await publishNotices(api, 1);
    await until(() => idsOf(feed.messages).includes(id));
    const ids = feed.messages.map((message) => message.id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(feed.messages.map((message) => message.type)).toEqual(['hello', 'reset', 'notice']);
  });

  test('another epoch, or a since of the future, gets a reset', async () => {
    await publishNotices(api, 3);
    for (const query of ['?since=1&epoch=another', '?since=999999']) {
      const feed = await server.connect(query);
      await until(() => feed.messages.length >= 2);
      const [id = 0] = await publishNotices(api, 1);
      await until(() => idsOf(feed.messages).includes(id));
      expect(feed.messages.map((message) => message.type)).toEqual(['hello', 'reset', 'notice']);
    }
    const same = await server.connect(`?since=1&epoch=${api.bus.epoch}`);
    await until(() => idsOf(same.messages).length === 4);
    expect(idsOf(same.messages, 'reset')).toEqual([]);
  });

  test('?types= lets only those pass, by name and by group', async () => {
    const feed = await server.connect('?since=0&types=project.*,service.config');
    await publishNotices(api, 2);
    await api.bus.publish([{ type: 'service.started' }, { type: 'service.config' }]);
    await api.addProject('blog');
    api.bus.notify();
    await until(() => idsOf(feed.messages, 'project.added').length === 1);
    expect(feed.messages.map((message) => message.type)).toEqual([
      'hello',
      'service.config',
      'project.added',
    ]);
  });

  test.each(['?since=x', '?since=-1', '?types=jobs.*', '?types=', '?types=job.running,nope', '?types=job*'])(
    'the upgrade with %s is refused with 400',
    async (query) => {
      expect(await server.refused(query)).toBe(400);
      expect(api.bus.listeners()).toBe(0);
    },
  );

  test('a reader that does not read is closed with 1013 while the others get everything', async () => {
    const slow = await server.connect();
    const fast = await server.connect();
    const start = api.bus.latestId();
    await until(() => api.bus.listeners() === 2);
    slow.socket.pause();
    const padding = 'x'.repeat(1_500);
    for (let round = 0; round < 100 && api.bus.listeners() === 2; round += 1) {
      const ids = await publishNotices(api, 500, padding);
      await until(() => fast.messages.at(-1)?.id === ids.at(-1));
    }
    expect(api.bus.listeners()).toBe(1);
    const latest = api.bus.latestId();
    await until(() => fast.messages.at(-1)?.id === latest);
    expect(idsOf(fast.messages)).toEqual(Array.from({ length: latest - start }, (_, n) => start + 1 + n));
    expect(fast.closed).toBeNull();
    slow.socket.resume();
    expect(await until(() => slow.closed)).toEqual({ code: 1013, reason: 'too slow' });
    expect(idsOf(slow.messages).length).toBeLessThan(latest - start);
  });

  test('a reader that leaves is forgotten', async () => {
    const feed = await server.connect();
    await until(() => api.bus.listeners() === 1);
    feed.socket.terminate();
    await until(() => api.bus.listeners() === 0);
  });

  test('what a reader sends is ignored', async () => {
    const feed = await server.connect();
    feed.socket.send('{"type":"service.stopped"}');
    feed.socket.send(Buffer.from([0, 1, 2]));
    const [id = 0] = await publishNotices(api, 1);
    await until(() => idsOf(feed.messages).includes(id));
    expect(feed.messages.map((message) => message.type)).toEqual(['hello', 'notice']);
  });

  test('a foreign page cannot open it, by origin or by a rebound name', async () => {
    expect(await server.refused('', { origin: 'http://evil.example' })).toBe(403);
    expect(await server.refused('', { host: 'evil.example' })).toBe(403);
    const own = await server.connect('', { headers: { origin: `http://127.0.0.1:${server.port}` } });
    await until(() => own.messages.length === 1);
  });

  test('closeFeeds() closes every feed with 1001 and admits no more', async () => {
    const feeds = await Promise.all([server.connect(), server.connect('?since=0')]);
    await until(() => api.bus.listeners() === 2);
    await api.closeFeeds();
    for (const feed of feeds)
      expect(await until(() => feed.closed)).toEqual({ code: 1001, reason: 'going away' });
    expect(api.bus.listeners()).toBe(0);
    expect(await server.refused('')).toBe(409);
  });
});

describe('with a token', () => {
  beforeEach(() => begin({ access: { apiToken: TOKEN } }));
  afterEach(end);

  test('a token or an unused ticket opens it', async () => {
    expect(await server.refused('')).toBe(401);
    expect(await server.refused('', { authorization: 'Bearer wrong-wrong-wrong' })).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const byToken = await server.connect('', { headers });
    await until(() => byToken.messages.length === 1);
    const { body } = await api.send('POST', '/api/sync/tickets', undefined, headers);
    const byTicket = await server.connect(`?ticket=${body.ticket}`);
    await until(() => byTicket.messages.length === 1);
    expect(await server.refused(`?ticket=${body.ticket}`)).toBe(401);
  });
});

// Deno pings by itself, with timers of its own.
describe.skipIf('Deno' in globalThis)('pings', () => {
  const clock = createManualClock();
  beforeEach(() => begin({ clock }));
  afterEach(end);

  test('a peer that answers no ping is dropped within 60 s, one that answers stays', async () => {
    const dead = await server.connect('', { autoPong: false });
    const alive = await server.connect();
    let pings = 0;
    alive.socket.on('ping', () => {
      pings += 1;
    });
    await until(() => api.bus.listeners() === 2);
    await clock.advance(30_000);
    await until(() => pings === 1);
    expect(dead.closed).toBeNull();
    // A round trip through the same server: the pong was sent before.
    await fetch(`${server.url}/health`);
    await clock.advance(30_000);
    await until(() => pings === 2);
    expect((await until(() => dead.closed)).code).toBe(1006);
    expect(alive.closed).toBeNull();
    await until(() => api.bus.listeners() === 1);
  });

  test('closeFeeds() gives a peer up that does not answer', async () => {
    const feed = await server.connect();
    await until(() => api.bus.listeners() === 1);
    feed.socket.pause();
    const closing = api.closeFeeds();
    await clock.advance(2_000);
    await closing;
    await until(() => api.bus.listeners() === 0);
    feed.socket.resume();
    await until(() => feed.closed);
  });
});
