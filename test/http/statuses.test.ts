// Every status that /openapi.json documents can be met. What is answered and not documented fails in the fixture, in
// every test. A new route needs its scenario here; a status that nobody can meet has no place in the document.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiApp } from '../../src/http/api-app.ts';
import { addPageRoutes } from '../../src/http/page.ts';
import { createPageFiles } from '../../src/http/page-files.ts';
import { Failure } from '../../src/model/failure.ts';
import type { FailureCode } from '../../src/model/failure-codes.ts';
import type { Service } from '../../src/model/service.ts';
import { findJob } from '../../src/queue/reads.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture, TOKEN } from './api-fixture.ts';
import type { Route } from './contract.ts';
import { until } from './feed-client.ts';
import { signedDelivery } from './webhook-delivery.ts';

const admin = { authorization: `Bearer ${TOKEN}` };
const OPEN = ['GET /', 'GET /health', 'POST /api/webhooks/github'];
const nameOf = ({ method, path }: Route) => `${method} ${path}`;
/** The address with something in the place of each parameter. */
const at = (path: string, id = 'blog') => path.replace('{projectId}', id).replace(/\{\w+\}/g, 'f'.repeat(12));

/** What the service throws next, from whatever is asked of it; and what the database does. */
let serviceFault: Failure | null = null;
let databaseFault: unknown = null;
let api: Fixture;
let routes: Route[];

beforeAll(async () => {
  api = await createFixture({
    access: { apiToken: TOKEN },
    service: faulty(() => serviceFault),
    databaseFault: () => databaseFault,
    notices: { targets: async () => [], test: testNotices },
  });
  await api.addProject('blog');
  routes = api.contract.routes;
});
afterAll(() => api.close());

async function testNotices() {
  if (serviceFault !== null) throw serviceFault;
  return [{ target: 'webhook' as const, ok: true, detail: 'sent' }];
}

const METHODS = [
  'triggerAll',
  'triggerProject',
  'resolveConflict',
  'diffConflict',
  'releaseHeld',
  'confirmDeletions',
  'addProject',
  'updateProject',
  'listSnapshots',
  'diffSnapshot',
  'restoreSnapshot',
  'backUp',
  'previewProject',
  'repository',
  'openPullRequest',
  'registerWebhook',
  'removeWebhook',
] as const satisfies (keyof Service)[];

/** Answers as a working service would, or throws the fault of the moment. */
function faulty(fault: () => Failure | null): Partial<Service> {
  const snapshot = { id: 'f'.repeat(40), at: 0, branch: 'main', filesChanged: 1, machine: 'laptop' };
  const job = async () => (await findJob(api.db, 'blog' as never)) ?? expect.fail('blog has no job');
  const repository = {
    ...{ state: 'found', reason: null, remoteUrl: 'https://github.com/u/blog.git', host: 'github.com' },
    ...{ fullName: 'u/blog', private: true, defaultBranch: 'main', refusedPush: null },
  };
  const answers: Partial<Record<(typeof METHODS)[number], () => unknown>> = {
    resolveConflict: job,
    releaseHeld: job,
    confirmDeletions: job,
    triggerAll: () => ({ scanned: 0, queued: [], skipped: [] }),
    diffConflict: () => ({ files: [{ path: 'a', ours: 'modified', theirs: 'deleted', diff: null }] }),
    listSnapshots: () => ({ snapshots: [snapshot], nextCursor: null }),
    diffSnapshot: () => ({ snapshot, files: [{ path: 'a', kind: 'added', diff: null }], truncated: false }),
    restoreSnapshot: () => ({
      before: snapshot.id,
      restored: ['a'],
      skipped: [{ path: 'b', reason: 'held' }],
    }),
    repository: () => repository,
    registerWebhook: () => ({ webhook: null, deliveries: [] }),
    openPullRequest: () => ({ number: 1, url: 'https://x.y/1', created: true, head: 'side', base: 'main' }),
    backUp: () => ({ path: '/data/backups/x.db', sizeBytes: 1, durationMs: 1 }),
  };
  const service: Record<string, unknown> = {};
  for (const name of METHODS) {
    service[name] = async (...args: unknown[]) => {
      const error = fault();
      if (error !== null) throw error;
      const played = api.played[name] as (...given: unknown[]) => unknown;
      return answers[name]?.() ?? played(...args);
    };
  }
  return service as Partial<Service>;
}

