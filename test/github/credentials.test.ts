// The chain of credentials with its real parts: variables, files, programs on PATH, git's own credential protocol.

import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CredentialSettings, openCredentials } from '../../src/github/open-credentials.ts';
import { systemClock } from '../../src/host/clock.ts';
import { Failure } from '../../src/model/failure.ts';

let folder: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-credentials-'));
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(env: Record<string, string> = {}, settings: Partial<CredentialSettings> = {}) {
  return openCredentials({
    pid: process.pid,
    env: { HOME: folder, PATH: process.env.PATH, ...env },
    homeDir: folder,
    clock: systemClock,
    log: { warn: (...parts: unknown[]) => void warnings.push(JSON.stringify(parts)) },
    settings: () => ({
      ...{ tokens: {}, tokenFiles: {}, githubApps: {}, credentialHelpers: [], githubApis: {} },
      credentialsFile: join(folder, 'kept', 'credentials.json'),
      ...settings,
    }),
    userAgent: 'gitferry/test',
  });
}

async function program(name: string, script: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
  return `${bin}:${process.env.PATH}`;
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.catch((error: unknown) => error);
  if (outcome instanceof Failure) return outcome;
  throw new Error(`no failure but ${String(outcome)}`);
}

test('GITHUB_TOKEN goes to github.com and to nobody else', async () => {
  const { credentials } = open({ GITHUB_TOKEN: 'one', GH_TOKEN: 'two' });
  expect(await credentials.tokenFor('github.com')).toEqual({ key: 'github.com', token: 'one' });
  expect((await credentials.tokenFor('GitHub.com'))?.token).toBe('one');
  expect(await credentials.credentialFor('github.com')).toEqual({
    username: 'x-access-token',
    password: 'one',
  });
  expect(await credentials.describe('github.com')).toEqual({
    ...{ key: 'github.com', source: 'environment', from: 'GITHUB_TOKEN', expiresAt: null, isRenewed: false },
  });
  for (const host of ['api.github.com', 'github.com:8443', 'github.com.evil.io', 'evil-github.com', ''])
    expect(await credentials.tokenFor(host)).toBeNull();
});

test('GH_TOKEN counts when GITHUB_TOKEN is missing or blank', async () => {
  const { credentials } = open({ GITHUB_TOKEN: '  ', GH_TOKEN: 'two\n' });
  expect((await credentials.tokenFor('github.com'))?.token).toBe('two');
  expect(await credentials.describe('github.com')).toMatchObject({ from: 'GH_TOKEN' });
});

test('SYNC_TOKENS wins for exactly the host, port and account it names', async () => {
  const tokens = { 'GitHub.com': 'own', 'work@github.com': 'job', 'git.acme.io:8443': 'acme' };
  const { credentials } = open({ GITHUB_TOKEN: 'env' }, { tokens });
  expect((await credentials.tokenFor('github.com'))?.token).toBe('own');
  expect((await credentials.tokenFor('GIT.acme.io:8443'))?.token).toBe('acme');
  expect(await credentials.tokenFor('git.acme.io')).toBeNull();
  expect(await credentials.tokenFor('constructor')).toBeNull();
  expect(await credentials.tokenFor('github.com', { credential: 'work' })).toEqual({
    key: 'work@github.com',
    token: 'job',
  });
  expect(await credentials.keys()).toEqual(['git.acme.io:8443', 'github.com', 'work@github.com']);
});

test('a named account never falls back to another one, and a whole key is for its host alone', async () => {
  const { credentials } = open({ GITHUB_TOKEN: 'env' }, { tokens: { 'work@github.com': 'job' } });
  expect(await credentials.tokenFor('github.com', { credential: 'other' })).toBeNull();
  expect(await credentials.tokenFor('gitlab.com', { credential: 'work' })).toBeNull();
  expect(await credentials.tokenFor('gitlab.com', { credential: 'work@github.com' })).toBeNull();
  expect((await credentials.tokenFor('github.com', { credential: 'work@github.com' }))?.token).toBe('job');
  expect(await credentials.tokenFor('github.com', { type: 'none' })).toBeNull();
});

