// What the hook shows, against the real API: read once, then only when the feed says so.

import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { useSyncService } from '../../src/react/index.ts';
import { syncStoreOf } from '../../src/react/sync-state.ts';
import { type BreakableProxy, openProxy } from '../client/proxy.ts';
import { createFixture, type Fixture, TOKEN } from '../http/api-fixture.ts';
import { listen, until } from '../http/feed-client.ts';

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;
let proxy: BreakableProxy;
const leaving: (() => void)[] = [];

beforeEach(async () => {
  api = await createFixture();
  server = await listen(api);
  proxy = await openProxy(server.port);
});
afterEach(async () => {
  for (const leave of leaving.splice(0)) leave();
  await proxy.close();
  await server.close();
  await api.close();
});

function open() {
  const asked: string[] = [];
  const client = createClient({
    url: proxy.url,
    fetch(url, init) {
      asked.push(new URL(url).pathname);
      return fetch(url, init);
    },
  });
  const store = syncStoreOf(client);
  let told = 0;
  const leave = store.subscribe(() => {
    told += 1;
  });
  leaving.push(leave);
  const names = () => store.get().projects.map(({ projectId }) => projectId);
  return { client, store, asked, leave, names, told: () => told };
}

test('everything is read once, and then what an event concerns', async () => {
  await api.addProject('blog');
  const { client, store, asked, names, told } = open();
  expect(store.get()).toEqual({ status: null, projects: [], connection: 'connecting', error: null });
  await until(() => store.get().connection === 'live');
  expect(names()).toEqual(['blog']);
  expect(store.get().status).toMatchObject({ serviceRunning: true, projects: { total: 1 } });
  expect(syncStoreOf(client)).toBe(store);

  const project = await api.addProject('art');
  await api.bus.publish([{ type: 'project.added', projectId: project.projectId, data: {} }]);
  await until(() => names().length === 2);
  expect(names()).toEqual(['art', 'blog']);
  await api.service.removeProject(project.projectId);
  await api.bus.publish([{ type: 'project.removed', projectId: project.projectId, data: {} }]);
  await until(() => names().length === 1);
  expect(store.get().status?.projects.total).toBe(1);

  expect(asked.filter((path) => path === '/api/sync/projects')).toHaveLength(1);
  const before = { asked: asked.length, told: told() };
  // Long enough for a poll of the historic hook's kind to show itself would be 5 s: there is no timer at all.
  await api.bus.publish([{ type: 'notice', data: {} }]);
  await until(() => asked.length > before.asked);
  expect(asked.slice(before.asked)).toEqual(['/api/sync/status']);
});

test('many changes at once cost one reading', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => (await api.addProject(`p${n}`)).projectId),
  );
  const { store, asked, names } = open();
  await until(() => store.get().connection === 'live');
  const before = asked.length;
  for (const projectId of ids) await api.service.pauseProject(projectId, null);
  await api.bus.publish(ids.map((projectId) => ({ type: 'project.state' as const, projectId, data: {} })));
  await until(() => store.get().projects.every(({ state }) => state === 'paused'));
  expect(names()).toHaveLength(20);
  expect(asked.slice(before).length).toBeLessThanOrEqual(6);
});

test('a lost service is said, what was known stays, and all is read anew when it is back', async () => {
  await api.addProject('blog');
  const { store, names } = open();
  await until(() => store.get().connection === 'live');
  proxy.freeze();
  proxy.cut();
  await until(() => store.get().connection === 'lost');
  expect(store.get().error).toMatchObject({ code: 'no-answer' });
  expect(names()).toEqual(['blog']);
  await api.addProject('art');
  proxy.thaw();
  await until(() => names().length === 2);
  expect(store.get()).toMatchObject({ connection: 'live', error: null });
});

test('a refusal is an error that stays', async () => {
  api.access.apiToken = TOKEN;
  const { store } = open();
  await until(() => store.get().error !== null);
  expect(store.get()).toMatchObject({ connection: 'lost', error: { status: 401, code: 'unauthorized' } });
});

test('the feed is closed when nobody listens any more, and opened again when somebody does', async () => {
  const { store, leave } = open();
  const second = store.subscribe(() => {});
  await until(() => store.get().connection === 'live');
  leave();
  await api.bus.publish([{ type: 'notice', data: {} }]);
  expect(store.get().connection).toBe('live');
  second();
  await until(() => api.bus.listeners() === 0);
  leaving.push(store.subscribe(() => {}));
  expect(store.get().connection).toBe('connecting');
  await until(() => store.get().connection === 'live');
});

test('on a server the hook renders what is known before the first answer, and asks nobody', () => {
  function Shown() {
    const { status, projects, connection, triggerSync } = useSyncService();
    return createElement('p', null, `${status} ${projects.length} ${connection} ${typeof triggerSync}`);
  }
  expect(renderToString(createElement(Shown))).toBe('<p>null 0 connecting function</p>');
});
