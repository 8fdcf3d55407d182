import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  type ChangeScanner,
  createChangeScanner,
  type ScannerInput,
} from '../../../src/git/changes/change-scanner.ts';
import { startThread, type Thread, type ThreadInput } from '../../../src/host/worker-threads.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function newRepo(): Promise<GitRepo> {
  const repo = await createGitRepo();
  cleanups.push(() => repo.remove());
  await repo.write('f', '1');
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'first');
  return repo;
}

function newScanner(input: Partial<ScannerInput> = {}): ChangeScanner {
  const scanner = createChangeScanner({ env: { GIT_CONFIG_NOSYSTEM: '1' }, homeDir: '', ...input });
  cleanups.push(() => scanner.close());
  return scanner;
}

const calm = () => new AbortController().signal;

/** Starts real threads and remembers them, so that a test can end one as a crash would. */
function watchedThreads() {
  const started: { thread: Thread; input: ThreadInput; isOver: boolean }[] = [];
  const start = (input: ThreadInput): Thread => {
    const thread = startThread(input);
    const one = { thread, input, isOver: false };
    started.push(one);
    return {
      ...thread,
      end: async () => {
        one.isOver = true;
        await thread.end();
      },
    };
  };
  return { started, start };
}

test('scan() counts what differs from HEAD and names the branches', async () => {
  const repo = await newRepo();
  const tip = (await repo.git('rev-parse', 'HEAD')).trim();
  await repo.git('branch', 'topic/x');
  const scanner = newScanner();
  const head = { kind: 'branch', ref: 'refs/heads/main', branch: 'main', oid: tip };
  const branches = { main: tip, 'topic/x': tip };
  expect(await scanner.scan(repo.path, calm())).toEqual({
    kind: 'changes',
    head,
    changes: 0,
    unreadable: 0,
    branches,
    work: expect.any(String),
  });
  await repo.write('f', 'changed');
  await repo.write('new/file', 'x');
  expect(await scanner.scan(repo.path, calm())).toMatchObject({ changes: 2 });
});

test('scan() answers why a repository must not be touched', async () => {
  const repo = await newRepo();
  await repo.git('switch', '-q', '--detach');
  const scanner = newScanner();
  expect(await scanner.scan(repo.path, calm())).toMatchObject({
    kind: 'blocked',
    reason: { code: 'detached-head' },
  });
  const gone = join(repo.path, 'gone');
  expect(await scanner.scan(gone, calm())).toMatchObject({
    kind: 'blocked',
    reason: { code: 'folder-missing' },
  });
});

test('scan() uses as many threads as it is told, and each for one work tree after another', async () => {
  const repos = await Promise.all([newRepo(), newRepo(), newRepo(), newRepo()]);
  const { started, start } = watchedThreads();
  const scanner = newScanner({ start, size: 1 });
  expect(started).toHaveLength(0);
  const results = await Promise.all(repos.map((repo) => scanner.scan(repo.path, calm())));
  expect(results.map(({ kind }) => kind)).toEqual(['changes', 'changes', 'changes', 'changes']);
  expect(started).toHaveLength(1);
  const two = watchedThreads();
  const wide = newScanner({ start: two.start, size: 2 });
  await Promise.all(repos.map((repo) => wide.scan(repo.path, calm())));
  expect(two.started).toHaveLength(2);
});

test('scan() rejects when its thread crashes, and the next one starts another', async () => {
  const repo = await newRepo();
  const { started, start } = watchedThreads();
  const scanner = newScanner({ start, size: 1 });
  const scan = scanner.scan(repo.path, calm());
  const waiting = scanner.scan(repo.path, calm());
  const [first] = started;
  await first?.thread.end();
  first?.input.onEnd(new Error('out of memory'));
  await expect(scan).rejects.toMatchObject({
    code: 'crashed',
    message: expect.stringContaining('out of memory'),
  });
  expect(await waiting).toMatchObject({ kind: 'changes' });
  expect(started).toHaveLength(2);
});

test('scan() stops at once when its signal is aborted, waiting or under way, and the others go on', async () => {
  const repo = await newRepo();
  const scanner = newScanner({ size: 1 });
  const controllers = [new AbortController(), new AbortController()] as const;
  const running = scanner.scan(repo.path, controllers[0].signal);
  const waiting = scanner.scan(repo.path, controllers[1].signal);
  const last = scanner.scan(repo.path, calm());
  const codes = Promise.allSettled([running, waiting]);
  for (const controller of controllers) controller.abort(new Error('enough'));
  for (const outcome of await codes) expect(outcome).toMatchObject({ reason: { code: 'aborted' } });
  expect(await last).toMatchObject({ kind: 'changes' });
  await expect(scanner.scan(repo.path, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
});

test('a thread ends after it had nothing to do for a while', async () => {
  const repo = await newRepo();
  const clock = createManualClock();
  const { started, start } = watchedThreads();
  const scanner = newScanner({ start, clock, idleMs: 1_000 });
  await scanner.scan(repo.path, calm());
  await clock.advance(900);
  await scanner.scan(repo.path, calm());
  await clock.advance(900);
  expect(started.map(({ isOver }) => isOver)).toEqual([false]);
  await clock.advance(200);
  expect(started.map(({ isOver }) => isOver)).toEqual([true]);
  await scanner.scan(repo.path, calm());
  expect(started).toHaveLength(2);
});

test('close() rejects what is under way and what comes after it', async () => {
  const repo = await newRepo();
  const { started, start } = watchedThreads();
  const scanner = newScanner({ start });
  const scans = Promise.allSettled([scanner.scan(repo.path, calm()), scanner.scan(repo.path, calm())]);
  await scanner.close();
  for (const outcome of await scans) expect(outcome).toMatchObject({ reason: { code: 'aborted' } });
  expect(started.every(({ isOver }) => isOver)).toBe(true);
  await expect(scanner.scan(repo.path, calm())).rejects.toMatchObject({ code: 'aborted' });
});

test('a thread gets only what git reads of the environment, and what running it needs', async () => {
  const repo = await newRepo();
  const { started, start } = watchedThreads();
  const env = {
    GIT_CONFIG_NOSYSTEM: '1',
    XDG_CONFIG_HOME: '/nowhere',
    PATH: '/usr/bin',
    GITHUB_TOKEN: 'x',
    SYNC_API_TOKEN: 'y',
  };
  const scanner = newScanner({ start, env });
  await scanner.scan(repo.path, calm());
  expect(started[0]?.input.data).toEqual({
    env: { GIT_CONFIG_NOSYSTEM: '1', XDG_CONFIG_HOME: '/nowhere', PATH: '/usr/bin' },
    homeDir: '',
  });
});

test('scan() tells of a work tree that is blocked whether its work is other than before', async () => {
  const repo = await newRepo();
  await repo.git('switch', '-q', '--detach');
  const scanner = newScanner();
  const look = async () => {
    const found = await scanner.scan(repo.path, calm());
    expect(found).toMatchObject({ kind: 'blocked', reason: { code: 'detached-head' } });
    return found.work;
  };
  const clean = await look();
  await repo.write('new', '1');
  const first = await look();
  expect(await look()).toBe(first);
  await repo.write('new', '2');
  const second = await look();
  expect(new Set([clean, first, second, null]).size).toBe(4);
});

test('a scan names what goes wrong in the thread', async () => {
  const repo = await newRepo();
  await writeFile(join(repo.path, '.git/config'), '[broken');
  expect(await newScanner().scan(repo.path, calm())).toMatchObject({
    reason: { code: 'git-config-invalid' },
  });
});
