// The doctor: each fault it knows is made here, found, and told with what to do.

import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkCredentials } from '../../src/doctor/credentials.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { checkDatabaseLock, checkProjectLocks } from '../../src/doctor/locks.ts';
import { checkDisk, checkGit, checkWatches } from '../../src/doctor/machine.ts';
import { checkClock, checkHosts } from '../../src/doctor/network.ts';
import { checkProject } from '../../src/doctor/projects.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, type Journey } from '../support/journey.ts';
import { jsonOf, runCli } from './run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-doctor-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('git that is missing is a warning with what to install', async () => {
  expect(await checkGit({ PATH: process.env.PATH })).toMatchObject({ level: 'ok' });
  const found = await checkGit({ PATH: folder });
  expect(found).toMatchObject({ level: 'warning', action: expect.stringContaining('2.36') });
});

test('low limits of watches are told with the exact command that raises them', async () => {
  const place = join(folder, 'inotify');
  await mkdir(place);
  await writeFile(join(place, 'max_user_watches'), '8192\n');
  await writeFile(join(place, 'max_user_instances'), '128\n');
  const [watches, instances] = await checkWatches(100, place);
  expect(instances).toMatchObject({ level: 'ok' });
  expect(watches).toMatchObject({ level: 'warning' });
  expect(watches?.action).toMatch(
    /^sudo sysctl fs\.inotify\.max_user_watches=524288 \(to keep it: .*sysctl\.d/,
  );
  expect((await checkWatches(400_000, place))[0]).toMatchObject({
    level: 'fault',
    action: expect.stringContaining('max_user_watches=800000'),
  });
  expect(await checkWatches(1, join(folder, 'no-such-system'))).toEqual([]);
});

test.each([
  [40_000_000, 'fault'],
  [500_000_000, 'warning'],
  [5_000_000_000, 'ok'],
])('%i free bytes are %s', async (free, level) => {
  const read = (async () => ({ bavail: free / 1000, bsize: 1000 })) as never;
  expect(await checkDisk('/data', read)).toMatchObject({ check: 'disk', subject: '/data', level });
});

test('a clock that is wrong is told with the difference', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(checkClock('Sat, 31 Jan 2026 12:00:30 GMT', now, 'h')).toMatchObject([{ level: 'ok' }]);
  const [found] = checkClock('Sat, 31 Jan 2026 11:50:00 GMT', now, 'h');
  expect(found).toMatchObject({ level: 'warning', action: expect.stringContaining('timedatectl') });
  expect(found?.detail).toContain('600 s ahead of');
  expect(checkClock(null, now, 'h')).toEqual([]);
});

test('hosts that cannot be reached are faults, each named once', async () => {
  const clock = { now: () => Date.now() };
  const urls = ['http://127.0.0.1:9/a.git', 'http://127.0.0.1:9/b.git', 'ssh://git@127.0.0.1:9/c.git'];
  const found = await checkHosts(urls, clock);
  expect(found.map(({ subject, level }) => [subject, level])).toEqual([
    ['127.0.0.1:9', 'fault'],
    ['127.0.0.1:9', 'fault'],
  ]);
});

test.each([
  ['of a host that a sync found to need one', 'h', 'blocked', 'credential-missing', 'fault'],
  ['that was refused there', 'h', 'retrying', 'credential-rejected', 'fault'],
  ['of a host of which nothing is known yet', 'h', 'pending', null, 'warning'],
  ['of a project that another matter blocks', 'h', 'blocked', 'merge-in-progress', 'warning'],
  ['of a host that takes pushes without one', 'h', 'safe', null, 'warning'],
  ['of github.com, which takes none without', 'github.com', 'pending', null, 'fault'],
])('a credential that is missing, %s', (_what, host, state, code, level) => {
  const reason = (named: string | null) => named && { code: named, detail: 'It is so.', action: 'Do this.' };
  const known = {
    ...{ key: host, host, from: null, state: 'missing', projectIds: ['blog'] },
    stateReason: reason('credential-missing') || null,
  };
  const project = { projectId: 'blog', state, stateReason: reason(code) || null, remotes: [] };
  const other = { projectId: 'other', state: 'blocked', stateReason: known.stateReason, remotes: [] };
  expect(checkCredentials([known], [project, other])).toMatchObject([
    { level, subject: host, action: 'Do this.' },
  ]);
  // A mirror of it may be what asks.
  const asking = { ...project, remotes: [{ stateReason: known.stateReason }] };
  expect(checkCredentials([known], [asking])).toMatchObject([{ level: 'fault' }]);
  expect(checkCredentials([{ ...known, state: 'rejected' }], [project])).toMatchObject([{ level: 'fault' }]);
  expect(checkCredentials([{ ...known, state: 'ends-soon' }], [other])).toMatchObject([{ level: 'warning' }]);
});

