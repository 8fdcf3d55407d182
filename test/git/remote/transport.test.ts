import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { discoverRefs } from '../../../src/git/remote/discover.ts';
import { startIdleWatch } from '../../../src/git/remote/idle-watch.ts';
import {
  createTransport,
  type GitTransport,
  type TransportInput,
} from '../../../src/git/remote/transport.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { networkFailure } from '../../../src/host/network-failure.ts';
import { Failure } from '../../../src/model/failure.ts';
import { failureOf } from '../../support/failure-of.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const TOKEN = `ghp_${'s3cret'.repeat(6)}`;
const never = new AbortController().signal;
const INFO_REFS = '/info/refs?service=git-receive-pack';

let server: GitServer;
let other: GitServer;
let repo: { url: string; path: string };

beforeAll(async () => {
  [server, other] = await Promise.all([startGitServer(), startGitServer()]);
  repo = await server.createRepo('u/r');
});
afterEach(() => {
  for (const each of [server, other]) {
    each.clearFaults();
    each.requireToken(null);
    each.requests.length = 0;
  }
});
afterAll(() => Promise.all([server.stop(), other.stop()]));

const hostOf = (url: string) => new URL(url).host;

/** Credentials by host; by default the token for the first server only. */
function makeTransport(
  options: Partial<TransportInput> & { hosts?: Record<string, string> } = {},
): GitTransport {
  const hosts = options.hosts ?? { [hostOf(server.url)]: TOKEN };
  return createTransport({
    clock: systemClock,
    userAgent: 'gitferry/test',
    idleTimeoutMs: 10_000,
    credentialFor: async (host) => {
      const password = hosts[host];
      return password === undefined ? null : { username: 'x-access-token', password };
    },
    ...options,
  });
}

const get = (transport: GitTransport, url = repo.url + INFO_REFS, signal = never) =>
  transport.request({ method: 'GET', url, signal });

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const redirectTo = (location: string, status = 301) => new Response(null, { status, headers: { location } });

// --- credentials

test('request() sends the credential with the first request, and only the one of that host', async () => {
  server.requireToken(TOKEN);
  const response = await get(makeTransport());
  expect(await textOf(response.body)).toContain('# service=git-receive-pack');
  expect(response).toMatchObject({ status: 200, redirectedTo: null, requests: 1 });
  expect(server.requests).toHaveLength(1);
  const [, encoded = ''] = server.requests[0]?.auth?.split(' ') ?? [];
  expect(Buffer.from(encoded, 'base64').toString()).toBe(`x-access-token:${TOKEN}`);
});

test('request() ignores credentials inside the URL', async () => {
  const url = repo.url.replace('//', `//someone:${TOKEN}@`) + INFO_REFS;
  await textOf((await get(makeTransport({ hosts: {} }), url)).body);
  expect(server.requests[0]?.auth).toBeNull();
});

test('request() never takes a token along to another host', async () => {
  const target = await other.createRepo('u/moved');
  server.inject(/GET/, { kind: 'redirect', to: target.url + INFO_REFS });
  const response = await get(makeTransport());
  await textOf(response.body);
  expect(response).toMatchObject({ requests: 2, redirectedTo: target.url + INFO_REFS });
  expect(server.requests[0]?.auth).toMatch(/^Basic /);
  expect(other.requests.map(({ auth }) => auth)).toEqual([null]);
});

test('request() gives another host its own credential after a redirect', async () => {
  const target = await other.createRepo('u/guarded');
  other.requireToken('other-token');
  server.inject(/GET/, { kind: 'redirect', to: target.url + INFO_REFS, status: 307 });
  const hosts = { [hostOf(server.url)]: TOKEN, [hostOf(other.url)]: 'other-token' };
  expect((await get(makeTransport({ hosts }))).status).toBe(200);
  expect(other.requests[0]?.auth).toBe(`Basic ${btoa('x-access-token:other-token')}`);
});

test('request() refuses to send a credential over plain http before anything is sent', async () => {
  const asked: string[] = [];
  const transport = makeTransport({
    hosts: { 'git.example.com': TOKEN },
    fetch: async (url) => {
      asked.push(String(url));
      return new Response('');
    },
  });
  const failure = await failureOf(get(transport, 'http://git.example.com/u/r'));
  expect(failure.code).toBe('insecure-remote');
  expect(failure.message).not.toContain(TOKEN);
  expect(asked).toEqual([]);
  // Without a credential there is nothing to protect.
  await textOf((await get(transport, 'http://mirror.example.com/u/r')).body);
  expect(asked).toEqual(['http://mirror.example.com/u/r']);
});

