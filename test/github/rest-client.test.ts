import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEmulator } from 'emulate';
import { afterEach, expect, test } from 'vitest';
import type { GithubApiInput } from '../../src/github/api.ts';
import { createPace } from '../../src/github/pace.ts';
import { createGithubClient } from '../../src/github/rest-client.ts';
import { systemClock } from '../../src/host/clock.ts';
import { Failure } from '../../src/model/failure.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const TOKEN = 'tokenthatmustnotshow';
const REPOSITORY = { host: 'github.com', owner: 'octocat', name: 'hello' };
const FOUND = {
  full_name: 'octocat/hello',
  clone_url: 'https://github.com/octocat/hello.git',
  archived: false,
  private: true,
  default_branch: 'main',
  permissions: { push: true },
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real server that answers as told and keeps what was asked. */
async function serve(handler: Handler) {
  const requests: { url: string; authorization: string | undefined; userAgent: string | undefined }[] = [];
  const server: Server = createServer((request, response) => {
    requests.push({
      url: request.url ?? '',
      authorization: request.headers.authorization,
      userAgent: request.headers['user-agent'],
    });
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };

function client(url: string | null, input: Partial<GithubApiInput> = {}) {
  const logged: string[] = [];
  const made = createGithubClient({
    apiUrlFor: () => url,
    tokenFor: async () => ({ key: 'github.com', token: TOKEN }),
    pace: createPace({ clock: systemClock }),
    userAgent: 'gitferry/test',
    clock: systemClock,
    log: { debug: (...parts: unknown[]) => void logged.push(JSON.stringify(parts)) },
    ...input,
  });
  return { ...made, logged };
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.catch((error: unknown) => error);
  if (!(outcome instanceof Failure)) throw new Error(`no failure but ${String(outcome)}`);
  expect(outcome.message).not.toContain(TOKEN);
  return outcome;
}

test('lookUpRepository() finds repositories of a stateful GitHub, also archived ones', async () => {
  const github = await createEmulator({
    service: 'github',
    port: 0,
    hostname: '127.0.0.1',
    seed: {
      tokens: { [TOKEN]: { login: 'octocat', scopes: ['repo'] } },
      github: {
        users: [{ login: 'octocat' }],
        repos: [
          { owner: 'octocat', name: 'hello', private: true, auto_init: true },
          { owner: 'octocat', name: 'old' },
        ],
      },
    },
  });
  closers.push(() => github.close());
  await fetch(`${github.url}/repos/octocat/old`, {
    method: 'PATCH',
    headers: { authorization: `token ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ archived: true }),
  });
  const { lookUpRepository } = client(github.url);
  expect(await lookUpRepository(REPOSITORY)).toEqual({
    kind: 'found',
    fullName: 'octocat/hello',
    cloneUrl: `${github.url}/octocat/hello.git`,
    archived: false,
    private: true,
    defaultBranch: 'main',
    canPush: true,
    isAdmin: true,
  });
  expect(await lookUpRepository({ ...REPOSITORY, name: 'old' })).toMatchObject({
    kind: 'found',
    archived: true,
  });
  expect(await lookUpRepository({ ...REPOSITORY, name: 'none' })).toEqual({ kind: 'absent' });
});

test('lookUpRepository() sends token and user agent, and escapes names', async () => {
  const server = await serve(json(200, { ...FOUND, full_name: 'a/b c?' }));
  const found = await client(server.url).lookUpRepository({ host: 'github.com', owner: 'a', name: 'b c?' });
  expect(found.kind).toBe('found');
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]?.url).toBe('/repos/a/b%20c%3F');
  expect(server.requests[0]?.authorization).toBe(`token ${TOKEN}`);
  expect(server.requests[0]?.userAgent).toContain('gitferry/test');
});

test('lookUpRepository() without a token asks without one and may not write', async () => {
  const { permissions: _left, ...visible } = FOUND;
  const server = await serve(json(200, visible));
  const found = await client(server.url, { tokenFor: async () => null }).lookUpRepository(REPOSITORY);
  expect(found).toMatchObject({ kind: 'found', canPush: false });
  expect(server.requests[0]?.authorization).toBeUndefined();
});

test('lookUpRepository() takes another spelling of the same name for the same repository', async () => {
  const server = await serve(json(200, FOUND));
  const found = await client(server.url).lookUpRepository({ ...REPOSITORY, owner: 'OctoCat' });
  expect(found).toMatchObject({ kind: 'found', fullName: 'octocat/hello' });
});

test('lookUpRepository() never logs the token', async () => {
  const server = await serve(json(500, { message: 'no' }));
  const asking = client(server.url);
  await failureOf(asking.lookUpRepository(REPOSITORY));
  expect(asking.logged.length).toBeGreaterThan(0);
  expect(asking.logged.join('\n')).not.toContain(TOKEN);
});

test.each([301, 302, 307, 308])('lookUpRepository() sees a rename behind a %d', async (status) => {
  const server = await serve((request, response) => {
    if (request.url === '/repos/octocat/hello')
      return json(status, {}, { location: '/repositories/7' })(request, response);
    json(200, { ...FOUND, full_name: 'new/name', clone_url: 'https://github.com/new/name.git' })(
      request,
      response,
    );
  });
  expect(await client(server.url).lookUpRepository(REPOSITORY)).toEqual({
    kind: 'renamed',
    fullName: 'new/name',
    cloneUrl: 'https://github.com/new/name.git',
  });
  expect(server.requests.map((request) => request.url)).toEqual(['/repos/octocat/hello', '/repositories/7']);
});

test('lookUpRepository() never takes the token to another host', async () => {
  const other = await serve(json(200, FOUND));
  const server = await serve(json(301, {}, { location: `${other.url}/repos/octocat/hello` }));
  const failure = await failureOf(client(server.url).lookUpRepository(REPOSITORY));
  expect(failure.code).toBe('redirect-refused');
  expect(other.requests).toEqual([]);
});

test('lookUpRepository() gives up on endless redirects', async () => {
  const server = await serve(json(301, {}, { location: '/repos/octocat/hello' }));
  expect((await failureOf(client(server.url).lookUpRepository(REPOSITORY))).code).toBe('redirect-refused');
  expect(server.requests).toHaveLength(4);
});

test('lookUpRepository() sends no token over plain http to another machine', async () => {
  const never: typeof fetch = () => Promise.reject(new Error('asked'));
  const failure = await failureOf(
    client('http://git.acme.io/api', { fetch: never }).lookUpRepository(REPOSITORY),
  );
  expect(failure.code).toBe('insecure-remote');
});

test('lookUpRepository() of a host without a known API asks nobody', async () => {
  expect(await client(null).lookUpRepository(REPOSITORY)).toEqual({ kind: 'no-api' });
});

const soon = () => String(Math.floor(Date.now() / 1000) + 100);

test.each<[string, Handler, string]>([
  ['401', json(401, { message: 'Bad credentials' }), 'credential-rejected'],
  [
    '403 without access',
    json(403, { message: 'Resource not accessible by personal access token' }),
    'push-forbidden',
  ],
  [
    '403 of a suspended account',
    json(403, { message: 'Sorry. Your account was suspended.' }),
    'account-suspended',
  ],
  ['451', json(451, { message: 'Repository access blocked' }), 'repository-not-found'],
  ['422', json(422, { message: 'Validation Failed' }), 'remote-invalid-answer'],
  ['500', json(500, { message: 'oops' }), 'remote-error'],
  [
    '502 as a page',
    (_q, r) => void r.writeHead(502, { 'content-type': 'text/html' }).end('<html>'),
    'remote-error',
  ],
  [
    '200 as a page',
    (_q, r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    'remote-invalid-answer',
  ],
  ['200 with other JSON', json(200, { hello: 1 }), 'remote-invalid-answer'],
  [
    '200 cut short',
    (_q, r) => {
      r.writeHead(200, { 'content-length': '99', 'content-type': 'application/json' });
      r.write('{', () => r.destroy());
    },
    'remote-invalid-answer',
  ],
  ['a broken connection', (q) => void q.socket.destroy(), 'remote-error'],
])('lookUpRepository() names a %s after one request', async (_what, handler, code) => {
  const server = await serve(handler);
  const failure = await failureOf(client(server.url).lookUpRepository(REPOSITORY));
  expect(failure.code).toBe(code);
  expect(server.requests).toHaveLength(1);
});

test('lookUpRepository() without a token takes a 401 for a missing one', async () => {
  const server = await serve(json(401, { message: 'Requires authentication' }));
  const failure = await failureOf(
    client(server.url, { tokenFor: async () => null }).lookUpRepository(REPOSITORY),
  );
  expect(failure.code).toBe('credential-missing');
});

test('lookUpRepository() tells where to authorise a token for single sign-on', async () => {
  const sso = 'required; url=https://github.com/orgs/acme/sso?authorization_request=A1';
  const server = await serve(
    json(403, { message: 'Resource protected by organization SAML enforcement.' }, { 'x-github-sso': sso }),
  );
  const failure = await failureOf(client(server.url).lookUpRepository(REPOSITORY));
  expect(failure.code).toBe('sso-required');
  expect(failure.message).toContain('https://github.com/orgs/acme/sso?authorization_request=A1');
});

test.each<[string, Handler, object]>([
  [
    'a used-up quota',
    (q, r) =>
      json(
        403,
        { message: 'API rate limit exceeded' },
        { 'x-ratelimit-remaining': '0', 'x-ratelimit-limit': '5000', 'x-ratelimit-reset': soon() },
      )(q, r),
    { remaining: 0, limit: 5000 },
  ],
  [
    'a secondary limit',
    json(403, { message: 'You have exceeded a secondary rate limit' }, { 'retry-after': '33' }),
    { retryAfterMs: 33_000 },
  ],
  [
    'a secondary limit without a time',
    json(403, { message: 'You have exceeded a secondary rate limit' }),
    { retryAfterMs: 60_000 },
  ],
  ['a 429', json(429, { message: 'Slow down' }, { 'retry-after': '5' }), { retryAfterMs: 5000 }],
])('lookUpRepository() pauses its host after %s and does not ask again', async (_what, handler, facts) => {
  const server = await serve(handler);
  const failure = await failureOf(client(server.url).lookUpRepository(REPOSITORY));
  expect(failure.code).toBe('rate-limited');
  expect(failure.data).toMatchObject({ ...facts, gate: `host:${new URL(server.url).host}` });
  expect(failure.data.retryAfterMs).toBeGreaterThan(0);
  expect(failure.data.retryAfterMs).toBeLessThanOrEqual(100_000);
  expect(server.requests).toHaveLength(1);
});

test('lookUpRepository() knows an unreachable host as offline', async () => {
  const server = await serve(() => undefined);
  for (const close of closers.splice(0)) await close();
  const failure = await failureOf(client(server.url).lookUpRepository(REPOSITORY));
  expect(failure.code).toBe('offline');
  expect(failure.data.gate).toBe(`host:${new URL(server.url).host}`);
});

test.each<[string, Handler]>([
  ['answer', () => undefined],
  ['body', (_q, r) => void r.writeHead(200, { 'content-type': 'application/json' }).write('{"full_name":')],
])('lookUpRepository() ends when the %s does not come in time', async (_what, handler) => {
  const server = await serve(handler);
  const failure = await failureOf(client(server.url, { timeoutMs: 150 }).lookUpRepository(REPOSITORY));
  expect(failure.code).toBe('remote-timeout');
  expect(failure.message).toContain('150 ms');
});

test('lookUpRepository() ends when it is aborted', async () => {
  const controller = new AbortController();
  const server = await serve(() => controller.abort());
  const { lookUpRepository } = client(server.url);
  const failure = await failureOf(lookUpRepository({ ...REPOSITORY, signal: controller.signal }));
  expect(failure.code).toBe('aborted');
  expect((await failureOf(lookUpRepository({ ...REPOSITORY, signal: controller.signal }))).code).toBe(
    'aborted',
  );
});

test('lookUpRepository() asks one question at a time, also after a failed one', async () => {
  let open = 0;
  let most = 0;
  const server = await serve((request, response) => {
    most = Math.max(most, ++open);
    setImmediate(() => {
      open--;
      json(request.url === '/repos/octocat/bad' ? 500 : 200, FOUND)(request, response);
    });
  });
  const { lookUpRepository } = client(server.url);
  const all = await Promise.allSettled(
    ['bad', 'hello', 'hello', 'bad', 'hello'].map((name) => lookUpRepository({ ...REPOSITORY, name })),
  );
  expect(all.map((each) => each.status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(most).toBe(1);
});
