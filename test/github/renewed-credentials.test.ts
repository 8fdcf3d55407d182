// Tokens that end, of a GitHub App by the device flow: renewed before they do, once, and stored again. The host is a
// device-flow server that lets each renewal pass once; only the clock is played.

import { mkdir, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCredentials } from '../../src/github/open-credentials.ts';
import type { Keyring } from '../../src/github/sources/keyring.ts';
import { openStoredCredentials } from '../../src/github/sources/stored-credentials.ts';
import { systemClock } from '../../src/host/clock.ts';
import { Failure } from '../../src/model/failure.ts';
import { type DeviceFlow, startDeviceFlowServer } from '../support/device-flow-server.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const MINUTE_MS = 60_000;
const HOURS_MS = 8 * 60 * MINUTE_MS;
const FLOW: DeviceFlow = {
  ...{ clientId: 'Iv1.ferry', token: 'ghu_first', answers: ['granted'] },
  expiring: { token: HOURS_MS / 1000, renewal: 15_897_600 },
};

let folder: string;
let warnings: string[];
let clock: ManualClock;
let server: Awaited<ReturnType<typeof startDeviceFlowServer>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-renewal-'));
  [warnings, clock] = [[], createManualClock()];
  server = await startDeviceFlowServer(FLOW);
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const path = () => join(folder, 'credentials.json');

/** As one more process on this list. */
function open() {
  return openCredentials({
    ...{ pid: process.pid, env: {}, homeDir: folder, userAgent: 'gitferry/test' },
    // Who waits for the other's lock waits in earnest.
    clock: { ...clock, sleep: systemClock.sleep },
    log: { warn: (...parts: unknown[]) => void warnings.push(JSON.stringify(parts)) },
    settings: () => ({
      ...{ tokens: {}, tokenFiles: {}, githubApps: {}, credentialHelpers: [], credentialsFile: path() },
      githubApis: { [server.host]: server.apiUrl },
    }),
  });
}

async function logIn(refreshToken = 'ghr_renewal-0') {
  const opened = open();
  const renewal = { clientId: FLOW.clientId, refreshToken, endsAt: clock.now() + 184 * 24 * 60 * MINUTE_MS };
  const credential = { token: FLOW.token, login: 'ada', expiresAt: clock.now() + HOURS_MS, renewal };
  await opened.stored.put(server.host, credential, 'file');
  return opened;
}
const renewals = () => server.requests.filter(({ body }) => body.grant_type === 'refresh_token');
const tokenOf = async ({ credentials }: ReturnType<typeof open>) =>
  (await credentials.tokenFor(server.host))?.token;
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('nothing failed'),
    (error: unknown) => (error instanceof Failure ? error : Promise.reject(error)),
  );

test('a token is used until ten minutes before its end, then renewed once for all that need it, and stored', async () => {
  const opened = await logIn();
  await clock.advance(HOURS_MS - 11 * MINUTE_MS);
  expect(await tokenOf(opened)).toBe('ghu_first');
  expect(renewals()).toEqual([]);
  await clock.advance(2 * MINUTE_MS);
  expect(await Promise.all([tokenOf(opened), tokenOf(opened), tokenOf(opened)])).toEqual(
    Array(3).fill('ghu_first-1'),
  );
  expect(renewals().map(({ body }) => body)).toEqual([
    { client_id: 'Iv1.ferry', grant_type: 'refresh_token', refresh_token: 'ghr_renewal-0' },
  ]);
  const { credentials } = JSON.parse(await readFile(path(), 'utf8'));
  expect(credentials[server.host]).toMatchObject({
    ...{ login: 'ada', token: 'ghu_first-1', refreshToken: 'ghr_renewal-1' },
    expiresAt: clock.now() + HOURS_MS,
  });
  // Again, with the renewal that came with it.
  await clock.advance(HOURS_MS);
  expect(await tokenOf(opened)).toBe('ghu_first-2');
});

