// What every route has in common: unknown paths, wrong methods, bodies, and how failures are answered.

import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../src/host/log.ts';
import { problemOf, statusOf } from '../../src/http/problem.ts';
import { Failure } from '../../src/model/failure.ts';
import { FAILURES, type FailureCode } from '../../src/model/failure-codes.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let api: Fixture;
beforeAll(async () => {
  api = await createFixture();
});
afterAll(() => api.close());

const TRIGGER = '/api/sync/trigger';

test.each([
  '/nowhere',
  '/api/sync',
  '/api/sync/status/',
  '/API/SYNC/STATUS',
  '//api/sync/status',
  '/api/sync/projects/a/b',
  '/api/sync/projects/a/pause/now',
  '/api/sync/trigger/a%2Fb/c',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/style.css/..%2f..%2fpackage.json',
  '/%00',
  '/%ff',
])('%s is answered 404', async (path) => {
  const answer = await api.get(path);
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ success: false, status: 404, code: 'not-found', title: 'Not found' });
  expect(answer.body.type).toBe('urn:gitferry:problem:not-found');
  expect(answer.body.action).toContain('/openapi.json');
});

test.each([
  ['DELETE', '/api/sync/status', 'GET, HEAD'],
  ['GET', '/api/sync/start', 'POST'],
  ['POST', '/api/sync/history', 'DELETE, GET, HEAD'],
  ['PUT', '/api/sync/projects/blog', 'DELETE, GET, HEAD, PATCH'],
  ['POST', '/api/sync/config', 'GET, HEAD, PUT'],
  ['OPTIONS', '/health', 'GET, HEAD'],
  ['POST', '/api/sync/events', 'GET, HEAD'],
  ['GET', '/api/sync/projects/blog/pause', 'POST'],
])('%s %s is answered 405 with Allow', async (method, path, allow) => {
  const answer = await api.request(method, path);
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe(allow);
  expect(answer.body.code).toBe('method-not-allowed');
});

test('HEAD is answered where GET is, and does not leave a feed open', async () => {
  expect((await api.request('HEAD', '/api/sync/status')).status).toBe(200);
  const feed = await api.request('HEAD', '/api/sync/events', { headers: { accept: 'text/event-stream' } });
  expect(feed.status).toBe(200);
  expect(api.bus.listeners()).toBe(0);
});

test.each(['{', '[1,', '{"a":1}}', "{'immediate':true}", 'true false', 'NaN', '\u0000', '['.repeat(500_000)])(
  'a body that is not JSON is answered 400 (%#)',
  async (body) => {
    const answer = await api.request('POST', TRIGGER, {
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('malformed-json');
  },
);

test('a body that is not UTF-8 is malformed', async () => {
  const answer = await api.request('POST', TRIGGER, { body: new Uint8Array([0x22, 0xff, 0x22]) });
  expect(answer.body.code).toBe('malformed-json');
});

test('a malformed body is never quoted back', async () => {
  const answer = await api.request('POST', TRIGGER, { body: '{"token": ghp_0123456789abcdefghijklmnop' });
  expect(answer.text).not.toContain('ghp_');
});

test.each(['5', '"x"', 'null', '[]', 'true'])('the body %s is answered 400', async (body) => {
  const answer = await api.request('POST', TRIGGER, { body });
  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('invalid-request');
});

test.each([
  '/api/sync/start',
  TRIGGER,
  '/api/sync/projects',
  '/api/sync/projects/x/resume',
  '/api/sync/tickets',
])('an unknown body key is named by POST %s', async (path) => {
  const answer = await api.send('POST', path, { path: '/x', bogusKey: 1 });
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toContainEqual({ path: 'bogusKey', message: '"bogusKey" is not a known key' });
  expect(answer.body.detail).toContain('bogusKey');
});

test.each(['__proto__', 'constructor', 'toString'])(
  'the body key "%s" is just an unknown key',
  async (key) => {
    const answer = await api.request('POST', TRIGGER, { body: `{"${key}": {"immediate": true}}` });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(key);
  },
);

test.each([
  undefined,
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'nonsense',
])('JSON is read whatever the content type says (%s)', async (contentType) => {
  const headers = contentType === undefined ? {} : { 'content-type': contentType };
  const bad = await api.request('POST', TRIGGER, {
    body: new TextEncoder().encode('{"priority":11}'),
    headers,
  });
  expect(bad.body.errors[0].path).toBe('priority');
  const form = await api.request('POST', TRIGGER, { body: 'priority=1', headers });
  expect(form.body.code).toBe('malformed-json');
});

test('an empty body counts as {} where everything is optional, with and without a content type', async () => {
  expect((await api.request('POST', TRIGGER)).status).toBe(202);
  expect((await api.request('POST', TRIGGER, { body: '  \n' })).status).toBe(202);
  const json = { 'content-type': 'application/json' };
  expect((await api.request('POST', TRIGGER, { headers: json })).status).toBe(202);
});

describe('a body over 1 MiB', () => {
  const big = `{"path":"${'x'.repeat(1024 * 1024)}"}`;

  test('is answered 413', async () => {
    const answer = await api.request('POST', '/api/sync/projects', { body: big });
    expect(answer.status).toBe(413);
    expect(answer.body.code).toBe('body-too-large');
  });

  test('is answered 413 from its content-length alone', async () => {
    const headers = { 'content-length': String(1024 * 1024 + 1) };
    expect((await api.request('POST', '/api/sync/projects', { body: '{}', headers })).status).toBe(413);
  });

  test('is answered 413 when it comes in chunks without a length, and reading stops', async () => {
    let chunks = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
      },
    });
    const init = { body, duplex: 'half' } as RequestInit;
    expect((await api.request('POST', '/api/sync/projects', init)).status).toBe(413);
    expect(chunks).toBeLessThan(25);
  });

  test('of exactly 1 MiB is read', async () => {
    const body = '{}'.padEnd(1024 * 1024, ' ');
    expect((await api.request('POST', TRIGGER, { body })).status).toBe(202);
  });
});

