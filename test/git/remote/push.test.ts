import { randomBytes } from 'node:crypto';
import { symlink } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { bulkPack } from '../../../src/git/remote/bulk-pack.ts';
import { type PushInput, type PushResult, pushBranch } from '../../../src/git/remote/push.ts';
import { createTransport } from '../../../src/git/remote/transport.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore, Repository } from '../../../src/git/types.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { Failure } from '../../../src/model/failure.ts';
import type { SyncProgress } from '../../../src/model/progress.ts';
import { failureOf } from '../../support/failure-of.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';
import { type Fault, type GitServer, startGitServer } from '../../support/git-server.ts';

const MAIN = 'refs/heads/main';
const MANY_FILES = 2_100;

let server: GitServer;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startGitServer();
});
afterEach(async () => {
  server.clearFaults();
  server.requireToken(null);
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});
afterAll(() => server.stop());

type Scene = {
  repo: GitRepo;
  repository: Repository;
  objects: ObjectStore;
  remote: { url: string; path: string };
  /** Commits and answers the new tip. */
  commit(files?: Record<string, string | Uint8Array>): Promise<string>;
  push(options?: Partial<PushInput> & { idleTimeoutMs?: number }): Promise<PushResult>;
  /** What came to the server since the last call, as `METHOD status`. */
  traffic(): string[];
  fsck(): Promise<string>;
};

let names = 0;

async function setUp(): Promise<Scene> {
  names += 1;
  const repo = await createGitRepo();
  const remote = await server.createRepo(`u/r${names}`);
  const repository = await openRepository(repo.path);
  const objects = openObjects(repository, { fsync: false });
  cleanUps.push(() => objects.close(), repo.remove);
  let seen = server.requests.length;
  return {
    repo,
    repository,
    objects,
    remote,
    async commit(files = { 'a.txt': randomBytes(8).toString('hex') }) {
      for (const [path, content] of Object.entries(files)) await repo.write(path, content);
      await repo.git('add', '--all');
      await repo.git('commit', '--quiet', '--allow-empty', '-m', 'change');
      return (await repo.git('rev-parse', 'HEAD')).trim();
    },
    async push({ idleTimeoutMs = 10_000, ...options } = {}) {
      const transport = createTransport({
        clock: systemClock,
        userAgent: 'gitferry/0.1 (test)',
        idleTimeoutMs,
        credentialFor: async () => null,
      });
      return pushBranch({
        transport,
        objects,
        repo: repository,
        url: remote.url,
        branch: 'main',
        tip: options.tip ?? (await repo.git('rev-parse', 'HEAD')).trim(),
        assumed: null,
        signal: new AbortController().signal,
        clock: systemClock,
        ...options,
      });
    },
    traffic() {
      const fresh = server.requests.slice(seen);
      seen = server.requests.length;
      return fresh.map(({ method, status }) => `${method} ${status}`);
    },
    fsck: async () =>
      (
        await runGit(['--git-dir', remote.path, 'fsck', '--strict', '--full'], { cwd: server.root })
      ).toString(),
  };
}

/** Somebody else commits on top of what the remote has. */
async function pushedByAnother(scene: Scene): Promise<string> {
  const another = await createGitRepo({ clone: scene.remote.url });
  cleanUps.push(another.remove);
  await another.write('theirs.txt', randomBytes(8).toString('hex'));
  await another.git('add', '--all');
  await another.git('commit', '--quiet', '-m', 'theirs');
  await another.git('push', '--quiet', 'origin', 'HEAD:main');
  return (await another.git('rev-parse', 'HEAD')).trim();
}

// --- what arrives

test('pushBranch() brings a first history with merges, tags and symlinks completely to the remote', async () => {
  const scene = await setUp();
  const { repo } = scene;
  await scene.commit({ 'a.txt': '1', 'deep/b.txt': '1', 'bin/tool': '#!/bin/sh\n' });
  await symlink('../a.txt', `${repo.path}/deep/link`);
  await repo.git('tag', '-a', 'v1', '-m', 'one');
  await repo.git('switch', '--quiet', '-c', 'side');
  await scene.commit({ 'side.txt': '1', 'deep/ünï.txt': 'ü' });
  await repo.git('switch', '--quiet', 'main');
  await scene.commit({ 'a.txt': '2' });
  await repo.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'side');
  const tip = (await repo.git('rev-parse', 'HEAD')).trim();

  const result = await scene.push();
  expect(result).toMatchObject({ status: 'pushed', from: null, to: tip, requests: 2, redirectedTo: null });
  expect(result.bytes).toBeGreaterThan(0);
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(tip);
  expect(await scene.fsck()).not.toMatch(/error|missing|corrupt/);
  const listed = await runGit(['--git-dir', scene.remote.path, 'ls-tree', '-r', MAIN], { cwd: server.root });
  expect(listed.toString()).toBe(await repo.git('ls-tree', '-r', 'HEAD'));
});