test('request() does not let a redirect lower https to http', async () => {
  const seen: (string | null)[] = [];
  const transport = makeTransport({
    hosts: { 'git.example.com': TOKEN },
    fetch: async (_url, init) => {
      seen.push(new Headers(init?.headers).get('authorization'));
      return redirectTo('http://git.example.com/u/r');
    },
  });
  expect((await failureOf(get(transport, 'https://git.example.com/u/r'))).code).toBe('redirect-refused');
  expect(seen).toHaveLength(1);
});

// --- redirects

test.each([
  ['without an address', ''],
  ['to another scheme', 'file:///etc/passwd'],
])('request() refuses a redirect %s', async (_what, location) => {
  const transport = makeTransport({ fetch: async () => redirectTo(location) });
  const failure = await failureOf(get(transport));
  // An empty address is the same one again: it ends at the bound.
  expect(failure.code).toBe('redirect-refused');
});

test('request() gives up after five redirects', async () => {
  let asked = 0;
  const transport = makeTransport({
    fetch: async () => {
      asked += 1;
      return redirectTo(`/again/${asked}`, 302);
    },
  });
  expect((await failureOf(get(transport))).code).toBe('redirect-refused');
  expect(asked).toBe(6);
});

test('request() does not follow a redirect of an upload', async () => {
  server.inject(/POST/, { kind: 'redirect', to: other.url, status: 308 });
  const upload = makeTransport().request({
    method: 'POST',
    url: `${repo.url}/git-receive-pack`,
    body: Buffer.from('0000'),
    signal: never,
  });
  expect(await failureOf(upload)).toMatchObject({ code: 'redirect-refused', data: { status: 308 } });
  expect(other.requests).toEqual([]);
});

// --- answers

