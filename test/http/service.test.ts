// Start, stop, status, trigger, queue, health and configuration.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { pauseGate } from '../../src/queue/gates.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let api: Fixture;
beforeAll(async () => {
  api = await createFixture();
  await api.addProject('blog');
  await api.addProject('notes');
  await api.addProject('off', { enabled: false });
});
afterAll(() => api.close());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test('POST start and stop answer a message and the status, also the second time', async () => {
  const stopped = await api.send('POST', '/api/sync/stop');
  expect(stopped.status).toBe(200);
  expect(stopped.body).toMatchObject({ success: true, status: { serviceRunning: false } });
  const again = await api.send('POST', '/api/sync/stop');
  expect(again.body.message).not.toBe(stopped.body.message);
  const started = await api.send('POST', '/api/sync/start');
  expect(started.body).toMatchObject({ success: true, status: { serviceRunning: true } });
  expect((await api.send('POST', '/api/sync/start')).status).toBe(200);
});

test('GET status has every field of the contract', async () => {
  await pauseGate(api.db, {
    key: 'host:github.com',
    pauseMs: 60_000,
    reason: 'rate-limited',
    remaining: 0,
    limit: 5_000,
  });
  const { status, body } = await api.get('/api/sync/status');
  expect(status).toBe(200);
  expect(body).toEqual({
    success: true,
    status: {
      serviceRunning: true,
      version: '0.1.0',
      machineId: 'laptop',
      startedAt: ISO,
      uptimeMs: expect.any(Number),
      scheduler: {
        running: true,
        startedAt: '1970-01-01T00:00:01.000Z',
        lastScanAt: '1970-01-01T00:00:02.000Z',
        nextScanAt: null,
        stats: {
          queueSize: 0,
          activeSyncs: 0,
          totalSyncs: 0,
          successfulSyncs: 0,
          failedSyncs: 0,
          successRate: 1,
          averageDurationMs: 0,
          p95DurationMs: 0,
          throughputPerMinute: 0,
        },
      },
      gates: [
        {
          ...{ key: 'host:github.com', state: 'paused', strikes: 1 },
          ...{ pausedUntil: ISO, reason: 'rate-limited', remaining: 0, limit: 5_000 },
        },
      ],
      limits: [],
      projects: { total: 3, safe: 0, pending: 2, needsAttention: 0 },
      database: {
        ...{ kind: 'local', reachable: true, awaySince: null, reason: null, figuresAsOf: ISO },
        owed: { total: 0, projectIds: [] },
      },
      watcher: { mode: 'events', watched: 12, degradedReason: null },
    },
  });
});

test('POST trigger answers 202 with what was queued and what was not', async () => {
  const answer = await api.send('POST', '/api/sync/trigger', { immediate: true, priority: 7 });
  expect(answer.status).toBe(202);
  expect(answer.body).toEqual({
    success: true,
    scanned: 2,
    queued: [
      { projectId: 'blog', jobId: expect.stringMatching(/^\d+$/) },
      { projectId: 'notes', jobId: expect.stringMatching(/^\d+$/) },
    ],
    skipped: [{ projectId: 'off', reason: 'disabled' }],
  });
});

test('POST trigger/:projectId answers 202 with the job', async () => {
  const answer = await api.send('POST', '/api/sync/trigger/blog', { priority: 10 });
  expect(answer.status).toBe(202);
  expect(answer.body.job).toMatchObject({ projectId: 'blog', priority: 10, attempt: 0, startedAt: null });
  expect(answer.body.job.jobId).toMatch(/^\d+$/);
  expect(['ready', 'scheduled']).toContain(answer.body.job.state);
});

test.each([
  ['no-such', 404, 'project-not-found'],
  ['off', 409, 'project-disabled'],
  ['Blog', 404, 'project-not-found'],
  ['a%2Fb', 404, 'project-not-found'],
  ['%2e%2e%2f', 404, 'project-not-found'],
  ['blog%00', 404, 'project-not-found'],
  ['a'.repeat(101), 404, 'project-not-found'],
])('POST trigger/%s is answered %i %s', async (id, status, code) => {
  const answer = await api.send('POST', `/api/sync/trigger/${id}`, {});
  expect(answer.status).toBe(status);
  expect(answer.body.code).toBe(code);
});