test('401: every route that needs a token refuses who has none, and a delivery without a signature', async () => {
  for (const { method, path } of routes.filter((route) => 401 in route.operation.responses)) {
    expect((await api.request(method, at(path))).status, `${method} ${path}`).toBe(401);
  }
});

test('403: every route refuses a name that is not its own', async () => {
  for (const { method, path } of routes.filter((route) => 403 in route.operation.responses)) {
    const headers = { ...admin, host: 'evil.example' };
    expect((await api.request(method, at(path), { headers })).status, `${method} ${path}`).toBe(403);
  }
});

test('500 and 503: every route says that the database fails, and whether that passes', async () => {
  const headers = { authorization: `Bearer gitferry_${'A'.repeat(43)}` };
  for (const [fault, status] of [
    [new TypeError('broken'), 500],
    [new Failure('database-busy', 'busy'), 503],
  ] as const) {
    databaseFault = fault;
    for (const route of routes.filter((known) => !OPEN.includes(nameOf(known)))) {
      expect((await api.request(route.method, at(route.path), { headers })).status, nameOf(route)).toBe(
        status,
      );
    }
    const delivery = signedDelivery({ zen: 'x' }, { event: 'push' });
    expect((await api.request('POST', '/api/webhooks/github', delivery)).status).toBe(status);
    databaseFault = null;
  }
});

test('413: every route that reads a body refuses one that is too large', async () => {
  const body = ' '.repeat(1024 * 1024 + 1);
  for (const { method, path } of routes.filter((route) => 413 in route.operation.responses)) {
    expect((await api.request(method, at(path), { body, headers: admin })).status, `${method} ${path}`).toBe(
      413,
    );
  }
});

test('408: every route that reads a body waits for it for 30 s and no longer', async () => {
  const clock = createManualClock();
  const waiting = await createFixture({ access: { apiToken: TOKEN }, clock });
  const endless = () => ({ body: new ReadableStream(), duplex: 'half', headers: admin }) as RequestInit;
  const reading = routes.filter((route) => 408 in route.operation.responses);
  const answers = reading.map(({ method, path }) => waiting.request(method, at(path), endless()));
  await until(() => clock.waiting(30_000) === reading.length);
  await clock.advance(30_000);
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual(reading.map(() => 408));
  await waiting.close();
  const readers = routes.filter((route) => 413 in route.operation.responses);
  expect(reading).toEqual(readers);
});

test('400: every route refuses what it cannot use', async () => {
  for (const { method, path, operation } of routes.filter((route) => 400 in route.operation.responses)) {
    const isRead = 413 in operation.responses;
    const query = isRead ? '' : `?${badQuery(operation)}`;
    const malformed = { ...(isRead && { body: '{' }), headers: admin };
    const init = path === '/api/webhooks/github' ? signedDelivery('no json') : malformed;
    const answer = await api.request(method, at(path) + query, init);
    expect(answer.status, `${method} ${path}${query}`).toBe(400);
  }
});

function badQuery({ parameters = [] }: Route['operation']): string {
  const [first] = parameters.filter((parameter) => parameter.in === 'query' && parameter.name !== 'ticket');
  return `${first?.name}=${randomBytes(3).toString('hex')}-`;
}

test('404: every route about one thing says when there is no such thing', async () => {
  for (const { method, path, operation } of routes.filter((route) => 404 in route.operation.responses)) {
    serviceFault = new Failure('project-not-found', 'there is none');
    const body = operation.requestBody === undefined ? undefined : bodyFor(`${method} ${path}`);
    const answer = await api.send(method, at(path, 'no-such'), body, admin);
    serviceFault = null;
    expect(answer.status, `${method} ${path}`).toBe(404);
  }
});

test('409, 422 and 502: what the service refuses in this state, of this folder, or as the host does', async () => {
  for (const [code, status] of [
    ['service-stopped', 409],
    ['folder-missing', 422],
    ['offline', 502],
  ] as const satisfies [FailureCode, number][]) {
    for (const route of routes.filter((known) => status in known.operation.responses)) {
      if (STATUS_ELSEWHERE.has(`${nameOf(route)} ${status}`)) continue;
      serviceFault = new Failure(code, 'not now');
      const body = route.operation.requestBody === undefined ? undefined : bodyFor(nameOf(route));
      const answer = await api.send(route.method, at(route.path), body, admin);
      serviceFault = null;
      expect(answer.status, nameOf(route)).toBe(status);
    }
  }
});

