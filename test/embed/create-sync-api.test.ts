// The service inside another program, as the first examples of it were written: every call of theirs, in order.

import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createClient } from '../../src/client/index.ts';
import { loadHost } from '../../src/host/load.ts';
import { createSyncAPI, type FeedEvent, type SyncApi } from '../../src/index.ts';
import { until } from '../http/feed-client.ts';
import { beginJourney, type Journey, type JourneyProject, untilRemoteHas } from '../support/journey.ts';

const FRONT_END = 'http://localhost:3000';

let journey: Journey;
let project: JourneyProject;
let api: SyncApi;
const events: FeedEvent[] = [];

const KEY_VARIABLE = 'GITFERRY_TEST_APP';

beforeAll(async () => {
  process.env[KEY_VARIABLE] = 'the-key-of-our-app';
  journey = await beginJourney();
  project = await journey.addProject('blog');
  api = await createSyncAPI({
    port: 0,
    roots: [journey.folder],
    noticeCommand: ['sh', '-c', 'env > "$0"', `${journey.folder}/seen.env`],
    githubApps: { 'git.example.org': { appId: 1, installationId: 2, privateKeyVariable: KEY_VARIABLE } },
    schedulerOptions: { dbPath: `${journey.dataDir}/queue.db`, scanInterval: 300_000, maxConcurrentSyncs: 3 },
  });
  api.on((event) => events.push(event));
});
afterAll(async () => {
  delete process.env[KEY_VARIABLE];
  await api?.stop();
  await journey.end();
});

const ask = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${api.url}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  return { status: response.status, data: await response.json() };
};
const heard = (type: string) => until(() => events.find((event) => event.type === type));

test('the examples: start, status, trigger, queue, history, projects, stop', async () => {
  expect((await ask('GET', '/api/sync/status')).data.status.serviceRunning).toBe(false);
  expect((await ask('POST', '/api/sync/start')).data).toMatchObject({ success: true, status: {} });
  const { data } = await ask('GET', '/api/sync/status');
  expect(data.status).toMatchObject({ serviceRunning: true, scheduler: { running: true } });
  expect(data.status.scheduler.stats.queueSize).toBeTypeOf('number');
  await heard('run.finished');

  const all = await ask('POST', '/api/sync/trigger', { immediate: true });
  expect(all).toMatchObject({ status: 202, data: { scanned: 1 } });
  const one = await ask('POST', '/api/sync/trigger/blog', { immediate: true, priority: 10 });
  expect(one).toMatchObject({ status: 202, data: { job: { projectId: 'blog', priority: 10 } } });

  const queue = await ask('GET', '/api/sync/queue');
  expect(queue.data.stats.activeSyncs).toBeTypeOf('number');
  await untilRemoteHas(journey, project, 'README.md', '# hello\n');
  const history = await ask('GET', '/api/sync/history?limit=10');
  expect(history.data.history[0]).toMatchObject({ projectId: 'blog' });
  const failures = history.data.history.filter(({ status }: { status: string }) => status === 'failed');
  expect(failures).toEqual([]);
  expect((await ask('GET', '/api/sync/history/blog')).data.history.length).toBeGreaterThan(0);
  const projects = await ask('GET', '/api/sync/projects');
  expect(projects.data.projects).toEqual([
    expect.objectContaining({ projectId: 'blog', projectName: 'blog', hasPendingChanges: false }),
  ]);
  expect(projects.data.projects[0].github.enabled).toBe(true);

  expect((await ask('PUT', '/api/sync/config', { schedulerOptions: { maxRetries: 2 } })).status).toBe(200);
  expect((await ask('GET', '/api/sync/config')).data.config.schedulerOptions.maxRetries).toBe(2);
  expect((await ask('DELETE', '/api/sync/history')).data).toMatchObject({ success: true, deleted: 0 });
  expect((await ask('GET', '/health')).data.status).toBe('ok');

  expect((await ask('POST', '/api/sync/stop')).data.success).toBe(true);
  expect((await ask('GET', '/api/sync/status')).data.status.serviceRunning).toBe(false);
  await api.start();
  expect((await ask('GET', '/api/sync/status')).data.status.serviceRunning).toBe(true);
});

