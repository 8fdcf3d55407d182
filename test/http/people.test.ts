// Named tokens, what each role may do, and the audit of what was changed.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ROLES, type Role } from '../../src/model/caller.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture, TOKEN } from './api-fixture.ts';
import { listen, until } from './feed-client.ts';

const LIMIT = { timeout: 20_000 };
const TOKENS = '/api/sync/tokens';
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const admin = { authorization: `Bearer ${TOKEN}` };
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

let api: Fixture;
beforeAll(async () => {
  api = await createFixture({
    access: { apiToken: TOKEN, boundHost: '0.0.0.0' },
    remoteAddress: '192.0.2.7',
  });
  await api.addProject('blog');
});
afterAll(() => api.close());

async function makeToken(name: string, role: Role, headers = admin): Promise<{ id: string; secret: string }> {
  const answer = await api.send('POST', TOKENS, { name, role }, headers);
  expect(answer.status).toBe(201);
  return { id: answer.body.token.tokenId, secret: answer.body.secret };
}

describe('a named token', () => {
  test('is made with a secret that is answered once, and only its digest is stored', async () => {
    const made = await api.send('POST', TOKENS, { name: 'Ada L.', role: 'viewer' }, admin);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      success: true,
      token: {
        ...{ tokenId: expect.stringMatching(/^[0-9a-f]{12}$/), name: 'Ada L.', role: 'viewer' },
        ...{ createdAt: ISO, createdBy: 'admin', expiresAt: null, lastUsedAt: null },
      },
      secret: expect.stringMatching(/^gitferry_[\w-]{43}$/),
    });
    const { secret } = made.body;
    const listed = await api.get(TOKENS, admin);
    expect(listed.body.tokens).toContainEqual(made.body.token);
    expect(listed.text).not.toContain(secret);
    const rows = await api.db.run('SELECT * FROM access_tokens');
    expect(JSON.stringify(rows)).not.toContain(secret.slice('gitferry_'.length));
  });

  test('is let in with its role, and its use is noted', async () => {
    const { id, secret } = await makeToken('reader', 'viewer');
    expect((await api.get('/api/sync/status', bearer(secret))).status).toBe(200);
    await vi.waitFor(async () => {
      const { body } = await api.get(`${TOKENS}?limit=500`, admin);
      const used = body.tokens.find((token: { tokenId: string }) => token.tokenId === id);
      expect(used.lastUsedAt).toEqual(ISO);
    }, LIMIT);
  });

  test('that was revoked, has expired or was never made is refused', async () => {
    const { id, secret } = await makeToken('leaver', 'admin');
    expect((await api.request('DELETE', `${TOKENS}/${id}`, { headers: admin })).status).toBe(200);
    expect((await api.get('/api/sync/status', bearer(secret))).status).toBe(401);
    expect((await api.request('DELETE', `${TOKENS}/${id}`, { headers: admin })).body.code).toBe(
      'token-not-found',
    );

    const short = await makeToken('guest', 'viewer');
    await api.db.run('UPDATE access_tokens SET expires_at = (SELECT now FROM clock) WHERE token_id = :id', {
      id: short.id,
    });
    expect((await api.get('/api/sync/status', bearer(short.secret))).status).toBe(401);
    expect((await api.get('/api/sync/status', bearer(`gitferry_${'A'.repeat(43)}`))).status).toBe(401);
    expect((await api.get('/api/sync/status', bearer(secret.toLowerCase()))).status).toBe(401);
  });

  test.each([
    [{ role: 'viewer' }, 'name'],
    [{ name: 'x' }, 'role'],
    [{ name: 'x', role: 'root' }, 'role'],
    [{ name: 'Admin', role: 'viewer' }, 'name'],
    [{ name: 'local', role: 'viewer' }, 'name'],
    [{ name: '', role: 'viewer' }, 'name'],
    [{ name: ' x', role: 'viewer' }, 'name'],
    [{ name: 'x\ny', role: 'viewer' }, 'name'],
    [{ name: 'x'.repeat(64), role: 'viewer' }, 'name'],
    [{ name: 'x', role: 'viewer', expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt'],
    [{ name: 'x', role: 'viewer', expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ name: 'x', role: 'viewer', secret: 'mine' }, 'secret'],
  ])('is not made of %j', async (body, path) => {
    const answer = await api.send('POST', TOKENS, body, admin);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  test('has a name of its own', async () => {
    await makeToken('twin', 'viewer');
    const second = await api.send('POST', TOKENS, { name: 'twin', role: 'admin' }, admin);
    expect(second.status).toBe(409);
    expect(second.body.code).toBe('token-exists');
  });

  test('keeps its end, and the list is paged by name', async () => {
    const expiresAt = '2999-12-31T23:00:00.000Z';
    for (const name of ['page-1', 'page-2', 'page-3'])
      await api.send('POST', TOKENS, { name, role: 'viewer', expiresAt: '3000-01-01T00:00:00+01:00' }, admin);
    const names: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await api.get(`${TOKENS}?limit=2${cursor && `&cursor=${cursor}`}`, admin);
      expect(body.tokens.length).toBeLessThanOrEqual(2);
      for (const token of body.tokens) {
        names.push(token.name);
        if (token.name.startsWith('page-')) expect(token.expiresAt).toBe(expiresAt);
      }
      cursor = body.nextCursor;
    }
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['page-1', 'page-2', 'page-3']));
  });
});