test('pushBranch() needs exactly one request when the remote tip is known', async () => {
  const scene = await setUp();
  const first = await scene.commit({ 'a.txt': '1', 'deep/er/b.txt': '1' });
  await scene.push();
  scene.traffic();
  const second = await scene.commit({ 'deep/er/b.txt': '2' });
  const result = await scene.push({ assumed: first });
  expect(result).toMatchObject({ status: 'pushed', from: first, to: second, requests: 1 });
  expect(result.bytes).toBeLessThan(1_000);
  expect(scene.traffic()).toEqual(['POST 200']);
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(second);
  expect(await scene.fsck()).not.toMatch(/error|missing/);
});

test('pushBranch() is up to date the second time and sends nothing', async () => {
  const scene = await setUp();
  const tip = await scene.commit();
  await scene.push();
  scene.traffic();
  const again = await scene.push({ assumed: tip });
  expect(again).toMatchObject({ status: 'up-to-date', from: tip, to: tip, bytes: 0, requests: 1 });
  expect(scene.traffic()).toEqual(['GET 200']);
});

test('pushBranch() starts a new branch from what the remote has', async () => {
  const scene = await setUp();
  const tip = await scene.commit({ 'big.bin': randomBytes(100_000) });
  await scene.push();
  const result = await scene.push({ branch: 'topic/ä' });
  expect(result).toMatchObject({ status: 'pushed', from: null, to: tip });
  expect(result.bytes).toBeLessThan(500);
  expect(await server.refOf(scene.remote.path, 'refs/heads/topic/ä')).toBe(tip);
});

test('pushBranch() reads packs: a repository after git gc', async () => {
  const scene = await setUp();
  for (let n = 0; n < 5; n += 1) await scene.commit({ 'a.txt': `${'same line\n'.repeat(500)}${n}` });
  await scene.repo.git('gc', '--quiet');
  const base = (await scene.repo.git('rev-parse', 'HEAD')).trim();
  await scene.push();
  const tip = await scene.commit();
  await scene.repo.git('gc', '--quiet');
  await scene.push({ assumed: base });
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(tip);
  expect(await scene.fsck()).not.toMatch(/error|missing/);
});

test('pushBranch() leaves out the commits of submodules', async () => {
  const scene = await setUp();
  const vendor = await createGitRepo();
  cleanUps.push(vendor.remove);
  await vendor.write('lib.txt', '1');
  await vendor.git('add', '--all');
  await vendor.git('commit', '--quiet', '-m', 'lib');
  await scene.commit();
  await scene.repo.git('submodule', '--quiet', 'add', vendor.path, 'vendor');
  const tip = await scene.commit();
  await scene.push();
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(tip);
  expect(await scene.fsck()).not.toMatch(/error|missing/);
});

test('pushBranch() streams what is large and tells how far it is', async () => {
  const scene = await setUp();
  const tip = await scene.commit({ 'one.bin': randomBytes(1_500_000), 'two.bin': randomBytes(1_500_000) });
  const progress: Omit<SyncProgress, 'phase'>[] = [];
  const result = await scene.push({ onProgress: (sent) => progress.push(sent) });
  expect(result.bytes).toBeGreaterThan(3_000_000);
  // Two contents, their folder and the commit.
  expect(progress[0]).toMatchObject({ objectsTotal: 4 });
  expect(progress.at(-1)).toEqual({ objects: 4, objectsTotal: 4, bytes: result.bytes });
  expect(server.requests.at(-1)?.bytes).toBe(result.bytes);
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(tip);
});