test('a front end on another port may call, a foreign one may not', async () => {
  const call = (method: string, origin: string, headers: Record<string, string> = {}) =>
    fetch(`${api.url}/api/sync/trigger`, { method, headers: { origin, ...headers } });
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
  const preflight = await call('OPTIONS', FRONT_END, asked);
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(FRONT_END);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Content-Type');
  const letIn = await call('POST', FRONT_END);
  expect([letIn.status, letIn.headers.get('access-control-allow-origin')]).toEqual([202, FRONT_END]);
  const foreign = await call('POST', 'http://evil.example');
  expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  // Saved and in force at once, as every setting that needs no restart.
  await ask('PUT', '/api/sync/config', { corsOrigin: 'http://localhost:5173' });
  expect((await call('POST', 'http://localhost:5173')).status).toBe(202);
  expect((await call('POST', FRONT_END)).status).toBe(403);
});

/** The paths under which feeds were opened as WebSockets: the client takes the stream where it cannot. */
const opened: string[] = [];
class Noted extends WebSocket {
  constructor(address: string) {
    super(address);
    this.on('open', () => opened.push(new URL(address).pathname.replace('/api/sync/events', '')));
  }
}

test('mounted in another app, by a path or at its own, it answers there: calls, refusals and feed', async () => {
  const host = await loadHost();
  const outer = new Hono();
  outer.get('/', (c) => c.text('the other program'));
  outer.mount('/gitferry', api.at('/gitferry').fetch, { replaceRequest: false });
  outer.mount('/cut', api.app.fetch);
  outer.all('/api/sync/*', (c) => api.app.fetch(c.req.raw, c.env));
  const server = await host.listen(outer, { hostname: '127.0.0.1', port: 0 });
  const url = `http://localhost:${server.port}`;
  try {
    expect(await (await fetch(url)).text()).toBe('the other program');
    // What `mount` made of a request cannot become a WebSocket on Deno.
    const cut = 'Deno' in globalThis ? null : Noted;
    for (const client of [
      createClient({ url: `${url}/gitferry`, WebSocket: Noted }),
      createClient({ url: `${url}/cut`, WebSocket: cut }),
      createClient({ url, WebSocket: Noted }),
    ]) {
      expect((await client.projects()).projects.map(({ projectId }) => projectId)).toEqual(['blog']);
      await expect(client.project('nobody')).rejects.toMatchObject({ code: 'project-not-found' });
      const feed = client.events({ since: 0 });
      expect((await feed.next()).value).toMatchObject({ id: expect.any(Number) });
      await feed.return();
    }
    expect(opened).toEqual(cut === null ? ['/gitferry', ''] : ['/gitferry', '/cut', '']);
    expect((await fetch(`${url}/gitferry`)).status).toBe(200);
    expect((await fetch(`${url}/gitferry-and-more`)).status).toBe(404);
    const sent = {
      method: 'POST',
      body: '{"immediate":true}',
      headers: { 'content-type': 'application/json' },
    };
    expect((await fetch(`${url}/gitferry/api/sync/trigger/blog`, sent)).status).toBe(202);
    const foreign = await fetch(`${url}/gitferry/api/sync/status`, {
      headers: { origin: 'http://evil.example' },
    });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    // The names by which it may be called are its own, wherever it is mounted.
    const renamed = await outer.request('http://rebound.example/gitferry/api/sync/status');
    expect(renamed.status).toBe(403);
    expect((await renamed.json()).code).toBe('forbidden-host');
  } finally {
    await server.close(1_000);
  }
});

test('what the service starts sees no private key of an app, whatever its variable is called', async () => {
  expect((await ask('POST', '/api/sync/notices/test')).data.results).toMatchObject([{ ok: true }]);
  const seen = await readFile(`${journey.folder}/seen.env`, 'utf8');
  expect(seen).toContain('GITFERRY_NOTICE_TITLE=');
  expect(seen).not.toContain('the-key-of-our-app');
});

test('on() tells of events until it is ended', async () => {
  const told: string[] = [];
  const end = api.on(({ type }) => told.push(type));
  await ask('POST', '/api/sync/trigger');
  await until(() => told.includes('scan.finished'));
  end();
  const before = told.length;
  const seen = events.length;
  await ask('POST', '/api/sync/trigger');
  await until(() => events.slice(seen).some(({ type }) => type === 'scan.finished'));
  expect(told).toHaveLength(before);
});
