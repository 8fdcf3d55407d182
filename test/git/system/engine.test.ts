import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../../src/host/process-start.ts';
import { gitEnv } from '../../support/git-repo.ts';
import { openRow, type Row } from './repository.ts';

let row: Row;
beforeEach(async () => {
  row = await openRow();
});
afterEach(async () => {
  await row.end();
});

const done = { outcome: { kind: 'done', status: 'success' } };
const asked = { github: { engine: 'git' } } as const;

test('without git a repository that needs it is refused with both reasons', async () => {
  await row.hook('pre-commit', 'exit 0');
  const { outcome } = await row.sync({ ports: { env: { PATH: row.home } } });
  expect(outcome).toMatchObject({ kind: 'blocked', reason: { code: 'needs-system-git' } });
  const { detail } = (outcome as { reason: { detail: string } }).reason;
  expect(detail).toContain('there is a pre-commit hook. But git is not installed.');
});

test('an old git is refused with its version', async () => {
  const bin = join(row.home, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'git'), '#!/bin/sh\necho git version 2.20.1\n');
  await chmod(join(bin, 'git'), 0o755);
  const { outcome } = await row.sync({ ...asked, ports: { env: { PATH: bin } } });
  expect(outcome).toMatchObject({
    reason: { detail: 'github.engine is "git". But git 2.20.1 is older than 2.36.' },
  });
});

test('a project that wants the built-in engine is refused where that one must not work', async () => {
  await row.hook('pre-commit', 'exit 0');
  const { outcome } = await row.sync({ github: { engine: 'builtin' } });
  expect(outcome).toMatchObject({ kind: 'blocked', reason: { action: 'Set github.engine to "auto".' } });
});

test('a token reaches exactly its host: not the arguments, not another host, not a helper', async () => {
  row.server.requireToken('s3cret-token');
  const host = new URL(row.server.url).host;
  await row.hook(
    'pre-push',
    'ps -ww -o args= -p $PPID > .git/args; env | grep -c GITHUB_TOKEN > .git/env || true',
  );
  await row.repo.git('config', 'credential.helper', '!f() { echo "$1" >> .git/helper; }; f');
  const credentialFor = async (name: string) =>
    name === host ? { username: 'x-access-token', password: 's3cret-token' } : null;
  const env = { ...gitEnv(), HOME: row.home, GITHUB_TOKEN: 'other' };
  expect(await row.sync({ ports: { credentialFor, env } })).toMatchObject(done);
  const args = await readFile(join(row.repo.path, '.git/args'), 'utf8');
  expect(args).toContain('push');
  expect(args).not.toContain('s3cret-token');
  expect(await readFile(join(row.repo.path, '.git/env'), 'utf8')).toBe('0\n');
  await expect(readFile(join(row.repo.path, '.git/helper'))).rejects.toThrow('ENOENT');
  await row.expectSafe();
});

test.each([
  ['no token', null, 'credential-missing'],
  ['a wrong token', { username: 'x-access-token', password: 'wrong' }, 'credential-rejected'],
] as const)('a push with %s is named as the built-in engine names it', async (_name, credential, code) => {
  row.server.requireToken('right');
  const answer = await row.sync({ ...asked, ports: { credentialFor: async () => credential } });
  expect(answer.outcome).toMatchObject({ kind: 'failed', failure: { code } });
});

test('a remote that cannot be reached is offline, with the gate of its host', async () => {
  await row.server.stop();
  const answer = await row.sync(asked);
  const host = new URL(row.server.url).host;
  expect(answer.outcome).toMatchObject({ failure: { code: 'offline', data: { gate: `host:${host}` } } });
});

test('a refusal by the remote is classified by its words', async () => {
  await row.sync(asked);
  await row.server.refuse(row.remote.path, {
    reason: 'protected branch hook declined',
    message: 'error: GH006: Protected branch update failed for refs/heads/main.',
  });
  await row.repo.write('a.md', 'a\n');
  const answer = await row.sync(asked);
  expect(answer.outcome).toMatchObject({ failure: { code: 'push-rejected-protected-branch' } });
});

test('an SSH remote without a token is pushed to as the person would, and a second sync finds nothing to do', async () => {
  const ssh = join(row.home, 'fake-ssh');
  // What ssh does, without the network: the last argument is the command for the other side.
  await writeFile(ssh, '#!/bin/sh\nfor last; do :; done\necho "$@" >> "$0.log"\nexec sh -c "$last"\n');
  await chmod(ssh, 0o755);
  await row.repo.git('remote', 'set-url', 'origin', `git@example.test:${row.remote.path}`);
  await row.repo.write('a.md', 'a\n');
  const ports = { env: { ...gitEnv(), HOME: row.home, GIT_SSH_COMMAND: ssh } };
  expect(await row.sync({ ports })).toMatchObject(done);
  expect(await readFile(`${ssh}.log`, 'utf8')).toContain('git@example.test git-receive-pack');
  await row.expectSafe();
  expect(await row.sync({ ports, askRemote: true })).toMatchObject({ outcome: { status: 'no-change' } });
});

test('SSH failures say what a person can do', async () => {
  const ssh = join(row.home, 'fake-ssh');
  await writeFile(ssh, '#!/bin/sh\necho "git@example.test: Permission denied (publickey)." >&2\nexit 255\n');
  await chmod(ssh, 0o755);
  await row.repo.git('remote', 'set-url', 'origin', 'git@example.test:u/r.git');
  const answer = await row.sync({ ports: { env: { ...gitEnv(), GIT_SSH_COMMAND: ssh } } });
  expect(answer.outcome).toMatchObject({ failure: { code: 'ssh-refused' } });
});

test('an aborted sync ends its git with everything that it started', async () => {
  await row.hook(
    'pre-push',
    'echo $$ > .git/hook-pid.new; mv .git/hook-pid.new .git/hook-pid; exec sleep 1000',
  );
  const abort = new AbortController();
  const syncing = row.sync({ signal: abort.signal });
  const pid = Number(await untilThere(join(row.repo.path, '.git/hook-pid')));
  abort.abort();
  expect((await syncing).outcome).toMatchObject({ failure: { code: 'aborted' } });
  await expect.poll(() => processStart(pid), { timeout: 10_000 }).toBeNull();
});

test('a git command that a killed service left running is ended before the next sync goes on', async () => {
  const left = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  const ended = once(left, 'exit');
  const start = await processStart(left.pid as number);
  const record = join(row.repo.path, '.git/gitferry.child');
  await writeFile(record, JSON.stringify({ pid: left.pid, start }));
  await row.repo.write('a.md', 'a\n');
  expect(await row.sync(asked)).toMatchObject(done);
  expect((await ended)[1]).toBe('SIGTERM');
  await row.expectSafe();
});

test('another process that took over the number of a noted one is left alone', async () => {
  const record = join(row.repo.path, '.git/gitferry.child');
  await writeFile(record, JSON.stringify({ pid: process.pid, start: 'ticks:1' }));
  await row.repo.write('a.md', 'a\n');
  expect(await row.sync(asked)).toMatchObject(done);
  await row.expectSafe();
});

async function untilThere(path: string): Promise<string> {
  let text = '';
  await expect
    .poll(
      async () => {
        text = await readFile(path, 'utf8').catch(() => '');
        return text;
      },
      { timeout: 20_000 },
    )
    .not.toBe('');
  return text;
}