/** Reached by the tests below. */
const STATUS_ELSEWHERE = new Set(['POST /api/sync/tokens 409', 'GET /api/sync/events 409']);

const BODIES: Record<string, unknown> = {
  'POST /api/sync/projects': { path: '/home/u/added' },
  'POST /api/sync/projects/preview': { path: '/home/u/added' },
  'POST /api/sync/projects/{projectId}/conflict': { choice: 'mine' },
  'POST /api/sync/projects/{projectId}/held/release': { paths: ['.env'], scope: 'once' },
  'POST /api/sync/projects/{projectId}/deletions/confirm': { token: 'a'.repeat(64) },
  'POST /api/sync/projects/{projectId}/restore': { snapshot: 'f'.repeat(40) },
  'POST /api/sync/tokens': { name: 'ada', role: 'viewer' },
};
const bodyFor = (name: string) => BODIES[name] ?? {};

test('2xx: every route answers what it is there for', async () => {
  await api.send('POST', '/api/sync/trigger/blog', {}, admin);
  // What is made first is what others take away.
  const made = await api.send('POST', '/api/sync/tokens', bodyFor('POST /api/sync/tokens'), admin);
  expect(made.status).toBe(201);
  expect((await api.send('POST', '/api/sync/tokens', bodyFor('POST /api/sync/tokens'), admin)).status).toBe(
    409,
  );
  const last = ['POST /api/sync/stop', 'DELETE /api/sync/projects/{projectId}'];
  const ordered = [...routes].sort((a, b) => last.indexOf(nameOf(a)) - last.indexOf(nameOf(b)));
  for (const { method, path, operation } of ordered) {
    const name = `${method} ${path}`;
    if (name === 'POST /api/sync/tokens' || name === 'POST /mcp') continue;
    const body = operation.requestBody === undefined ? undefined : bodyFor(name);
    const address = at(path).replace(
      'f'.repeat(12),
      path.includes('tokenId') ? made.body.token.tokenId : 'f'.repeat(40),
    );
    const answer =
      name === 'POST /api/webhooks/github'
        ? await api.request(method, path, signedDelivery({ zen: 'x', hook_id: 1 }, { event: 'ping' }))
        : await api.send(method, address, body, admin);
    expect(Math.floor(answer.status / 100), `${name}: ${answer.text}`).toBe(2);
  }
});

test('POST /mcp answers calls, takes notifications, and wants a caller that reads both forms', async () => {
  const both = { ...admin, accept: 'application/json, text/event-stream' };
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  expect((await api.send('POST', '/mcp', call, both)).status).toBe(200);
  const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
  expect((await api.send('POST', '/mcp', notification, both)).status).toBe(202);
  expect((await api.send('POST', '/mcp', call, { ...admin, accept: 'text/html' })).status).toBe(406);
});

test('what only some routes answer', async () => {
  const ill = await createFixture({
    service: {
      health: async () => {
        throw new Error('broken');
      },
    },
  });
  expect((await ill.get('/health')).status).toBe(503);
  await ill.closeFeeds();
  expect((await ill.get('/api/sync/events?since=0')).status).toBe(409);
  await ill.close();
  const bare = createApiApp();
  addPageRoutes(bare, createPageFiles(new URL('file:///nowhere/')));
  const page = await bare.request('/');
  const answer = { status: page.status, type: page.headers.get('content-type'), text: '' };
  expect(api.contract.check('GET', '/', answer)).toBeNull();
});

test('no documented status is left that was never met', () => {
  const documented = routes.flatMap((route) =>
    Object.keys(route.operation.responses).map((status) => `${nameOf(route)} ${status}`),
  );
  // The handshake has no answer that a test could read; feed-websocket.test.ts opens sockets.
  const met = new Set([...api.contract.reached, 'GET /api/sync/events 101']);
  expect(documented.filter((status) => !met.has(status))).toEqual([]);
  expect(documented.length).toBeGreaterThan(250);
});