test('a variable that no header can carry is refused at the start, without telling it', () => {
  const start = () => open({ GITHUB_TOKEN: 'abc def' });
  expect(start).toThrow(/GITHUB_TOKEN has blanks/);
  expect(start).not.toThrow(/abc/);
});

test('a secret file is read anew each time, and says when it cannot be', async () => {
  const path = join(folder, 'token');
  await writeFile(path, 'first\n');
  const { credentials } = open({}, { tokenFiles: { 'github.com': path } });
  expect((await credentials.tokenFor('github.com'))?.token).toBe('first');
  await writeFile(path, 'second\n');
  expect((await credentials.tokenFor('github.com'))?.token).toBe('second');
  expect(await credentials.describe('github.com')).toMatchObject({ source: 'secret-file', from: path });
  await writeFile(path, 'two\nlines\n');
  const twoLines = await failureOf(credentials.tokenFor('github.com'));
  expect(twoLines.code).toBe('credential-unreadable');
  expect(twoLines.message).not.toContain('two\nlines');
  await rm(path);
  expect((await failureOf(credentials.tokenFor('github.com'))).message).toContain(path);
});

test('gh is asked for its token of exactly this host and account, only where it was chosen', async () => {
  const script = 'echo "$@" >> "$HOME/asked"; env > "$HOME/seen"; [ "$4" = github.com ] && echo "gh-of-$6"';
  const PATH = await program('gh', `${script} || exit 1`);
  const env = { PATH, SYNC_TOKENS: 'ours', GIT_TRACE: '1' };
  expect(await open(env).credentials.tokenFor('github.com')).toBeNull();
  const { credentials } = open(env, { credentialHelpers: ['gh'] });
  expect((await credentials.tokenFor('github.com'))?.token).toBe('gh-of-');
  expect((await credentials.tokenFor('github.com', { credential: 'ada' }))?.token).toBe('gh-of-ada');
  expect(await credentials.tokenFor('git.acme.io')).toBeNull();
  const asked = await readFile(join(folder, 'asked'), 'utf8');
  expect(asked.split('\n')[0]).toBe('auth token --hostname github.com');
  expect(asked.split('\n')[1]).toBe('auth token --hostname github.com --user ada');
  const seen = await readFile(join(folder, 'seen'), 'utf8');
  expect(seen).toContain('GIT_TERMINAL_PROMPT=0');
  expect(seen).toContain('GCM_INTERACTIVE=never');
  expect(seen).not.toMatch(/SYNC_TOKENS|GIT_TRACE/);
});

test('a project of type system asks gh and git although they were not chosen for all', async () => {
  const PATH = await program('gh', 'echo from-gh');
  const { credentials } = open({ PATH });
  expect((await credentials.tokenFor('github.com', { type: 'system' }))?.token).toBe('from-gh');
  expect(await credentials.tokenFor('github.com', { type: 'token' })).toBeNull();
});

test('a helper sees no private key of an app, whatever its variable is called', async () => {
  const path = await program('gh', `env > ${join(folder, 'seen.env')}; echo from-gh`);
  const { credentials } = open(
    { PATH: path, OUR_APP: 'the-key-of-our-app', OTHER: 'kept' },
    {
      credentialHelpers: ['gh'],
      githubApps: { 'git.example.org': { appId: 1, installationId: 2, privateKeyVariable: 'OUR_APP' } },
    },
  );
  expect((await credentials.tokenFor('github.com'))?.token).toBe('from-gh');
  const seen = await readFile(join(folder, 'seen.env'), 'utf8');
  expect(seen).toContain('OTHER=kept');
  expect(seen).not.toContain('the-key-of-our-app');
});