test.each([
  [{ priority: 11 }, 'priority'],
  [{ priority: -1 }, 'priority'],
  [{ priority: 1.5 }, 'priority'],
  [{ priority: '5' }, 'priority'],
  [{ priority: null }, 'priority'],
  [{ immediate: 'yes' }, 'immediate'],
  [{ immediate: 1 }, 'immediate'],
])('POST trigger refuses %j', async (body, path) => {
  for (const route of ['/api/sync/trigger', '/api/sync/trigger/blog']) {
    const answer = await api.send('POST', route, body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('invalid-request');
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  }
});

test('POST trigger of a stopped service is answered 409', async () => {
  await api.send('POST', '/api/sync/stop');
  const answer = await api.send('POST', '/api/sync/trigger/blog');
  await api.send('POST', '/api/sync/start');
  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe('service-stopped');
});

test('GET queue answers waiting jobs, running jobs and the figures, page by page', async () => {
  const all = await api.get('/api/sync/queue');
  expect(all.status).toBe(200);
  expect(Object.keys(all.body.stats).sort()).toEqual(
    ['activeSyncs', 'oldestWaitMs', 'parked', 'queueSize', 'ready', 'scheduled'].sort(),
  );
  expect(all.body).toMatchObject({ success: true, active: [], nextCursor: null });
  const ids = all.body.queue.map((job: { projectId: string }) => job.projectId);
  expect([...ids].sort()).toEqual(['blog', 'notes']);
  const first = await api.get('/api/sync/queue?limit=1');
  const second = await api.get(`/api/sync/queue?limit=1&cursor=${first.body.nextCursor}`);
  expect([first, second].map((page) => page.body.queue[0].projectId)).toEqual(ids);
  const parked = await api.get('/api/sync/queue?state=parked');
  expect(parked.body.queue).toEqual([]);
});

test.each([
  'limit=0',
  'limit=501',
  'limit=x',
  'limit=',
  'limit=1&limit=2',
  'limit=-1',
  'limit=1e2',
  'state=idle',
  'state=x',
  'cursor=',
  'cursor=junk',
])('GET queue?%s is answered 400', async (query) => {
  const answer = await api.get(`/api/sync/queue?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('invalid-request');
});

test('GET health says what works, without details', async () => {
  const { status, body, text } = await api.get('/health');
  expect(status).toBe(200);
  const ok = { ok: true };
  expect(body).toEqual({
    success: true,
    status: 'ok',
    uptimeMs: expect.any(Number),
    version: '0.1.0',
    checks: { database: ok, scheduler: ok, watcher: ok, disk: ok },
  });
  expect(text).not.toContain('secret');
});

test.each([
  ['watcher', 200, 'degraded'],
  ['disk', 200, 'degraded'],
  ['database', 503, 'down'],
  ['scheduler', 503, 'down'],
] as const)('GET health with a failing %s answers %i %s', async (name, status, word) => {
  const ok = { ok: true, detail: '' };
  const checks = { database: ok, scheduler: ok, watcher: ok, disk: ok, [name]: { ok: false, detail: 'x' } };
  const faulty = await createFixture({ service: { health: async () => checks } });
  const answer = await faulty.get('/health');
  await faulty.close();
  expect(answer.status).toBe(status);
  expect(answer.body.status).toBe(word);
  expect(answer.body.checks[name]).toEqual({ ok: false });
});

test('GET health answers 503 when the check itself fails', async () => {
  const health = async () => {
    throw new Error('cannot');
  };
  const faulty = await createFixture({ service: { health } });
  const answer = await faulty.get('/health');
  await faulty.close();
  expect(answer.status).toBe(503);
  expect(answer.body.status).toBe('down');
});

test('GET config answers effective values and where they came from', async () => {
  const { status, body } = await api.get('/api/sync/config');
  expect(status).toBe(200);
  expect(body.config).toMatchObject({
    port: 3001,
    host: 'localhost',
    corsOrigin: 'http://localhost:3000',
    schedulerOptions: { scanInterval: 300_000, maxConcurrentSyncs: 3, dbPath: './data/sync-queue.db' },
  });
  expect(body.sources).toMatchObject({ port: 'default', 'schedulerOptions.scanInterval': 'default' });
});

test('PUT config applies a part of it and says what waits for a restart', async () => {
  const answer = await api.send('PUT', '/api/sync/config', {
    port: 4000,
    schedulerOptions: { maxRetries: 7 },
  });
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ success: true, restartRequired: ['port'] });
  expect(answer.body.config.schedulerOptions.maxRetries).toBe(7);
  expect((await api.get('/api/sync/config')).body.sources.port).toBe('saved');
});

test('PUT config names every fault and changes nothing', async () => {
  const body = { port: 99_999, bogus: 1, schedulerOptions: { maxRetries: 9, scanIntervall: 5 } };
  const answer = await api.send('PUT', '/api/sync/config', body);
  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('invalid-request');
  const paths = answer.body.errors.map((error: { path: string }) => error.path);
  expect(paths).toEqual(expect.arrayContaining(['port', 'bogus', 'schedulerOptions.scanIntervall']));
  expect((await api.get('/api/sync/config')).body.config.schedulerOptions.maxRetries).not.toBe(9);
});

test('PUT config answers the faults that only the settings know of in the same form', async () => {
  const answer = await api.send('PUT', '/api/sync/config', { apiToken: 'a-new-token-of-some-length' });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'invalid-request', title: 'Invalid request' });
  expect(answer.body.errors[0].path).toBe('apiToken');
  expect(answer.text).not.toContain('a-new-token');
});