/** Written by fast-import, because thousands of `git add` would be most of the suite's time. */
async function manyFiles(scene: Scene): Promise<string> {
  const names = Array.from({ length: MANY_FILES }, (_, n) => `d${n % 20}/f${n}.txt`);
  const files = names.map((name) => `M 100644 inline ${name}\ndata ${name.length}\n${name}\n`);
  const head = 'commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 4\nmany\n';
  await scene.repo.gitBytes(['fast-import', '--quiet'], head + files.join(''));
  return (await scene.repo.git('rev-parse', 'HEAD')).trim();
}

test('pushBranch() sends thousands of objects as one pack of git', async () => {
  const scene = await setUp();
  const tip = await manyFiles(scene);
  expect(await scene.push()).toMatchObject({ status: 'pushed', to: tip, requests: 2 });
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(tip);
  expect(await scene.fsck()).not.toMatch(/error|missing/);
});

test('bulkPack() makes the pack itself where git is not installed', async () => {
  const { repo, repository, objects, commit } = await setUp();
  await commit({ 'a.txt': '1' });
  const base = await commit({ 'a.txt': '2' });
  const tip = await commit({ 'a.txt': '3', 'b/c.txt': '1' });
  const signal = new AbortController().signal;
  const input = { objects, repo: repository, tip, offsetDeltas: true, signal };
  for (const [bases, expected] of [
    [[], 10],
    [[base], 5],
  ] as const) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bulkPack({ ...input, bases, gitProgram: 'no-such-git' })) chunks.push(chunk);
    const pack = Buffer.concat(chunks);
    expect(pack.readUInt32BE(8)).toBe(expected);
    expect((await repo.gitBytes(['index-pack', '--stdin', '--strict'], pack)).toString()).toMatch(
      /^(pack|keep)/,
    );
  }
});

test('bulkPack() names what git could not read', async () => {
  const { repository, objects } = await setUp();
  const signal = new AbortController().signal;
  const input = { objects, repo: repository, bases: [], offsetDeltas: false, signal };
  const pack = bulkPack({ ...input, tip: 'd'.repeat(40) });
  expect((await failureOf(pack.next())).code).toBe('object-missing');
});

test('bulkPack() ends git when its caller gives up in the middle', async () => {
  const { repository, objects, commit } = await setUp();
  // More than a pipe holds, so that git cannot have ended by itself.
  const tip = await commit({ 'one.bin': randomBytes(1_000_000) });
  const input = { objects, repo: repository, tip, bases: [], offsetDeltas: false };
  const caller = new AbortController();
  const pack = bulkPack({ ...input, signal: caller.signal });
  await pack.next();
  caller.abort();
  const rest = async () => {
    for await (const chunk of pack) expect(chunk.length).toBeGreaterThan(0);
  };
  expect((await failureOf(rest())).code).toBe('aborted');
  // Left without an abort: return() resolves only when the process has ended.
  const left = bulkPack({ ...input, signal: new AbortController().signal });
  await left.next();
  expect(await left.return(undefined)).toEqual({ done: true, value: undefined });
});

// --- the remote is somewhere else than assumed

test('pushBranch() finds out when the assumed tip is stale, and goes on', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  const second = await scene.commit();
  await scene.push({ assumed: first });
  const third = await scene.commit();
  scene.traffic();
  const result = await scene.push({ assumed: first });
  expect(result).toMatchObject({ status: 'pushed', from: second, to: third, requests: 3 });
  expect(scene.traffic()).toEqual(['POST 200', 'GET 200', 'POST 200']);
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(third);
});

test('pushBranch() recovers when the remote has lost what was assumed', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  const second = await scene.commit();
  // Never pushed: the remote is empty.
  const result = await scene.push({ assumed: first });
  expect(result).toMatchObject({ status: 'pushed', from: null, to: second });
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(second);
});

test('pushBranch() asks first when the assumed tip is no ancestor', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  await scene.repo.git('commit', '--quiet', '--amend', '-m', 'another');
  scene.traffic();
  expect((await failureOf(scene.push({ assumed: first }))).code).toBe('remote-diverged');
  expect(scene.traffic()).toEqual(['GET 200']);
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(first);
});