test('a program that does not end is given up after its time', async () => {
  const { ghSource } = await import('../../src/github/sources/helper-programs.ts');
  const PATH = await program('gh', 'sleep 600');
  const source = ghSource({ env: { PATH }, homeDir: folder, clock: systemClock, timeoutMs: 200 });
  const failure = await failureOf(source.find('github.com'));
  expect(failure.code).toBe('credential-unreadable');
  expect(failure.message).toContain('200 ms');
});

test('a real git credential helper answers, with its own user name, and is asked again each time', async () => {
  const helper = [
    'echo "$1" >> "$HOME/helped"',
    'cat > "$HOME/question"',
    '[ "$1" = get ] || exit 0',
    'grep -q "^host=git.acme.io" "$HOME/question" || exit 0',
    'echo username=ada; echo password=from-helper',
  ].join('\n');
  await program('git-credential-test', helper);
  await writeFile(join(folder, '.gitconfig'), `[credential]\n\thelper = ${folder}/bin/git-credential-test\n`);
  const { credentials } = open({ GIT_CONFIG_NOSYSTEM: '1' }, { credentialHelpers: ['git'] });
  expect(await credentials.credentialFor('git.acme.io')).toEqual({
    username: 'ada',
    password: 'from-helper',
  });
  expect(await credentials.credentialFor('git.acme.io', { credential: 'ada' })).not.toBeNull();
  // The helper is another person's: what it has for ada is not bob's.
  expect(await credentials.credentialFor('git.acme.io', { credential: 'bob' })).toBeNull();
  expect(await credentials.credentialFor('github.com')).toBeNull();
  const helped = (await readFile(join(folder, 'helped'), 'utf8')).trim().split('\n');
  expect(new Set(helped)).toEqual(new Set(['get']));
  expect(helped.length).toBeGreaterThanOrEqual(4);
});

test('what login keeps in the file is for its owner alone, and its use is warned of once', async () => {
  const { credentials, stored } = open();
  await stored.put('github.com', { token: 'kept', login: 'ada' }, 'file');
  const path = join(folder, 'kept', 'credentials.json');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await credentials.tokenFor('github.com'))?.token).toBe('kept');
  expect((await credentials.tokenFor('github.com'))?.token).toBe('kept');
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('unencrypted');
  expect(warnings[0]).not.toContain('"kept"');
  expect(await stored.remove('github.com')).toBe(true);
  expect(await stored.remove('github.com')).toBe(false);
  expect(await credentials.tokenFor('github.com')).toBeNull();
});

test('a file that others may read is refused, with what to do', async () => {
  const { credentials, stored } = open();
  await stored.put('github.com', { token: 'kept', login: null }, 'file');
  const path = join(folder, 'kept', 'credentials.json');
  await chmod(path, 0o644);
  const failure = await failureOf(credentials.tokenFor('github.com'));
  expect(failure.code).toBe('credential-unreadable');
  expect(failure.action).toContain(`chmod 600 ${path}`);
  await chmod(path, 0o600);
  await writeFile(path, '{"version":1,"credentials":{"github.com":{"keeper":"file","token":"a b"}}}');
  const broken = await failureOf(credentials.tokenFor('github.com'));
  expect(broken.message).toContain('no list of credentials');
  expect(broken.message).not.toContain('a b');
});

test('another source is used when one is broken, and the log says so', async () => {
  const { credentials } = open(
    {},
    { tokenFiles: { 'github.com': join(folder, 'none') }, credentialHelpers: ['gh'] },
  );
  expect((await failureOf(credentials.tokenFor('github.com'))).code).toBe('credential-unreadable');
  const PATH = await program('gh', 'echo from-gh');
  const other = open(
    { PATH },
    { tokenFiles: { 'github.com': join(folder, 'none') }, credentialHelpers: ['gh'] },
  );
  expect((await other.credentials.tokenFor('github.com'))?.token).toBe('from-gh');
  expect(warnings.join()).toContain('Another source answered');
  expect(warnings.join()).not.toContain('from-gh');
});