describe('roles', () => {
  const secrets = {} as Record<Role, string>;
  beforeAll(async () => {
    for (const role of ROLES) secrets[role] = (await makeToken(`the-${role}`, role)).secret;
  });

  /** What each changing route needs, beside tickets; every reading one that is not named needs a viewer. */
  const OPERATOR = [
    'POST /api/sync/start',
    'POST /api/sync/stop',
    'POST /api/sync/pause',
    'POST /api/sync/resume',
    'POST /api/sync/trigger',
    'POST /api/sync/trigger/:projectId',
    'POST /api/sync/projects/:projectId/pause',
    'POST /api/sync/projects/:projectId/resume',
    'POST /api/sync/projects/:projectId/conflict',
    'POST /api/sync/projects/:projectId/restore',
    'POST /api/sync/projects/:projectId/deletions/confirm',
    'POST /api/sync/projects/:projectId/pull-request',
    'GET /api/sync/credentials',
  ];
  const ADMIN_READS = ['GET /api/sync/discover', 'GET /api/sync/tokens', 'GET /api/sync/audit'];
  const VIEWER_CHANGES = ['POST /api/sync/tickets', 'POST /mcp'];
  const OPEN = /^GET \/(?:health|style\.css|assets\/:name)?$|^POST \/api\/webhooks\/github$/;

  function needed(method: string, path: string): Role {
    const route = `${method} ${path}`;
    if (OPERATOR.includes(route)) return 'operator';
    if (ADMIN_READS.includes(route)) return 'admin';
    return method === 'GET' || VIEWER_CHANGES.includes(route) ? 'viewer' : 'admin';
  }

  test('are refused on every route that needs more, and only there', async () => {
    // The routes as they are, so that a new one is looked at too.
    const routes = new Set(
      api.app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`),
    );
    expect(routes.size).toBeGreaterThan(30);
    for (const route of routes) {
      if (OPEN.test(route)) continue;
      const [method = '', path = ''] = route.split(' ');
      const address = path.replace(/:[A-Za-z]+/g, 'no-such-thing');
      for (const role of ROLES) {
        // Malformed, so that nobody who is let in changes anything.
        const init = method === 'GET' ? {} : { body: '{' };
        const query = path === '/api/sync/events' ? '?since=x' : '';
        const answer = await api.request(method, address + query, {
          ...init,
          headers: bearer(secrets[role]),
        });
        const allowed = ROLES.indexOf(role) >= ROLES.indexOf(needed(method, path));
        expect(answer.status === 403, `${role}: ${route} ${answer.text}`).toBe(!allowed);
        if (!allowed) expect(answer.body.code).toBe('forbidden-role');
      }
    }
  });

  test('a ticket has the rights of whoever asked for it, and opens nothing but the feed', async () => {
    const { body } = await api.send('POST', '/api/sync/tickets', undefined, bearer(secrets.viewer));
    expect((await api.send('POST', `/api/sync/stop?ticket=${body.ticket}`)).status).toBe(401);
    expect((await api.get(`/api/sync/events?ticket=${body.ticket}`)).status).toBe(200);
  });

  test.each(['/api/sync/%74okens', '/api/sync/audit?x=1', '/api/sync/tokens#x'])(
    'a viewer does not get round them by %s',
    async (path) => {
      expect((await api.get(path, bearer(secrets.viewer))).status).toBe(403);
      expect((await api.request('HEAD', path, { headers: bearer(secrets.viewer) })).status).toBe(403);
    },
  );
});

test('on this machine, without SYNC_API_TOKEN, a named token still limits who sends it', async () => {
  const local = await createFixture();
  const made = await local.send('POST', TOKENS, { name: 'script', role: 'viewer' });
  expect(made.body.token.createdBy).toBe('local');
  expect((await local.send('POST', '/api/sync/stop', undefined, bearer(made.body.secret))).status).toBe(403);
  await local.request('DELETE', `${TOKENS}/${made.body.token.tokenId}`);
  // Revoked: it must not get the rights of callers without a token.
  expect((await local.send('POST', '/api/sync/stop', undefined, bearer(made.body.secret))).status).toBe(401);
  expect((await local.get('/api/sync/status')).status).toBe(200);
  await local.close();
});

describe('the audit', () => {
  const newest = async (query = '') => (await api.get(`/api/sync/audit?${query}`, admin)).body.entries;

  test('says who changed what, when and from where, without the values', async () => {
    const { secret, id } = await makeToken('ops', 'operator');
    const headers = { ...bearer(secret), 'x-request-id': 'my-request.1', 'x-forwarded-for': '203.0.113.9' };
    await api.send('POST', '/api/sync/projects/blog/pause', { untilMs: 4_102_444_800_000 }, headers);
    expect((await newest('limit=1'))[0]).toEqual({
      auditId: expect.any(Number),
      at: ISO,
      machineId: 'laptop',
      actor: { name: 'ops', role: 'operator', tokenId: id },
      from: { address: '192.0.2.7', forwardedFor: '203.0.113.9' },
      requestId: 'my-request.1',
      method: 'POST',
      route: '/api/sync/projects/{projectId}/pause',
      projectId: 'blog',
      subject: null,
      keys: ['untilMs'],
      status: 200,
      code: null,
    });
  });

  test('names the keys of what was sent at every depth, and what was made', async () => {
    await api.send(
      'PATCH',
      '/api/sync/projects/blog',
      { github: { commit: { message: 'private words' } } },
      admin,
    );
    const [patched] = await newest('limit=1');
    expect(patched.keys).toEqual(['github.commit.message']);
    expect(JSON.stringify(patched)).not.toContain('private words');
    const { id } = await makeToken('temp', 'viewer');
    await api.request('DELETE', `${TOKENS}/${id}`, { headers: admin });
    const [revoked, made] = await newest('limit=2');
    expect(made).toMatchObject({ method: 'POST', subject: 'temp (viewer)', actor: { name: 'admin' } });
    expect(revoked).toMatchObject({
      method: 'DELETE',
      route: `${TOKENS}/{tokenId}`,
      subject: 'temp (viewer)',
    });
  });

  test('has refusals for the role, and neither requests of strangers nor those that changed nothing', async () => {
    const before = await newest('limit=1');
    await api.send('POST', '/api/sync/stop', undefined, bearer('x'.repeat(30)));
    await api.send('POST', '/api/sync/trigger', { priority: 99 }, admin);
    await api.get('/api/sync/status', admin);
    await api.send('POST', '/api/sync/tickets', undefined, admin);
    expect(await newest('limit=1')).toEqual(before);
    const { secret } = await makeToken('curious', 'viewer');
    await api.send('POST', '/api/sync/stop', undefined, bearer(secret));
    expect((await newest('limit=1'))[0]).toMatchObject({
      actor: { name: 'curious' },
      route: '/api/sync/stop',
      status: 403,
      code: 'forbidden-role',
    });
  });

  test('is read page by page, by person, project and time', async () => {
    const all = await newest('limit=500');
    const pages: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await api.get(`/api/sync/audit?limit=3${cursor && `&cursor=${cursor}`}`, admin);
      pages.push(...body.entries);
      cursor = body.nextCursor;
    }
    expect(pages).toEqual(all);
    const ofOps = await newest('actor=ops');
    expect(ofOps).toHaveLength(1);
    expect(await newest('projectId=blog&limit=500')).toEqual(
      all.filter((entry: { projectId: string }) => entry.projectId === 'blog'),
    );
    expect(await newest(`until=${ofOps[0].at}&actor=ops`)).toEqual([]);
    expect(await newest(`since=${ofOps[0].at}&actor=ops`)).toEqual(ofOps);
  });

  test('that cannot be written does not undo the answer; the log keeps the entry', async () => {
    const errors: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: unknown) => errors.push(fields) };
    const faulty = await createFixture({ log: log as never });
    await faulty.db.run('DROP TABLE audit');
    expect((await faulty.send('POST', '/api/sync/stop')).status).toBe(200);
    expect(errors).toMatchObject([{ audit: { actor: 'local', route: '/api/sync/stop' } }]);
    await faulty.close();
  });
});

describe('feeds of a named token', () => {
  test('end with 1008 when it is revoked, and within 30 s when it expires', async () => {
    const clock = createManualClock();
    const own = await createFixture({ access: { apiToken: TOKEN }, clock });
    const server = await listen(own);
    const open = async (name: string) => {
      const { body } = await own.send('POST', TOKENS, { name, role: 'viewer' }, admin);
      const feed = await server.connect('', { headers: bearer(body.secret) });
      await until(() => feed.messages.length === 1);
      return { feed, id: body.token.tokenId as string };
    };
    const [ada, bob, cy] = [await open('ada'), await open('bob'), await open('cy')];
    await own.request('DELETE', `${TOKENS}/${ada.id}`, { headers: admin });
    expect(await until(() => ada.feed.closed)).toEqual({ code: 1008, reason: 'token revoked or expired' });
    await own.db.run('UPDATE access_tokens SET expires_at = 1 WHERE token_id = :id', { id: bob.id });
    await until(() => own.bus.listeners() === 2);
    await clock.advance(30_000);
    expect((await until(() => bob.feed.closed)).code).toBe(1008);
    expect(cy.feed.closed).toBeNull();
    await own.closeFeeds();
    await server.close();
    await own.close();
  });
});

describe('over the network', () => {
  const PROJECTS = '/api/sync/projects';
  const from = (remoteAddress: string | undefined, boundHost = '0.0.0.0') =>
    createFixture({ access: { apiToken: TOKEN, boundHost }, ...(remoteAddress && { remoteAddress }) });

  test.each([
    '/etc',
    '/',
    '/home/u/../../etc',
    '/home/unrelated',
    '/home/u-other/x',
    'home/u/x',
    '../home/u/x',
  ])('a project at %s is refused without a look at the disk', async (path) => {
    const answer = await api.send('POST', PROJECTS, { path }, admin);
    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe('path-outside-roots');
    expect(answer.body.detail).toBe(`${path} is not under a folder that may be used over the network.`);
  });

  test('a project under a root is added', async () => {
    expect((await api.send('POST', PROJECTS, { path: '/home/u/inside' }, admin)).status).toBe(201);
  });

  test.each([
    [{}, '127.0.0.1', 201],
    [{}, '::1', 201],
    [{}, '::ffff:127.0.0.1', 201],
    [{}, '192.0.2.7', 403],
    [{}, '::ffff:192.0.2.7', 403],
    [{ 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1', 403],
    [{ forwarded: 'for=127.0.0.1' }, '127.0.0.1', 403],
    [{ via: '1.1 proxy' }, '127.0.0.1', 403],
    [{ host: 'sync.example' }, '127.0.0.1', 403],
    [{ 'x-forwarded-for': '127.0.0.1', host: 'localhost' }, '192.0.2.7', 403],
  ])('with %j from %s it is answered %i outside of them', async (headers, address, status) => {
    const own = await from(address);
    const answer = await own.send('POST', PROJECTS, { path: '/srv/x' }, { ...admin, ...headers });
    await own.close();
    expect(answer.status).toBe(status);
  });

  test('an embedded service that does not know its peers goes by its address', async () => {
    for (const [boundHost, status] of [
      ['localhost', 201],
      ['0.0.0.0', 403],
    ] as const) {
      const own = await from(undefined, boundHost);
      expect((await own.send('POST', PROJECTS, { path: '/srv/x' }, admin)).status).toBe(status);
      await own.close();
    }
  });

  test('where folders are searched and tokens are sent cannot be set', async () => {
    for (const patch of [{ roots: ['/'] }, { githubApis: { 'github.com': 'https://evil.example' } }]) {
      const answer = await api.send('PUT', '/api/sync/config', { ...patch, historyDays: 7 }, admin);
      expect(answer.status).toBe(403);
      expect(answer.body.code).toBe('forbidden-from-network');
    }
    expect((await api.get('/api/sync/config', admin)).body.config).toMatchObject({
      roots: [],
      historyDays: 90,
    });
    const local = await from('127.0.0.1');
    expect((await local.send('PUT', '/api/sync/config', { roots: ['/srv'] }, admin)).status).toBe(200);
    await local.close();
  });
});