test('pushBranch() never overwrites what is not here', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  const theirs = await pushedByAnother(scene);
  const nothingOfOurs = await failureOf(scene.push({ lastKnown: first }));
  expect(nothingOfOurs).toMatchObject({ code: 'remote-ahead', data: { remoteTip: theirs, known: false } });
  await scene.commit();
  for (const assumed of [null, first]) {
    const failure = await failureOf(scene.push({ assumed, lastKnown: first }));
    expect(failure).toMatchObject({ code: 'remote-diverged', data: { remoteTip: theirs, known: false } });
  }
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(theirs);
});

test('pushBranch() tells ahead from diverged by history once it is fetched', async () => {
  const scene = await setUp();
  await scene.commit();
  await scene.push();
  const theirs = await pushedByAnother(scene);
  await scene.repo.git('fetch', '--quiet', scene.remote.url, 'main');
  expect((await failureOf(scene.push())).code).toBe('remote-ahead');
  await scene.commit();
  expect(await failureOf(scene.push())).toMatchObject({ code: 'remote-diverged', data: { known: true } });
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(theirs);
});

test('pushBranch() waits a little for a ref that is locked on the remote, then leaves it for later', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  await scene.commit();
  await server.refuse(scene.remote.path, {
    ref: MAIN,
    reason: 'failed to update ref',
    message: 'cannot lock ref',
  });
  scene.traffic();
  const failure = await failureOf(scene.push({ assumed: first }));
  expect(failure).toMatchObject({ code: 'remote-error', retryable: true });
  expect(scene.traffic().filter((each) => each.startsWith('POST')).length).toBeLessThanOrEqual(4);
  await server.accept(scene.remote.path);
  expect((await scene.push({ assumed: first })).status).toBe('pushed');
});

// --- refusals and faults

test.each([
  [
    'protected branch hook declined',
    'error: GH006: Protected branch update failed for refs/heads/main.\n',
    'push-rejected-protected-branch',
  ],
  [
    'pre-receive hook declined',
    'error: GH001: Large files detected.\nerror: File a.bin is 120.00 MB\n',
    'push-rejected-large-file',
  ],
  [
    'push declined due to repository rule violations',
    'error: GH013: Repository rule violations\n- GITHUB PUSH PROTECTION\n  path: .env:1\n',
    'push-rejected-secret',
  ],
  ['because I say so', 'no\n', 'push-rejected'],
])('pushBranch() names the refusal "%s"', async (reason, message, code) => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  await scene.commit();
  await server.refuse(scene.remote.path, { reason, message });
  for (const assumed of [null, first]) {
    const failure = await failureOf(scene.push({ assumed }));
    expect(failure).toMatchObject({ code, retryable: false, data: { reason } });
    expect(failure.message).toContain(message.trim().split('\n').at(-1)?.trim());
    expect(failure.data.outcomeUnknown).toBeUndefined();
  }
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(first);
});

test('pushBranch() refuses objects that the remote finds broken', async () => {
  const scene = await setUp();
  const tree = (await scene.repo.git('write-tree')).trim();
  const broken = `tree ${tree}\nauthor nobody\ncommitter nobody\n\nbroken\n`;
  const stored = await scene.repo.gitBytes(
    ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'],
    broken,
  );
  const failure = await failureOf(scene.push({ tip: stored.toString().trim() }));
  expect(failure).toMatchObject({ code: 'push-rejected', retryable: false });
  expect(await server.refOf(scene.remote.path, MAIN)).toBeNull();
});

const faults: [string, Fault, string, boolean][] = [
  ['401', { kind: 'status', status: 401 }, 'credential-missing', false],
  ['403', { kind: 'status', status: 403, body: 'Permission to u/r denied' }, 'push-forbidden', false],
  ['413', { kind: 'status', status: 413 }, 'push-too-large', false],
  ['429', { kind: 'status', status: 429, headers: { 'retry-after': '5' } }, 'rate-limited', false],
  ['500', { kind: 'status', status: 500 }, 'remote-error', true],
  ['503', { kind: 'status', status: 503 }, 'remote-error', true],
  ['a reset before the answer', { kind: 'reset' }, 'remote-error', true],
  ['a web page', { kind: 'html' }, 'offline', true],
  ['another kind of answer', { kind: 'status', status: 200, body: 'thanks' }, 'remote-invalid-answer', true],
  ['a cut answer', { kind: 'truncated', afterBytes: 12 }, 'remote-error', true],
  [
    'an answer that ends early',
    { kind: 'truncated', afterBytes: 12, clean: true },
    'remote-invalid-answer',
    true,
  ],
];

