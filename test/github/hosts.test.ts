// What the API does for people, on a stateful GitHub with a layer of faults and of routes that it lacks before it.

import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEmulator } from 'emulate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPace } from '../../src/github/pace.ts';
import { createGithubClient, type GithubClient } from '../../src/github/rest-client.ts';
import { appSource } from '../../src/github/sources/app.ts';
import { systemClock } from '../../src/host/clock.ts';
import { Failure } from '../../src/model/failure.ts';
import { createManualClock } from '../support/manual-clock.ts';

const TOKEN = 'tokenthatmustnotshow';
const REF = { host: 'github.com', owner: 'octocat', name: 'hello' };

type Answer = { status: number; body: unknown; headers?: Record<string, string> };
let closers: (() => Promise<unknown>)[];
let requests: { method: string; path: string; etag: string | undefined }[];
/** Answers in the place of the emulator; null: the emulator does. */
let before: (method: string, path: string) => Answer | null;
let client: GithubClient;

beforeEach(async () => {
  closers = [];
  requests = [];
  before = () => null;
  const github = await createEmulator({
    ...{ service: 'github', port: 0, hostname: '127.0.0.1' },
    seed: {
      tokens: { [TOKEN]: { login: 'octocat', scopes: ['repo'] } },
      github: {
        users: [{ login: 'octocat' }],
        repos: [{ owner: 'octocat', name: 'hello', auto_init: true }],
      },
    },
  });
  closers.push(() => github.close());
  const url = await startLayer(github.url);
  client = createGithubClient({
    apiUrlFor: (host) => (host === 'github.com' ? url : null),
    tokenFor: async () => ({ key: 'github.com', token: TOKEN }),
    userAgent: 'gitferry/test',
    clock: systemClock,
    pace: createPace({ clock: systemClock }),
    log: { debug: () => {} },
  });
});
afterEach(async () => {
  for (const close of closers) await close();
});

