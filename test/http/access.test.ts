// Who may call: Host, Origin, token and ticket.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTickets } from '../../src/http/tickets.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture, TOKEN } from './api-fixture.ts';

const STATUS = '/api/sync/status';
const CALLER = { name: 'ada', role: 'viewer', tokenId: '0123456789ab' } as const;

describe('bound to loopback without a token', () => {
  let api: Fixture;
  beforeAll(async () => {
    api = await createFixture({ access: { allowedHosts: ['dev.box', 'proxy.box:8443'] } });
  });
  afterAll(() => api.close());

  test.each([
    'localhost',
    'localhost:3001',
    'LocalHost:3001',
    '127.0.0.1:3001',
    '127.1.2.3',
    '[::1]:3001',
    'dev.box',
    'DEV.BOX:9',
    'proxy.box:8443',
  ])('the Host "%s" is answered', async (host) => {
    expect((await api.get(STATUS, { host })).status).toBe(200);
  });

  test.each([
    'evil.example',
    'evil.example:3001',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost:3001@evil.example',
    'evil.example#localhost',
    'proxy.box',
    'proxy.box:1',
    '0.0.0.0',
    '[::2]',
    '192.168.1.5:3001',
  ])('the Host "%s" is refused as DNS rebinding', async (host) => {
    const answer = await api.get(STATUS, { host });
    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe('forbidden-host');
    expect(answer.text).not.toContain('serviceRunning');
  });

  test('a rebound Host cannot even read the page or /health', async () => {
    for (const path of ['/', '/health', '/openapi.json', '/nowhere']) {
      expect((await api.get(path, { host: 'evil.example' })).status).toBe(403);
    }
  });

  test.each([
    'http://evil.example',
    'null',
    'http://localhost:3002',
    'http://localhost',
    'https://localhost:3000',
    'http://localhost:3000.evil.example',
    'http://localhost:3000@evil.example',
    'http://localhost:3000, http://evil.example',
    'file://',
    'HTTP://LOCALHOST:3000',
    '',
  ])('a change from the origin "%s" is refused', async (origin) => {
    const answer = await api.send('POST', '/api/sync/stop', undefined, { origin, host: 'localhost:3001' });
    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe('forbidden-origin');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(api.service.scheduler().running).toBe(true);
  });

  test.each([
    ['http://localhost:3000', 'localhost:3001'],
    ['http://localhost:3001', 'localhost:3001'],
    ['http://127.0.0.1:3001', 'localhost:3001'],
    ['http://localhost:8080', 'localhost:8080'],
    ['https://proxy.box:8443', 'proxy.box:8443'],
    ['https://dev.box', 'dev.box'],
  ])('a change from the origin "%s" to the Host "%s" is allowed', async (origin, host) => {
    expect((await api.send('POST', '/api/sync/start', undefined, { origin, host })).status).toBe(200);
  });

  test('every changing method is guarded, and unknown routes are too', async () => {
    for (const [method, path] of [
      ['PUT', '/api/sync/config'],
      ['PATCH', '/api/sync/projects/a'],
      ['DELETE', '/api/sync/history'],
      ['POST', '/api/sync/tickets'],
      ['POST', '/nowhere'],
    ] as const) {
      const answer = await api.send(method, path, {}, { origin: 'http://evil.example' });
      expect(answer.body.code, `${method} ${path}`).toBe('forbidden-origin');
    }
  });

  test('the feed refuses foreign pages although it only reads', async () => {
    const answer = await api.get('/api/sync/events', { origin: 'http://evil.example' });
    expect(answer.body.code).toBe('forbidden-origin');
  });

  test('CORS names the configured origin, and no other', async () => {
    const own = await api.get(STATUS, { origin: 'http://localhost:3000' });
    expect(own.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    const foreign = await api.get(STATUS, { origin: 'http://evil.example' });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    expect(foreign.headers.get('vary')).toContain('Origin');
  });

  test('a preflight is answered for the configured origin only', async () => {
    const ask = (origin: string) =>
      api.request('OPTIONS', '/api/sync/config', {
        headers: { origin, 'access-control-request-method': 'PUT' },
      });
    const own = await ask('http://localhost:3000');
    expect(own.status).toBe(204);
    expect(own.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(own.headers.get('access-control-allow-headers')).toContain('Authorization');
    const foreign = await ask('http://evil.example');
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    expect(foreign.headers.get('access-control-allow-methods')).toBeNull();
  });

  test('every answer carries the security headers, refusals too', async () => {
    for (const path of ['/', STATUS, '/nowhere', '/style.css', '/health']) {
      const { headers } = await api.get(path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
    const refused = await api.get('/', { host: 'evil.example' });
    expect(refused.headers.get('x-frame-options')).toBe('DENY');
  });
});

describe('with a token', () => {
  let api: Fixture;
  beforeAll(async () => {
    api = await createFixture({ access: { apiToken: TOKEN, boundHost: '0.0.0.0' } });
    await api.addProject('secret-project');
  });
  afterAll(() => api.close());

  const bearer = { authorization: `Bearer ${TOKEN}` };

  test('the right token is let in, whatever the case of the scheme and header', async () => {
    expect((await api.get(STATUS, bearer)).status).toBe(200);
    expect((await api.get(STATUS, { AUTHORIZATION: `bearer  ${TOKEN}` })).status).toBe(200);
  });

  test.each([
    ['none', {}],
    ['an empty one', { authorization: 'Bearer ' }],
    ['a wrong one of the same length', { authorization: `Bearer ${'x'.repeat(TOKEN.length)}` }],
    ['a beginning of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['a longer one', { authorization: `Bearer ${TOKEN}x` }],
    ['other case', { authorization: `Bearer ${TOKEN.toUpperCase()}` }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
    ['no scheme', { authorization: TOKEN }],
    ['two', { authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` }],
  ])('%s as token is refused', async (_name, headers) => {
    const answer = await api.get(STATUS, headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ success: false, code: 'unauthorized', status: 401 });
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(answer.text).not.toContain(TOKEN);
  });

  test.each([
    ['GET', '/api/sync/projects'],
    ['GET', '/api/sync/events'],
    ['GET', '/openapi.json'],
    ['GET', '/docs'],
    ['GET', '/nowhere'],
    ['POST', '/health'],
    ['POST', '/'],
    ['POST', '/api/sync/tickets'],
    ['GET', '/health/../api/sync/status'],
    ['GET', '/health/%2e%2e/api/sync/status'],
    ['GET', '/%61pi/sync/status'],
    ['GET', '//health'],
    ['GET', '/health/'],
    ['GET', '/api/sync/status?/health'],
    ['HEAD', '/api/sync/status'],
  ])('%s %s needs it', async (method, path) => {
    expect((await api.request(method, path)).status).toBe(401);
  });

  test('/health, the page and its files need none; they hold no data', async () => {
    expect((await api.get('/health')).status).toBe(200);
    expect((await api.get('/style.css')).status).toBe(200);
    const page = await api.get('/');
    expect(page.status).toBe(200);
    for (const [, file] of page.text.matchAll(/"(\/assets\/[^"]+)"/g)) {
      const asset = await api.get(file as string);
      expect(asset.status).toBe(200);
      expect(asset.text).not.toContain('secret-project');
    }
    expect(page.text).not.toContain('secret-project');
  });

  test('bound elsewhere, any Host is answered: the token protects', async () => {
    expect((await api.get(STATUS, { ...bearer, host: 'sync.example' })).status).toBe(200);
  });

  test('a ticket opens the feed once, and nothing else', async () => {
    const issue = async () => {
      const answer = await api.send('POST', '/api/sync/tickets', undefined, bearer);
      expect(answer.status).toBe(201);
      return answer.body.ticket as string;
    };
    const ticket = await issue();
    expect((await api.get(`/api/sync/events?ticket=${ticket}`)).status).toBe(200);
    expect((await api.get(`/api/sync/events?ticket=${ticket}`)).status).toBe(401);
    const other = await issue();
    expect((await api.get(`/api/sync/status?ticket=${other}`)).status).toBe(401);
    expect((await api.send('POST', `/api/sync/events?ticket=${other}`)).status).toBe(401);
    expect((await api.get(`/api/sync/events?ticket=${other}x`)).status).toBe(401);
    expect((await api.get(`/api/sync/events?ticket=${other}`)).status).toBe(200);
  });

  test('a ticket does not excuse a foreign origin', async () => {
    const { body } = await api.send('POST', '/api/sync/tickets', undefined, bearer);
    const answer = await api.get(`/api/sync/events?ticket=${body.ticket}`, { origin: 'http://evil.example' });
    expect(answer.body.code).toBe('forbidden-origin');
  });
});

test('redeem() refuses a ticket after its minute, even when the wall clock was set back', async () => {
  const clock = createManualClock();
  const tickets = createTickets({ clock });
  const late = tickets.issue(CALLER);
  await clock.advance(59_999);
  const early = tickets.issue(CALLER);
  clock.set(late.expiresAt - 3_600_000);
  await clock.advance(1);
  expect(tickets.redeem(late.ticket)).toBeNull();
  expect(tickets.redeem(early.ticket)).toBe(CALLER);
  expect(tickets.redeem(early.ticket)).toBeNull();
});

test('issue() keeps a bounded number of tickets and drops the oldest', () => {
  const tickets = createTickets({ clock: createManualClock() });
  const first = tickets.issue(CALLER).ticket;
  const others = Array.from({ length: 1_000 }, () => tickets.issue(CALLER).ticket);
  expect(tickets.redeem(first)).toBeNull();
  expect(tickets.redeem(others[0] ?? '')).toBe(CALLER);
  expect(new Set(others).size).toBe(1_000);
});