test.each(faults)('pushBranch() survives %s to its upload', async (_what, fault, code, outcomeUnknown) => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  const second = await scene.commit();
  // For ever: Deno's fetch sends once more by itself when a kept connection is reset.
  server.inject(/POST/, fault, Number.POSITIVE_INFINITY);
  const failure = await failureOf(scene.push({ assumed: first }));
  server.clearFaults();
  expect(failure.code).toBe(code);
  expect(failure.data.outcomeUnknown ?? false).toBe(outcomeUnknown);
  if (code === 'rate-limited') expect(failure.data.retryAfterMs).toBe(5_000);
  // The next try asks first, and then either pushes or finds it done.
  expect(await scene.push()).toMatchObject({ to: second });
  expect(await server.refOf(scene.remote.path, MAIN)).toBe(second);
});

test('pushBranch() survives a reset in the middle of its upload', async () => {
  const scene = await setUp();
  const tip = await scene.commit({ 'one.bin': randomBytes(2_000_000), 'two.bin': randomBytes(2_000_000) });
  server.inject(/POST/, { kind: 'reset-mid-pack', afterBytes: 100_000 });
  const failure = await failureOf(scene.push());
  expect(failure).toMatchObject({ code: 'remote-error', data: { outcomeUnknown: true } });
  expect(await scene.push()).toMatchObject({ status: 'pushed', to: tip });
});

test('pushBranch() finds its push done when only the answer was lost', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  const second = await scene.commit();
  server.inject(/POST/, { kind: 'answer-lost' }, Number.POSITIVE_INFINITY);
  const failure = await failureOf(scene.push({ assumed: first }));
  server.clearFaults();
  expect(failure).toMatchObject({ code: 'remote-error', data: { outcomeUnknown: true } });
  expect(await scene.push()).toMatchObject({ status: 'up-to-date', from: second });
});

test('pushBranch() gives up on a server that does not answer', async () => {
  const scene = await setUp();
  await scene.commit();
  const held = server.inject(/POST/, { kind: 'held' });
  const failure = await failureOf(scene.push({ idleTimeoutMs: 1_500 }));
  expect(failure).toMatchObject({ code: 'remote-timeout', data: { outcomeUnknown: true } });
  held.release();
});

test('pushBranch() ends when its caller gives up', async () => {
  const scene = await setUp();
  await scene.commit();
  const held = server.inject(/POST/, { kind: 'held' });
  const caller = new AbortController();
  const pushing = failureOf(scene.push({ signal: caller.signal }));
  await held.met;
  caller.abort(new Failure('job-timeout', 'The sync took too long.'));
  expect(await pushing).toMatchObject({ code: 'job-timeout', data: { outcomeUnknown: true } });
  held.release();
});

test('pushBranch() moves the upload to where discovery was redirected', async () => {
  const scene = await setUp();
  const tip = await scene.commit();
  const moved = await server.createRepo(`moved/r${names}`);
  const to = `${moved.url}/info/refs?service=git-receive-pack`;
  server.inject(new RegExp(`GET /u/r${names}`), { kind: 'redirect', to });
  expect(await scene.push()).toMatchObject({ status: 'pushed', redirectedTo: moved.url, requests: 3 });
  expect(await server.refOf(moved.path, MAIN)).toBe(tip);
  expect(await server.refOf(scene.remote.path, MAIN)).toBeNull();
});

test('pushBranch() asks where a repository went when an assumed upload is redirected', async () => {
  const scene = await setUp();
  const first = await scene.commit();
  await scene.push();
  const tip = await scene.commit();
  const moved = await server.createRepo(`moved/r${names}`);
  await runGit(['--git-dir', moved.path, 'fetch', '--quiet', scene.remote.path, 'main:main'], {
    cwd: server.root,
  });
  server.inject(new RegExp(`POST /u/r${names}`), { kind: 'redirect', to: `${moved.url}/git-receive-pack` });
  const to = `${moved.url}/info/refs?service=git-receive-pack`;
  server.inject(new RegExp(`GET /u/r${names}`), { kind: 'redirect', to });
  expect(await scene.push({ assumed: first })).toMatchObject({ status: 'pushed', redirectedTo: moved.url });
  expect(await server.refOf(moved.path, MAIN)).toBe(tip);
});
