// How commands find a running service: the file it leaves, who may read it, and when it is not believed.

import { mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findService } from '../../src/cli/reach/find-service.ts';
import { knownServices, rememberService, stateFolderOf } from '../../src/cli/reach/known-services.ts';
import { readRuntimeFile, runtimeFileOf, writeRuntimeFile } from '../../src/cli/reach/runtime-file.ts';
import { loadHost } from '../../src/host/load.ts';
import { takeLock } from '../../src/host/lock-file.ts';
import { processStart } from '../../src/host/process-start.ts';
import type { Host } from '../../src/host/types.ts';
import { beginJourney, untilRemoteHas } from '../support/journey.ts';
import { jsonOf, runCli } from './run-cli.ts';

let folder: string;
let host: Host;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-cli-'));
  await mkdir(join(folder, 'here'));
  const env = { XDG_STATE_HOME: join(folder, 'state') };
  host = { ...(await loadHost()), env, homeDir: folder, cwd: join(folder, 'here'), platform: 'linux' };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function runtimeOf(pid: number, start?: string) {
  return {
    ...{ pid, start: start ?? (await processStart(pid)) ?? 'unknown', url: 'http://localhost:4567' },
    ...{ token: 'a-token-of-this-run', version: '0.1.0', startedAt: '2026-01-31T12:00:00.000Z' },
  };
}

/** A service that runs as far as its file tells: this process. */
async function pretendService(database: string) {
  await mkdir(dirname(database), { recursive: true });
  const remove = await writeRuntimeFile(runtimeFileOf(database), await runtimeOf(process.pid));
  await rememberService(database, host);
  return remove;
}

test('the service writes its file for this user alone, and takes it away at its end', async () => {
  const journey = await beginJourney();
  try {
    const file = runtimeFileOf(join(journey.dataDir, 'queue.db'));
    const service = await journey.start({ env: { SYNC_API_TOKEN: 'a-token-of-the-admin' } });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain('a-token-of-the-admin');
    const { token, url } = JSON.parse(text);
    const ask = (headers: Record<string, string>) => fetch(`${url}/api/sync/status`, { headers });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: `Bearer ${token}x` })).status).toBe(401);
    expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(200);
    expect(await readRuntimeFile(file)).toMatchObject({ kind: 'running', runtime: { pid: service.pid } });
    await service.stop();
    expect(await readRuntimeFile(file)).toEqual({ kind: 'none' });
    const killed = await journey.start();
    await killed.kill();
    expect(await readRuntimeFile(file)).toEqual({ kind: 'stale' });
  } finally {
    await journey.end();
  }
});

test('a service whose database is in its project commits nothing of it, and sees no changes there', async () => {
  const journey = await beginJourney();
  try {
    const blog = await journey.addProject('blog');
    const service = await journey.start({ dataDir: join(blog.path, '.data'), folders: [blog.path] });
    await blog.repo.write('post.md', 'hello\n');
    await untilRemoteHas(journey, blog, 'post.md', 'hello\n');
    await service.untilState('blog', 'safe');
    const { heldFiles, pendingFiles } = await service.project('blog');
    expect({ heldFiles, pendingFiles }).toEqual({ heldFiles: [], pendingFiles: 0 });
    expect(await blog.repo.git('status', '--porcelain')).toBe('');
    expect((await blog.repo.git('ls-files')).split('\n')).not.toContain('.data/queue.db');
    const { body } = await service.api('GET', '/api/sync/history/blog');
    expect(body.history.length).toBeLessThan(5);
    // No longer ignored: no sync is begun, until it is again.
    const rules = join(blog.path, '.data', '.gitignore');
    const before = await readFile(rules, 'utf8');
    await writeFile(rules, '');
    const { stateReason } = await service.untilState('blog', 'blocked');
    expect(stateReason).toMatchObject({
      ...{ code: 'database-in-project', action: expect.stringContaining('/.data/queue.db*') },
    });
    await blog.repo.write('post.md', 'hello again\n');
    await service.api('POST', '/api/sync/trigger', { immediate: true });
    await service.untilState('blog', 'blocked');
    expect((await blog.repo.git('ls-files')).split('\n')).not.toContain('.data/queue.db');
    await writeFile(rules, before);
    await untilRemoteHas(journey, blog, 'post.md', 'hello again\n');
    expect((await blog.repo.git('ls-files')).split('\n')).not.toContain('.data/queue.db');
  } finally {
    await journey.end();
  }
});