test('of two processes one renews, and the other reads what it stored', async () => {
  const [one, two] = [await logIn(), open()];
  await clock.advance(HOURS_MS);
  expect(await Promise.all([tokenOf(one), tokenOf(two)])).toEqual(['ghu_first-1', 'ghu_first-1']);
  expect(renewals()).toHaveLength(1);
});

test('after a refusal by the host a new one is made, and not twice for one token', async () => {
  const opened = await logIn();
  const credential = await opened.credentials.credentialFor(server.host);
  const other = await opened.credentials.credentialFor(server.host);
  expect(await credential?.renew?.()).toBe(true);
  expect(await tokenOf(opened)).toBe('ghu_first-1');
  // Whoever was refused with the same token has the new one, which another renewal would end.
  expect(other?.password).toBe('ghu_first');
  expect(await other?.renew?.()).toBe(true);
  expect(await tokenOf(opened)).toBe('ghu_first-1');
  expect(renewals()).toHaveLength(1);
});

test('people are shown until when the login may be renewed, and not when the token of the day ends', async () => {
  const { credentials } = await logIn();
  const endsAt = clock.now() + 184 * 24 * 60 * MINUTE_MS;
  expect(await credentials.describe(server.host)).toMatchObject({ isRenewed: true, expiresAt: endsAt });
});

test('a renewal that the host takes no more needs the person, who is told what to do', async () => {
  const opened = await logIn('ghr_used-up');
  await clock.advance(HOURS_MS - 5 * MINUTE_MS);
  const failure = await failureOf(tokenOf(opened));
  expect(failure).toMatchObject({
    code: 'credential-rejected',
    action: expect.stringContaining('gitferry login'),
  });
  expect(failure.message).toContain('bad_refresh_token');
  expect(failure.message).not.toContain('ghr_');
});

test('while the host is away the token is used to its end; afterwards that is the reason', async () => {
  const opened = await logIn();
  await server.stop();
  await clock.advance(HOURS_MS - MINUTE_MS);
  expect(await tokenOf(opened)).toBe('ghu_first');
  await clock.advance(MINUTE_MS);
  expect((await failureOf(tokenOf(opened))).code).toBe('offline');
});

test('a renewed token that cannot be stored is used and told of, and stored by the next one', async () => {
  const opened = await logIn();
  await clock.advance(HOURS_MS);
  await mkdir(`${path()}.new`);
  expect(await tokenOf(opened)).toBe('ghu_first-1');
  expect(await tokenOf(opened)).toBe('ghu_first-1');
  expect(warnings.join()).toMatch(/cannot be written.*lost when gitferry ends/);
  expect(warnings.join()).not.toMatch(/ghu_|ghr_/);
  expect(renewals()).toHaveLength(1);
  await rmdir(`${path()}.new`);
  await clock.advance(HOURS_MS);
  expect(await tokenOf(opened)).toBe('ghu_first-2');
  expect(await tokenOf(open())).toBe('ghu_first-2');
});

test('in the keyring token and renewal are one secret; what was there before is read as ever', async () => {
  const secrets = new Map<string, string>();
  const keyring: Keyring = {
    read: async (key) => secrets.get(key) ?? null,
    write: async (key, secret) => void secrets.set(key, secret),
    remove: async (key) => secrets.delete(key),
  };
  const stored = openStoredCredentials({
    ...{ path: path(), pid: process.pid, clock, keyring: async () => keyring, onPlainFile: () => undefined },
  });
  const renewal = { clientId: 'Iv1.ferry', refreshToken: 'ghr_1', endsAt: null };
  await stored.put('h', { token: 'ghu_1', login: 'ada', expiresAt: 5, renewal }, 'keyring');
  expect(await stored.read('h', 'keyring')).toEqual({
    ...{ keeper: 'keyring', token: 'ghu_1', login: 'ada', expiresAt: 5, renewal },
  });
  expect(await readFile(path(), 'utf8')).not.toMatch(/ghu_1|ghr_1/);
  await stored.put('old', { token: 'gho_1', login: null }, 'keyring');
  expect(secrets.get('old')).toBe('gho_1');
  expect(await stored.read('old', 'keyring')).toEqual({ keeper: 'keyring', token: 'gho_1', login: null });
});