test.each([
  [401, {}, 'credential-rejected', {}],
  [403, {}, 'push-forbidden', {}],
  [404, {}, 'repository-not-found', {}],
  [413, {}, 'push-too-large', {}],
  [
    429,
    { 'retry-after': '7', 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0' },
    'rate-limited',
    {
      retryAfterMs: 7_000,
      remaining: 0,
      limit: 60,
    },
  ],
  [500, {}, 'remote-error', {}],
  [503, { 'retry-after': '3' }, 'remote-error', { retryAfterMs: 3_000 }],
])('request() names an answer of %d', async (status, headers, code, data) => {
  server.inject(/GET/, {
    kind: 'status',
    status,
    headers: headers as Record<string, string>,
    body: `see ${TOKEN}`,
  });
  const failure = await failureOf(get(makeTransport()));
  const host = hostOf(server.url);
  expect(failure.code).toBe(code);
  expect(failure.message).toBe(`${host} answered ${status}: see [redacted]`);
  expect(failure.data).toEqual({
    host,
    status,
    requestId: 'TEST:1',
    ...data,
    ...(code === 'rate-limited' ? { gate: `host:${host}` } : {}),
  });
});

/** A source that makes a new token when it is told that the old one was refused, as often as `makes` says. */
function renewing(makes: number) {
  const state = { token: 'ended', renewals: 0 };
  const credentialFor: TransportInput['credentialFor'] = async () => ({
    ...{ username: 'x-access-token', password: state.token },
    async renew() {
      state.renewals += 1;
      if (state.renewals > makes) return false;
      state.token = `renewed-${state.renewals}`;
      return true;
    },
  });
  return { state, credentialFor };
}

test('request() has a refused credential renewed once, and asks again with the new one', async () => {
  server.requireToken('renewed-1');
  const { state, credentialFor } = renewing(9);
  const answer = await get(makeTransport({ credentialFor }));
  expect(await textOf(answer.body)).toContain('service=git-receive-pack');
  expect(state.renewals).toBe(1);
  expect(server.requests.map(({ status }) => status)).toEqual([401, 200]);
});

test.each([
  ['a new one that is refused too', 9, 2],
  ['none to be had', 0, 1],
])('request() says that the credential is rejected, with %s', async (_what, makes, requests) => {
  server.requireToken('another');
  const { state, credentialFor } = renewing(makes);
  expect((await failureOf(get(makeTransport({ credentialFor })))).code).toBe('credential-rejected');
  expect(state.renewals).toBe(1);
  expect(server.requests).toHaveLength(requests);
});

test('request() leaves an upload that cannot be sent again to the next try, with a new credential', async () => {
  server.requireToken('renewed-1');
  const { state, credentialFor } = renewing(9);
  const body = (async function* () {
    yield new Uint8Array([0x30]);
  })();
  const url = `${repo.url}/git-receive-pack`;
  const upload = makeTransport({ credentialFor }).request({ method: 'POST', url, body, signal: never });
  expect(await failureOf(upload)).toMatchObject({ code: 'remote-error', retryable: true });
  expect(state.token).toBe('renewed-1');
  expect(server.requests).toHaveLength(1);
});

test('request() tells a missing credential from a rejected one', async () => {
  server.requireToken('another');
  expect((await failureOf(get(makeTransport()))).code).toBe('credential-rejected');
  expect((await failureOf(get(makeTransport({ hosts: {} })))).code).toBe('credential-missing');
});

test('request() pauses the host for a secondary rate limit', async () => {
  const body = 'You have exceeded a secondary rate limit.';
  server.inject(/GET/, { kind: 'status', status: 403, body });
  const failure = await failureOf(get(makeTransport()));
  expect(failure).toMatchObject({ code: 'rate-limited', data: { gate: `host:${hostOf(server.url)}` } });
});

test('request() takes a web page for a network login, not for git', async () => {
  server.inject(/GET/, { kind: 'html' });
  const failure = await failureOf(get(makeTransport()));
  expect(failure).toMatchObject({ code: 'offline', data: { gate: `host:${hostOf(server.url)}` } });
});

test('request() keeps at most 8 KiB of a refusal', async () => {
  server.inject(/GET/, { kind: 'status', status: 400, body: 'x'.repeat(1_000_000) });
  expect((await failureOf(get(makeTransport()))).message.length).toBeLessThan(8_192);
});

// --- network

test('request() says offline when nobody listens', async () => {
  const idle = createServer();
  await new Promise<void>((resolve) => idle.listen(0, '127.0.0.1', resolve));
  const { port } = idle.address() as { port: number };
  await new Promise((resolve) => idle.close(resolve));
  const failure = await failureOf(get(makeTransport(), `http://127.0.0.1:${port}/u/r`));
  expect(failure).toMatchObject({ code: 'offline', data: { gate: `host:127.0.0.1:${port}` } });
});

test('request() says offline when the name is unknown', async () => {
  const failure = await failureOf(get(makeTransport(), 'https://nowhere.invalid/u/r'));
  expect(failure).toMatchObject({ code: 'offline', data: { host: 'nowhere.invalid' } });
});

test('request() says remote-error when the connection is reset', async () => {
  server.inject(/GET/, { kind: 'reset' });
  expect((await failureOf(get(makeTransport()))).code).toBe('remote-error');
});

test.each([
  [
    'error sending request: client error (Connect): dns error: failed to lookup address information',
    'offline',
  ],
  [
    'error sending request: client error (Connect): tcp connect error: Network is unreachable (os error 101)',
    'offline',
  ],
  [
    'error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)',
    'offline',
  ],
  ['error sending request: operation timed out', 'remote-timeout'],
  ['error sending request: connection closed before message completed', 'remote-error'],
])('networkFailure() reads %s', (text, code) => {
  const error = new TypeError(`${text} for url (https://u:${TOKEN}@git.example.com/)`);
  const failure = networkFailure(error, 'git.example.com');
  expect(failure.code).toBe(code);
  expect(failure.message).not.toContain(TOKEN);
});

test.each([
  ['ENOTFOUND', 'offline'],
  ['EAI_AGAIN', 'offline'],
  ['ENETUNREACH', 'offline'],
  ['ECONNREFUSED', 'offline'],
  ['ECONNRESET', 'remote-error'],
  ['CERT_HAS_EXPIRED', 'remote-error'],
  ['ETIMEDOUT', 'remote-timeout'],
])('networkFailure() finds %s inside the causes', (code, expected) => {
  const inner = Object.assign(new Error('inner'), { code });
  const error = new TypeError('fetch failed', { cause: new AggregateError([inner]) });
  expect(networkFailure(error, 'git.example.com').code).toBe(expected);
});

// --- time

test('request() gives up on a server that does not answer', async () => {
  const held = server.inject(/GET/, { kind: 'held' });
  const failure = await failureOf(get(makeTransport({ idleTimeoutMs: 150 })));
  expect(failure).toMatchObject({ code: 'remote-timeout', data: { host: hostOf(server.url) } });
  held.release();
});

test('request() gives up on a server that stops in the middle of its answer', async () => {
  const held = server.inject(/GET/, { kind: 'held-body' });
  const reading = get(makeTransport({ idleTimeoutMs: 150 })).then(({ body }) => textOf(body));
  expect((await failureOf(reading)).code).toBe('remote-timeout');
  held.release();
});

test('request() ends with the reason of its caller', async () => {
  const held = server.inject(/GET/, { kind: 'held' }, 2);
  const plain = new AbortController();
  const first = failureOf(get(makeTransport(), undefined, plain.signal));
  await held.met;
  plain.abort();
  expect((await first).code).toBe('aborted');
  const timed = new AbortController();
  timed.abort(new Failure('job-timeout', 'too long'));
  expect((await failureOf(get(makeTransport(), undefined, timed.signal))).code).toBe('job-timeout');
  held.release();
});

test('startIdleWatch() counts from the last touch', async () => {
  const clock = createManualClock();
  const watch = startIdleWatch({ clock, timeoutMs: 1_000, signal: never, host: 'git.example.com' });
  await clock.advance(900);
  watch.touch();
  await clock.advance(999);
  expect(watch.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(watch.failure()?.code).toBe('remote-timeout');
  expect(watch.signal.aborted).toBe(true);
});

test('startIdleWatch() leaves no timer behind when it is stopped', () => {
  const clock = createManualClock();
  const watch = startIdleWatch({ clock, timeoutMs: 1_000, signal: never, host: 'git.example.com' });
  watch.stop();
  expect(clock.nextTimerMs()).toBeNull();
});

// --- discovery

test('discoverRefs() reads an empty repository as one without refs', async () => {
  const found = await discoverRefs(makeTransport(), `${repo.url}/`, never);
  expect(found).toMatchObject({ url: repo.url, redirectedTo: null, requests: 1 });
  expect(found.refs.size).toBe(0);
  expect(found.capabilities.has('report-status')).toBe(true);
  expect(found.capabilities.has('side-band-64k')).toBe(true);
});

test('discoverRefs() names the new address of a repository that has moved', async () => {
  const target = await other.createRepo('u/renamed');
  server.inject(/GET/, { kind: 'redirect', to: target.url + INFO_REFS });
  const found = await discoverRefs(makeTransport(), repo.url, never);
  expect(found).toMatchObject({ url: target.url, redirectedTo: target.url, requests: 2 });
});

test('discoverRefs() refuses a redirect that leads to no repository', async () => {
  const target = await other.createRepo('u/landing');
  server.inject(/GET/, { kind: 'redirect', to: `${target.url}${INFO_REFS}&welcome=1` });
  expect((await failureOf(discoverRefs(makeTransport(), repo.url, never))).code).toBe('redirect-refused');
});

test.each([0, 4, 31, 35, 60])(
  'discoverRefs() never takes an answer cut after %d bytes for an empty remote',
  async (afterBytes) => {
    server.inject(/GET/, { kind: 'truncated', afterBytes, clean: true });
    expect((await failureOf(discoverRefs(makeTransport(), repo.url, never))).code).toBe(
      'remote-invalid-answer',
    );
    server.inject(/GET/, { kind: 'truncated', afterBytes });
    expect((await failureOf(discoverRefs(makeTransport(), repo.url, never))).code).toBe('remote-error');
  },
);

test('discoverRefs() refuses what is no git answer', async () => {
  server.inject(/GET/, { kind: 'status', status: 200, body: 'hello' });
  expect((await failureOf(discoverRefs(makeTransport(), repo.url, never))).code).toBe(
    'remote-invalid-answer',
  );
});

test('discoverRefs() reads a refusal inside the answer', async () => {
  server.inject(/GET/, { kind: 'status', status: 200, body: '001dERR Repository not found.0000' });
  expect((await failureOf(discoverRefs(makeTransport(), repo.url, never))).code).toBe('repository-not-found');
});