test.each([
  ['of a process that is gone', async () => JSON.stringify(await runtimeOf(2 ** 22 + 1, 'ticks:1'))],
  [
    'of another process with this number',
    async () => JSON.stringify(await runtimeOf(process.pid, 'ticks:1')),
  ],
  ['that is cut off', async () => '{"pid": 1'],
  ['that says something else', async () => '{"pid": "no number"}'],
])('a file %s is stale', async (_what, text) => {
  const file = join(folder, 'x.db.runtime.json');
  await writeFile(file, await text());
  expect(await readRuntimeFile(file)).toEqual({ kind: 'stale' });
});

test('a service does not take away the file of a later one', async () => {
  const database = join(folder, 'a', 'queue.db');
  const remove = await pretendService(database);
  const later = { ...(await runtimeOf(process.pid)), url: 'http://localhost:7654' };
  await writeRuntimeFile(runtimeFileOf(database), later);
  await remove();
  expect(await readRuntimeFile(runtimeFileOf(database))).toMatchObject({ runtime: { url: later.url } });
});

test('from any folder the only running service is found; of several one has to be named', async () => {
  expect(await findService(host, {})).toMatchObject({ kind: 'stopped', isStale: false });
  const first = join(folder, 'a', 'queue.db');
  await pretendService(first);
  expect(await findService(host, {})).toMatchObject({ kind: 'running', databasePath: first });
  const second = join(folder, 'b', 'queue.db');
  await pretendService(second);
  await expect(findService(host, {})).rejects.toThrow(`Several services run:\n  ${first}\n  ${second}`);
  expect(await findService(host, { db: second })).toMatchObject({ kind: 'running', databasePath: second });
  const version = await runCli(['version', '--json'], {
    ...host,
    env: { ...host.env } as Record<string, string>,
  });
  expect(jsonOf(version)).toMatchObject({ success: true, service: null });
  const named = { ...host, env: { ...host.env, SYNC_DB_PATH: first } };
  expect(await findService(named, {})).toMatchObject({ kind: 'running', databasePath: first });
});

test('the service of this folder comes before those elsewhere', async () => {
  await pretendService(join(folder, 'a', 'queue.db'));
  const here = join(folder, 'here', 'data', 'sync-queue.db');
  await pretendService(here);
  expect(await findService(host, {})).toMatchObject({ kind: 'running', databasePath: here });
});

test('a service that begins to run is waited for; one that only holds its database is not', async () => {
  const database = join(folder, 'a', 'queue.db');
  await mkdir(dirname(database));
  await writeFile(database, '');
  const answer = await takeLock(`${database}.lock`, process.pid);
  let looks = 0;
  const clock = {
    ...host.clock,
    async sleep() {
      looks += 1;
      if (looks === 2) await pretendService(database);
    },
  };
  const found = await findService({ ...host, clock }, { db: database });
  expect([found.kind, looks]).toEqual(['running', 2]);
  await rm(runtimeFileOf(database));
  const before = Date.now() / 1000 - 60;
  await utimes(`${database}.lock`, before, before);
  expect(await findService({ ...host, clock }, { db: database })).toMatchObject({ kind: 'stopped' });
  expect(looks).toBe(2);
  if (answer.kind === 'held') await answer.lock.release();
});

test('without a running one, the last database that is still there is read', async () => {
  const database = join(folder, 'a', 'queue.db');
  await mkdir(dirname(database));
  await writeFile(database, '');
  await rememberService(database, host);
  await rememberService(join(folder, 'gone', 'queue.db'), host);
  expect(await findService(host, {})).toMatchObject({ kind: 'stopped', databasePath: database });
  expect(await knownServices(host)).toEqual([database]);
});

test('knownServices() passes over what another process forgets between the list and the look', async () => {
  const database = join(folder, 'queue.db');
  await writeFile(database, '');
  await rememberService(database, host);
  // Listed, and not to be read.
  await symlink('gone', join(stateFolderOf(host), 'services', 'forgotten'));
  expect(await knownServices(host)).toEqual([database]);
});

test('an address is taken as it is, with the token of the environment', async () => {
  const asked = { ...host, env: { ...host.env, SYNC_API_TOKEN: 'token' } };
  const found = await findService(asked, { url: 'https://sync.example.org' });
  expect(found).toEqual({ kind: 'address', url: 'https://sync.example.org', token: 'token' });
});

test.each([
  ['linux', {}, '.local/state/gitferry'],
  ['linux', { XDG_STATE_HOME: '/state' }, '/state/gitferry'],
  ['darwin', {}, 'Library/Application Support/gitferry'],
  ['win32', { LOCALAPPDATA: '/local' }, '/local/gitferry'],
])('on %s with %j the state is kept in %s', (platform, env, expected) => {
  const path = stateFolderOf({ platform, env, homeDir: '/home/ada' });
  expect(path).toBe(expected.startsWith('/') ? expected : join('/home/ada', expected));
});
