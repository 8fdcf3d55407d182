// `gitferry login` and `logout` against a real device flow: the token is kept, and shown nowhere.

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DeviceFlow, startDeviceFlowServer } from '../support/device-flow-server.ts';
import { jsonOf, type RunOptions, runCli } from './run-cli.ts';

const TOKEN = 'gho_averysecrettoken123456';
let home: string;
let server: Awaited<ReturnType<typeof startDeviceFlowServer>>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gitferry-login-'));
});
afterEach(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

async function start(flow: Partial<DeviceFlow> = {}) {
  server = await startDeviceFlowServer({
    ...{ clientId: 'client-1', token: TOKEN, answers: ['authorization_pending', 'granted'] },
    userHeaders: { 'x-oauth-scopes': 'repo, workflow' },
    ...flow,
  });
}

async function run(args: string[], options: RunOptions = {}) {
  const env = { SYNC_GITHUB_APIS: JSON.stringify({ [server.host]: server.apiUrl }) };
  const ran = await runCli([...args, '--host', server.host], { homeDir: home, env, ...options });
  expect(ran.out + ran.err).not.toContain(TOKEN);
  return ran;
}

const file = () => join(home, '.config/gitferry/credentials.json');
const kept = async () => JSON.parse(await readFile(file(), 'utf8')).credentials;
const device = ['login', '--client-id', 'client-1', '--keep', 'file'];

test('login shows a code, waits for it to be confirmed, and keeps the token for its owner alone', async () => {
  await start({ answers: ['authorization_pending', 'authorization_pending', 'granted'] });
  const ran = await run(device);
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toContain(`Open http://${server.host}/login/device and enter the code WDJB-MJHT`);
  expect(ran.out).toContain(`Logged in to ${server.host} as ada; the token is kept in the file.`);
  expect(ran.out).toContain('not encrypted');
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(await kept()).toEqual({ [server.host]: { keeper: 'file', token: TOKEN, login: 'ada' } });
  const [asked] = server.requests;
  expect(asked?.body).toMatchObject({ client_id: 'client-1', scope: 'repo workflow' });
  expect(server.requests.filter(({ path }) => path.endsWith('/access_token'))).toHaveLength(3);
});

test('the login of a GitHub App whose tokens end is kept with what renews it, and says until when', async () => {
  const expiring = { token: 28_800, renewal: 15_897_600 };
  await start({ clientId: 'Iv1.0123456789abcdef', answers: ['granted'], userHeaders: {}, expiring });
  const ran = await run(['login', '--client-id', 'Iv1.0123456789abcdef', '--keep', 'file']);
  expect(ran.code).toBe(0);
  expect(ran.out).toMatch(/renewed by itself until \d{4}-\d\d-\d\d; then log in again/);
  expect(ran.out + ran.err).not.toContain('ghr_');
  const { [server.host]: entry } = await kept();
  expect(entry).toMatchObject({
    ...{ token: TOKEN, refreshToken: 'ghr_renewal-0', expiresAt: expect.any(Number) },
    renewal: { clientId: 'Iv1.0123456789abcdef', endsAt: expect.any(Number) },
  });
  expect(entry.renewal.endsAt - entry.expiresAt).toBe(1000 * (expiring.renewal - expiring.token));
  // Rights are the app's: none are asked for.
  expect(server.requests[0]?.body).not.toHaveProperty('scope');
});

test('several accounts of one host are kept beside each other, and logout forgets one', async () => {
  await start();
  await run(device);
  const ran = await run([...device, '--name', 'work', '--json']);
  expect(jsonOf(ran)).toMatchObject({
    key: `work@${server.host}`,
    login: 'ada',
    scopes: ['repo', 'workflow'],
  });
  expect(ran.err).toContain('WDJB-MJHT');
  expect(Object.keys(await kept())).toEqual([server.host, `work@${server.host}`]);
  expect((await run(['logout', '--name', 'work'])).out).toContain('stays good until it is revoked');
  expect(Object.keys(await kept())).toEqual([server.host]);
  expect((await run(['logout', '--name', 'work'])).out).toContain('Nothing is kept');
});

test.each([
  ['access_denied', 'refused in the browser'],
  ['expired_token', 'not confirmed in time'],
] as const)('login says of %s what became of it, and keeps nothing', async (answer, words) => {
  await start({ answers: [answer] });
  const ran = await run(device);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain(words);
  expect(ran.err).toContain('(login-failed)');
  await expect(stat(file())).rejects.toThrow();
});

test('login says of a client id that nobody knows, or that is missing, what to do', async () => {
  await start();
  const unknown = await run(['login', '--client-id', 'other', '--keep', 'file']);
  expect(unknown.err).toContain('the client id is not known there');
  const none = await run(['login']);
  expect(none.code).toBe(1);
  expect(none.err).toContain('(client-id-missing)');
  expect(none.err).toContain('--with-token');
});

test('login takes a token from standard input, and keeps none that the host refuses', async () => {
  await start({ userHeaders: { 'x-oauth-scopes': 'gist' } });
  const args = ['login', '--with-token', '--keep', 'file'];
  const good = await run(args, { readInput: async () => `${TOKEN}\n` });
  expect(good.code).toBe(0);
  expect(good.out).toContain('lacks the scope "repo"');
  const bad = await run([...args, '--name', 'bad'], { readInput: async () => 'wrong-token-that-is-none' });
  expect(bad.code).toBe(1);
  expect(bad.err).toContain('(credential-rejected)');
  expect(bad.err).not.toContain('wrong-token-that-is-none');
  expect(Object.keys(await kept())).toEqual([server.host]);
  const two = await run(args, { readInput: async () => 'two\nlines' });
  expect(two.err).toContain('no token, or more than one line');
});

test('login keeps a token for a host without an API, and says that nobody checked it', async () => {
  await start();
  const ran = await runCli(['login', '--host', 'git.acme.io', '--with-token', '--keep', 'file'], {
    homeDir: home,
    readInput: async () => TOKEN,
  });
  expect(ran.code).toBe(0);
  expect(ran.out).toContain('the first push tells');
});