test('a lock of a killed service is a warning, one of a running one is not', async () => {
  const database = join(folder, 'queue.db');
  expect(await checkDatabaseLock(database)).toMatchObject({ level: 'ok' });
  await writeFile(`${database}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, start: 'ticks:1' }));
  expect(await checkDatabaseLock(database)).toMatchObject({ level: 'warning' });
});

test("a project's probe and its old git lock are told", async () => {
  const repo = await createGitRepo();
  try {
    const about = { projectId: 'blog', path: repo.path };
    const probe = { ...about, env: {}, homeDir: folder, now: Date.now() };
    await repo.write('a.txt', 'a\n');
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', 'begin');
    expect(await checkProject(probe)).toMatchObject({ check: 'project', subject: 'blog', level: 'ok' });
    const lock = join(repo.path, '.git', 'index.lock');
    await writeFile(lock, '');
    expect(await checkProjectLocks(about, Date.now())).toEqual([]);
    const before = Date.now() / 1000 - 3_600;
    await utimes(lock, before, before);
    const found = await checkProjectLocks(about, Date.now());
    expect(found).toMatchObject([
      { level: 'fault', detail: expect.stringContaining(`${lock} is there for 60 min`) },
    ]);
    await rm(lock);
    await repo.git('switch', '--quiet', '--detach');
    expect(await checkProject(probe)).toMatchObject({
      level: 'fault',
      detail: expect.stringContaining('detached-head'),
      action: expect.stringContaining('git switch'),
    });
    expect(await checkProject({ ...probe, path: join(folder, 'gone') })).toMatchObject({ level: 'fault' });
  } finally {
    await repo.remove();
  }
});

test('the whole of it, on a running service, on its database, and without any', async () => {
  const journey: Journey = await beginJourney();
  try {
    const blog = await journey.addProject('blog');
    const env = { SYNC_TOKENS: JSON.stringify({ [new URL(blog.remoteUrl).host]: 'x-y-z' }) };
    const service = await journey.start({
      folders: [blog.path],
      env,
    });
    await service.untilState('blog', 'safe');
    const words = ['doctor', '--db', join(journey.dataDir, 'queue.db')];
    const options = { env, homeDir: journey.folder, cwd: journey.folder };
    const running = await runCli([...words, '--json'], options);
    const { findings } = jsonOf(running) as { findings: Finding[] };
    const checks = new Set(findings.map(({ check }) => check));
    for (const check of [
      'git',
      'service',
      'database',
      'health',
      'locks',
      'disk',
      'network',
      'clock',
      'project',
    ])
      expect(checks, check).toContain(check);
    expect(findings.filter(({ level }) => level === 'fault')).toEqual([]);
    expect(running.code).toBe(0);
    // What only a sync finds out is told as well.
    await blog.repo.git('remote', 'remove', 'origin');
    await blog.repo.write('more.md', 'more\n');
    await service.untilState('blog', 'blocked');
    expect((await runCli(words, options)).out).toMatch(
      /^fault {3}project blog: .*remote-missing\)\n +Add one/m,
    );
    await blog.repo.git('remote', 'add', 'origin', blog.remoteUrl);
    await service.untilState('blog', 'safe');
    await blog.repo.git('switch', '--quiet', '--detach');
    await service.stop();
    const stopped = await runCli(words, options);
    expect(stopped.code).toBe(4);
    expect(stopped.out).toMatch(/^warning service: It does not run: nothing is synced\.\n +Start it/m);
    expect(stopped.out).toMatch(/^fault {3}project blog: .*detached-head/m);
    expect(stopped.out).toMatch(/\d+ checks, 1 fault, /);
    const alone = await runCli(['doctor', '--db', join(folder, 'none.db'), '--json'], options);
    expect(jsonOf(alone).findings.map(({ check }: Finding) => check)).toEqual(
      expect.arrayContaining(['git', 'service', 'network']),
    );
  } finally {
    await journey.end();
  }
});