async function startLayer(target: string): Promise<string> {
  const server = createServer((request, response) => {
    void relay(request, target).then(({ status, headers, text }) => {
      response.writeHead(status, headers);
      response.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function relay(request: IncomingMessage, target: string) {
  const { method = 'GET', url: path = '/' } = request;
  requests.push({ method, path, etag: request.headers['if-none-match'] });
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const played = before(method, path);
  const json = { 'content-type': 'application/json' };
  if (played)
    return {
      status: played.status,
      headers: { ...json, ...played.headers },
      text: JSON.stringify(played.body),
    };
  const { authorization = '' } = request.headers;
  const body = Buffer.concat(chunks);
  const answer = await fetch(target + path, {
    method,
    headers: { authorization, ...json },
    ...(body.length > 0 && { body }),
  });
  return { status: answer.status, headers: json, text: answer.status === 204 ? '' : await answer.text() };
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.catch((error: unknown) => error);
  if (!(outcome instanceof Failure)) throw new Error(`no failure but ${JSON.stringify(outcome)}`);
  expect(outcome.message).not.toContain(TOKEN);
  return outcome;
}

const wanted = (name: string) => ({ host: 'github.com', owner: null, name, private: true });

test('createRepository() makes a private one, and takes the empty one of a lost answer for made', async () => {
  const first = await client.createRepository(wanted('new'));
  expect(first).toMatchObject({ created: true, repository: { fullName: 'octocat/new', private: true } });
  before = (method, path) =>
    method === 'GET' && path.startsWith('/repos/octocat/new/branches') ? { status: 200, body: [] } : null;
  const again = await client.createRepository(wanted('new'));
  expect(again).toMatchObject({ created: false, repository: { fullName: 'octocat/new' } });
});

test('createRepository() never takes one that holds something, and says what the host has against it', async () => {
  const taken = await failureOf(client.createRepository(wanted('hello')));
  expect(taken.code).toBe('repository-exists');
  before = (method) =>
    method === 'POST' ? { status: 403, body: { message: 'Resource not accessible by token' } } : null;
  const refused = await failureOf(client.createRepository(wanted('other')));
  expect(refused.code).toBe('repository-refused');
  expect(refused.message).toContain('not accessible');
  expect((await failureOf(client.createRepository({ ...wanted('x'), host: 'gitlab.com' }))).code).toBe(
    'no-github-api',
  );
});

test('an answer with an ETag is asked for anew, and comes from memory when it is not modified', async () => {
  before = (_method, path) =>
    path === '/repos/octocat/hello' && requests.at(-1)?.etag === '"one"'
      ? { status: 304, body: null }
      : { status: 200, headers: { etag: '"one"' }, body: REPOSITORY };
  const first = await client.lookUpRepository(REF);
  const second = await client.lookUpRepository(REF);
  expect(requests.map(({ etag }) => etag)).toEqual([undefined, '"one"']);
  expect(second).toEqual(first);
});

const REPOSITORY = {
  ...{ full_name: 'octocat/hello', clone_url: 'https://github.com/octocat/hello.git', archived: false },
  ...{ private: true, default_branch: 'main', permissions: { push: true, admin: false } },
};

test('readAccount() tells whose the token is, what it may and until when', async () => {
  before = () => ({
    ...{ status: 200, body: { login: 'octocat' } },
    headers: {
      'x-oauth-scopes': 'repo, workflow',
      'github-authentication-token-expiration': '2030-01-31 12:00:00 UTC',
    },
  });
  const account = await client.readAccount({ host: 'github.com', isApp: false });
  expect(account).toEqual({
    ...{ login: 'octocat', scopes: ['repo', 'workflow'], expiresAt: Date.UTC(2030, 0, 31, 12) },
  });
  before = () => ({ status: 401, body: { message: 'Bad credentials' } });
  expect((await failureOf(client.readAccount({ host: 'github.com', isApp: false }))).code).toBe(
    'credential-rejected',
  );
});

const RULES = '/repos/octocat/hello/rules/branches/main';
const rulesets =
  (bypass: string | undefined, type = 'pull_request') =>
  (method: string, path: string) => {
    if (method !== 'GET') return null;
    if (path === RULES) return { status: 200, body: [{ type, ruleset_id: 7 }] };
    if (path === '/repos/octocat/hello/rulesets/7')
      return { status: 200, body: { name: 'guard', ...(bypass && { current_user_can_bypass: bypass }) } };
    return path.startsWith('/repos/octocat/hello/branches/main')
      ? { status: 200, body: { protected: false } }
      : null;
  };
const ask = (isAdmin = false) => client.readBranchRules({ ...REF, branch: 'main', isAdmin });

test('readBranchRules() reads rulesets, and whether they count for this account', async () => {
  before = rulesets('never');
  expect(await ask()).toEqual({
    kind: 'refused',
    why: 'main takes changes by pull request only (ruleset "guard")',
  });
  before = rulesets('always');
  expect(await ask()).toEqual({ kind: 'open' });
  before = rulesets(undefined);
  expect((await ask()).kind).not.toBe('refused');
  before = rulesets('never', 'non_fast_forward');
  expect(await ask()).toEqual({ kind: 'open' });
});

test('readBranchRules() reads branch protection, and does not guess what it may not read', async () => {
  const reviews = { required_pull_request_reviews: {}, enforce_admins: { enabled: false } };
  const protect = (protection: Answer) => (_method: string, path: string) => {
    if (path === RULES) return { status: 200, body: [] };
    if (path.endsWith('/branches/main')) return { status: 200, body: { protected: true } };
    return path.endsWith('/protection') ? protection : null;
  };
  before = protect({ status: 200, body: reviews });
  expect(await ask()).toMatchObject({ kind: 'refused' });
  expect(await ask(true)).toEqual({ kind: 'open' });
  before = protect({ status: 403, body: { message: 'Resource not accessible by token' } });
  expect(await ask()).toEqual({ kind: 'unknown' });
});

test('openPullRequest() answers the open one instead of a second, and the reasons of a refusal', async () => {
  const pull = { ...REF, head: 'sync/laptop/main', base: 'main', title: 't', body: 'b', draft: false };
  const open: object[] = [];
  before = (method, path) => {
    if (!path.startsWith('/repos/octocat/hello/pulls')) return null;
    if (method === 'GET') return { status: 200, body: open };
    if (open.length > 0) throw new Error('asked for a second one');
    open.push({ number: 3, html_url: 'https://github.com/octocat/hello/pull/3' });
    return { status: 201, body: open[0] };
  };
  expect(await client.openPullRequest(pull)).toMatchObject({ number: 3, created: true });
  expect(await client.openPullRequest(pull)).toMatchObject({ number: 3, created: false });
  expect(requests.find(({ path }) => path.includes('/pulls?'))?.path).toContain(
    'head=octocat%3Async%2Flaptop%2Fmain',
  );
  const errors = [{ message: 'No commits between main and sync/laptop/main' }];
  before = (method) =>
    method === 'GET'
      ? { status: 200, body: [] }
      : { status: 422, body: { message: 'Validation Failed', errors } };
  const refused = await failureOf(client.openPullRequest(pull));
  expect(refused.code).toBe('pull-request-refused');
  expect(refused.message).toContain('No commits between');
});

test('an app makes its token once, keeps it in memory, and renews it before it ends or when it is refused', async () => {
  const clock = createManualClock(Date.now());
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let made = 0;
  before = (method, path) => {
    if (method !== 'POST' || path !== '/app/installations/34/access_tokens') return null;
    made += 1;
    const expires_at = new Date(clock.now() + 3_600_000).toISOString();
    return {
      status: 201,
      body: { token: `ghs_${made}`, expires_at, permissions: {}, repository_selection: 'all' },
    };
  };
  const url = await startLayer('http://127.0.0.1:1');
  const source = appSource({
    apps: () => ({ 'github.com': { appId: 12, installationId: 34, privateKeyVariable: 'APP_KEY' } }),
    apiUrlFor: () => url,
    env: { APP_KEY: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString().replaceAll('\n', '\\n') },
    ...{ clock, userAgent: 'gitferry/test' },
  });
  const find = () => source.find('github.com');
  const both = await Promise.all([find(), find()]);
  expect(both.map((each) => each?.token)).toEqual(['ghs_1', 'ghs_1']);
  await clock.advance(49 * 60_000);
  expect((await find())?.token).toBe('ghs_1');
  await clock.advance(2 * 60_000);
  expect((await find())?.token).toBe('ghs_2');
  expect(await source.renew?.('github.com', 'ghs_2')).toBe(true);
  expect((await find())?.token).toBe('ghs_3');
  // A sync beside that one, refused with the same token.
  expect(await source.renew?.('github.com', 'ghs_2')).toBe(true);
  expect((await find())?.token).toBe('ghs_3');
  before = () => ({ status: 401, body: { message: 'A JSON web token could not be decoded' } });
  await source.renew?.('github.com', 'ghs_3');
  expect((await failureOf(find())).code).toBe('credential-rejected');
});
