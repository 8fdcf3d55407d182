// What Prometheus reads, and what the log says of requests.

import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../src/host/log.ts';
import { Failure } from '../../src/model/failure.ts';
import { pauseGate } from '../../src/queue/gates.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture, TOKEN } from './api-fixture.ts';
import { listen, until } from './feed-client.ts';

let api: Fixture;
beforeAll(async () => {
  api = await createFixture();
  await api.addProject('blog');
});
afterAll(() => api.close());

/** The value of one series; undefined when there is none. */
async function read(fixture: Fixture, series: string): Promise<number | undefined> {
  const { status, text, headers } = await fixture.get('/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('syncs are counted by outcome, code and trigger, with how long they took', async () => {
  const run = (status: string, durationMs: number, error: object | null) => ({
    type: 'run.finished' as const,
    data: { status, trigger: 'watch', durationMs, error },
  });
  await api.bus.publish([
    run('success', 40, null),
    run('success', 3_000, null),
    run('failed', 10, { code: 'push-rejected', detail: '', action: '' }),
  ]);
  await until(() => api.bus.latestId() > 0);
  await expect
    .poll(() => read(api, 'gitferry_runs_total{status="failed",trigger="watch",code="push-rejected"}'))
    .toBe(1);
  expect(await read(api, 'gitferry_runs_total{status="success",trigger="watch",code=""}')).toBe(2);
  expect(await read(api, 'gitferry_run_duration_seconds_bucket{le="0.05",status="success"}')).toBe(1);
  expect(await read(api, 'gitferry_run_duration_seconds_sum{status="success"}')).toBeCloseTo(3.04);
});

test('queue, gates, projects and watcher are as they are now', async () => {
  await api.send('POST', '/api/sync/trigger', { immediate: true });
  const waiting = async () =>
    ((await read(api, 'gitferry_queue_jobs{state="ready"}')) ?? 0) +
    ((await read(api, 'gitferry_queue_jobs{state="scheduled"}')) ?? 0);
  expect(await waiting()).toBe(1);
  expect(await read(api, 'gitferry_queue_jobs{state="running"}')).toBe(0);
  await pauseGate(api.db, {
    ...{ key: 'host:github.com', pauseMs: 60_000, reason: 'rate-limited', remaining: 0, limit: 5_000 },
  });
  api.bus.notify();
  expect(await read(api, 'gitferry_gate_paused{gate="host:github.com",reason="rate-limited"}')).toBe(1);
  await expect.poll(() => read(api, 'gitferry_gate_pauses_total{reason="rate-limited"}')).toBe(1);
  expect(await read(api, 'gitferry_projects{state="pending"}')).toBe(1);
  expect(await read(api, 'gitferry_watcher_mode{mode="events"}')).toBe(1);
  expect(await read(api, 'gitferry_watcher_mode{mode="scan-only"}')).toBe(0);
  expect(await read(api, 'gitferry_watcher_projects')).toBe(12);
  expect(await read(api, 'gitferry_scheduler_running')).toBe(1);
  expect(await read(api, 'gitferry_database_up')).toBe(1);
});

test('open feeds are counted, and the metrics are no listener themselves', async () => {
  expect(api.bus.listeners()).toBe(0);
  const server = await listen(api);
  const feed = await server.connect();
  await until(() => feed.messages.length === 1);
  expect(await read(api, 'gitferry_feed_listeners')).toBe(1);
  feed.socket.terminate();
  await until(() => api.bus.listeners() === 0);
  expect(await read(api, 'gitferry_feed_listeners')).toBe(0);
  await server.close();
});

test('the lag of the event loop is how late a timer comes', async () => {
  const clock = createManualClock();
  const own = await createFixture({ clock });
  await clock.advance(5_000);
  expect(await read(own, 'gitferry_event_loop_lag_seconds_count')).toBe(10);
  expect(await read(own, 'gitferry_event_loop_lag_seconds_sum')).toBe(0);
  await own.close();
});

test('requests are counted by their route, never by their address', async () => {
  await api.get('/api/sync/projects/blog');
  await api.get('/api/sync/projects/no-such');
  await api.get('/nowhere/secret-address');
  const { text } = await api.get('/metrics');
  expect(text).toMatch(
    /http_request_duration_seconds_count\{method="GET",route="\/api\/sync\/projects\/:projectId",status="200"\} 1/,
  );
  expect(text).toMatch(/route="none",status="404"/);
  expect(text).not.toContain('secret-address');
  expect(text).not.toContain('no-such');
});

test('without the database the rest is answered, and that it is away', async () => {
  let fault: unknown = null;
  const own = await createFixture({ databaseFault: () => fault });
  fault = new Failure('database-unreachable', 'away');
  expect(await read(own, 'gitferry_database_up')).toBe(0);
  expect(await read(own, 'gitferry_scheduler_running')).toBe(1);
  fault = null;
  expect(await read(own, 'gitferry_database_up')).toBe(1);
  await own.close();
});

test('the metrics need a token where everything does', async () => {
  const own = await createFixture({ access: { apiToken: TOKEN } });
  expect((await own.get('/metrics')).status).toBe(401);
  expect((await own.get('/metrics', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  await own.close();
});

test('every answer names its request, and the debug log has it, without a query', async () => {
  const lines: string[] = [];
  const into = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const own = await createFixture({ log: createLog('debug', into) });
  const given = await own.get('/api/sync/events?ticket=abc', { 'x-request-id': 'trace-7.a_b' });
  expect(given.headers.get('x-request-id')).toBe('trace-7.a_b');
  const logged = lines.map((line) => JSON.parse(line)).find((line) => line.requestId === 'trace-7.a_b');
  expect(logged).toMatchObject({ level: 'debug', method: 'GET', path: '/api/sync/events', status: 200 });
  expect(logged).toMatchObject({ caller: 'local', msg: 'request answered' });
  expect(lines.join('')).not.toContain('abc');
  for (const bad of ['x'.repeat(65), 'a b', 'ü', '"', `gitferry_${'A'.repeat(43)}`]) {
    const answer = await own.request('GET', '/nowhere', { headers: { 'x-request-id': encodeURI(bad) } });
    expect(answer.headers.get('x-request-id')).not.toBe(bad);
    expect(answer.headers.get('x-request-id')?.length).toBeGreaterThan(5);
  }
  expect((await own.get('/nowhere', { host: 'evil.example' })).headers.get('x-request-id')).toBeTruthy();
  await own.close();
});