test('a body that drips is answered 408 when its time is over, and reading stops', async () => {
  const clock = createManualClock();
  const slow = await createFixture({ clock });
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await clock.sleep(1_000);
      controller.enqueue(new Uint8Array([0x20]));
    },
    cancel() {
      isCancelled = true;
    },
  });
  const answer = slow.request('POST', TRIGGER, { body, duplex: 'half' } as RequestInit);
  await clock.advance(29_000);
  expect(isCancelled).toBe(false);
  await clock.advance(1_000);
  const { status, body: problem, headers } = await answer;
  expect(status).toBe(408);
  expect(problem).toMatchObject({ code: 'body-too-slow', detail: 'The body was not complete after 30 s.' });
  expect(headers.get('connection')).toBe('close');
  expect(isCancelled).toBe(true);
  // What comes in time is read, however slowly.
  const inTime = slow.request('POST', TRIGGER, { body: dripping(clock, 29), duplex: 'half' } as RequestInit);
  await clock.advance(29_000);
  expect((await inTime).status).toBe(202);
  await slow.close();
});

/** A byte a second. */
function dripping(clock: ManualClock, sizeBytes: number): ReadableStream<Uint8Array> {
  let left = sizeBytes;
  return new ReadableStream({
    async pull(controller) {
      await clock.sleep(1_000);
      controller.enqueue(new Uint8Array([0x20]));
      left -= 1;
      if (left === 0) controller.close();
    },
  });
}

test('a body that breaks off is answered 400', async () => {
  const body = new ReadableStream({
    pull(controller) {
      controller.error(new Error('connection lost'));
    },
  });
  const answer = await api.request('POST', TRIGGER, { body, duplex: 'half' } as RequestInit);
  expect(answer.status).toBe(400);
});

describe('a fault of the service', () => {
  test('that is unknown is answered 500 without its text, and logged under the answered id', async () => {
    const lines: string[] = [];
    const log = createLog(
      'info',
      new Writable({
        write(chunk, _encoding, done) {
          lines.push(String(chunk));
          done();
        },
      }),
    );
    const start = async () => {
      throw new TypeError('secret internals at /home/u');
    };
    const faulty = await createFixture({ service: { start }, log });
    const answer = await faulty.send('POST', '/api/sync/start');
    await faulty.close();
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ success: false, code: 'internal-error', title: 'Internal error' });
    expect(answer.text).not.toContain('secret internals');
    const errorId = /under ([\w-]+)\./.exec(answer.body.detail)?.[1];
    const logged = lines.map((line) => JSON.parse(line)).find((line) => line.errorId === errorId);
    expect(logged.err.message).toBe('secret internals at /home/u');
  });

  test.each([
    ['database-busy', 503],
    ['database-unreachable', 503],
    ['service-stopped', 409],
    ['disk-full', 500],
  ] as const)('%s is answered %i with its code and action', async (code, status) => {
    const triggerAll = async () => {
      throw new Failure(code, 'it failed with https://u:pw@host/x', { data: { retryAfterMs: 2_100 } });
    };
    const faulty = await createFixture({ service: { triggerAll } });
    const answer = await faulty.send('POST', TRIGGER);
    await faulty.close();
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ success: false, code, status, action: FAILURES[code].action });
    expect(answer.body.detail).toBe('it failed with https://host/x');
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '3' : null);
  });
});

test.each(Object.keys(FAILURES) as FailureCode[])('the code %s has an HTTP status and a title', (code) => {
  expect(statusOf(code)).toBeGreaterThanOrEqual(400);
  expect(problemOf(new Failure(code, 'x')).title).toMatch(/^[A-Z][a-z ]+/);
});
