// Pushes whose request is begun before their commit is made.

import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { type OpenedPush, openPush } from '../../../src/git/remote/opened-push.ts';
import { type PushInput, pushBranch } from '../../../src/git/remote/push.ts';
import { beginOfCommand, pushCommand } from '../../../src/git/remote/push-command.ts';
import { packFor } from '../../../src/git/remote/send-pack.ts';
import { createTransport } from '../../../src/git/remote/transport.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore, Repository } from '../../../src/git/types.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { Failure } from '../../../src/model/failure.ts';
import { failureOf } from '../../support/failure-of.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';
import { type Fault, type GitServer, startGitServer } from '../../support/git-server.ts';

const MAIN = 'refs/heads/main';
const UPLOAD = /POST .*git-receive-pack/;
const signal = new AbortController().signal;
const transport = createTransport({
  ...{ clock: systemClock, userAgent: 'gitferry/0.1 (test)', idleTimeoutMs: 10_000 },
  credentialFor: async () => null,
});

let server: GitServer;
let repo: GitRepo;
let repository: Repository;
let objects: ObjectStore;
let remote: { url: string; path: string };
let first: string;
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  remote = await server.createRepo(`opened-${++count}`);
  repo = await createGitRepo();
  repository = await openRepository(repo.path);
  objects = openObjects(repository, { fsync: false });
  first = await commit();
  await push(null, { assumed: null });
  server.requests.length = 0;
});
afterEach(async () => {
  server.clearFaults();
  await objects.close();
  await repo.remove();
});

async function commit(content: string | Uint8Array = randomBytes(8).toString('hex')): Promise<string> {
  await repo.write('a.txt', content);
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '-m', 'change');
  return (await repo.git('rev-parse', 'HEAD')).trim();
}

async function push(opened: OpenedPush | null, more: Partial<PushInput> = {}) {
  const tip = (await repo.git('rev-parse', 'HEAD')).trim();
  const { url } = remote;
  return pushBranch({
    ...{ transport, objects, url, branch: 'main', tip, assumed: first, signal, clock: systemClock, opened },
    repo: repository,
    ...more,
  });
}

const EXPECTED = Promise.resolve(true);
const open = (
  more: { branch?: string; from?: string; signal?: AbortSignal; isExpected?: Promise<boolean> } = {},
) =>
  openPush({
    ...{ transport, url: remote.url, branch: 'main', from: first, signal, isExpected: EXPECTED },
    ...more,
  });
const arrived = () => server.waitFor(() => server.requests.some(({ bytes }) => bytes > 0));
const ended = () => server.waitFor(() => server.requests.every(({ status }) => status !== null));
const traffic = () => server.requests.map(({ method, status }) => `${method} ${status}`);
const there = () => server.refOf(remote.path, MAIN);

test('openPush() has its request arrive before there is a commit, and pushBranch() needs no other', async () => {
  const opened = open();
  await arrived();
  expect(server.requests[0]?.bytes).toBe(4 + first.length + 1);
  const tip = await commit();
  const result = await push(opened);
  expect(result).toMatchObject({ status: 'pushed', from: first, to: tip, requests: 1 });
  expect(traffic()).toEqual(['POST 200']);
  expect(server.requests[0]?.bytes).toBe(result.bytes);
  expect(await there()).toBe(tip);
  const fsck = await runGit(['--git-dir', remote.path, 'fsck', '--strict', '--full'], { cwd: server.root });
  expect(fsck.toString()).not.toMatch(/error|missing/);
});

test('openPush() lets nothing out but what the remote is at', () => {
  const begin = beginOfCommand({ branch: 'main', from: first }, ['report-status']);
  expect(begin.toString()).toMatch(new RegExp(`^[0-9a-f]{4}${first} $`));
  const tips = ['0', 'f'].map((digit) => digit.repeat(40));
  for (const tip of tips) {
    const command = pushCommand({ branch: 'main', from: first, tip }, ['report-status']);
    expect(command.subarray(0, begin.length)).toEqual(begin);
  }
});

/** Commits, and has the upload made as the engine does before the branch moves. */
async function prepare(opened: OpenedPush): Promise<string> {
  const tip = await commit();
  const bytes = await packFor(opened, { objects, repo: repository, tip, signal });
  opened.prepare(bytes && { tip, bytes });
  return tip;
}

test('branchMoved() sends what was prepared, before anybody asks for the answer', async () => {
  const opened = open();
  await arrived();
  const tip = await prepare(opened);
  opened.branchMoved();
  await ended();
  expect(await there()).toBe(tip);
  const bytes = opened.preparedFor(tip)?.length;
  expect(await push(opened)).toMatchObject({ status: 'pushed', from: first, to: tip, requests: 1, bytes });
  expect(traffic()).toEqual(['POST 200']);
});

test.each([
  ['the host is known to refuse it', () => Promise.resolve(false)],
  ['it is not known yet whether it is taken', () => new Promise<boolean>(() => undefined)],
  ['that cannot be found out', () => Promise.reject(new Error('of the test'))],
])('branchMoved() sends nothing where %s; the push itself does', async (_what, foretell) => {
  const opened = open({ isExpected: foretell() });
  await arrived();
  const begun = server.requests[0]?.bytes;
  const tip = await prepare(opened);
  opened.branchMoved();
  expect(await there()).toBe(first);
  expect(server.requests[0]?.bytes).toBe(begun);
  expect(await push(opened)).toMatchObject({ status: 'pushed', to: tip, requests: 1 });
});

test('branchMoved() sends nothing where nothing was prepared, or no more what was', async () => {
  const opened = open();
  await arrived();
  opened.branchMoved();
  const tip = await prepare(opened);
  expect(opened.preparedFor(first)).toBeNull();
  opened.prepare(null);
  expect(opened.preparedFor(tip)).toBeNull();
  opened.branchMoved();
  expect(await push(opened)).toMatchObject({ status: 'pushed', to: tip, requests: 1 });
});

test('a push whose answer nobody asked for is found done by the next', async () => {
  const opened = open();
  await arrived();
  const tip = await prepare(opened);
  opened.branchMoved();
  await ended();
  opened.cancel();
  expect(() => opened.send(Buffer.from(''))).toThrow('cannot take this upload');
  expect(await push(null)).toMatchObject({ status: 'up-to-date', to: tip });
});

test('pushBranch() goes on from what is out already, where the branch has more by then', async () => {
  const opened = open();
  await arrived();
  await prepare(opened);
  opened.branchMoved();
  const tip = await commit();
  expect(await push(opened)).toMatchObject({ status: 'pushed', to: tip });
  expect(await there()).toBe(tip);
});

test('a request that dies before anything was given to it is made again', async () => {
  server.inject(UPLOAD, { kind: 'reset' });
  const opened = open();
  await ended();
  const tip = await prepare(opened);
  await vi.waitUntil(() => !opened.takes(opened.preparedFor(tip) as Uint8Array));
  opened.branchMoved();
  expect(await push(opened)).toMatchObject({ status: 'pushed', to: tip, requests: 1 });
  expect(traffic()).toEqual(['POST null', 'POST 200']);
});

test('cancel() leaves the remote as it was, and another push goes as ever', async () => {
  const opened = open();
  await arrived();
  opened.cancel();
  opened.cancel();
  await server.waitFor(() => server.requests[0]?.status !== undefined);
  expect(await there()).toBe(first);
  expect(() => opened.send(Buffer.from('anything'))).toThrow('cannot take this upload');
  const tip = await commit();
  expect(await push(null)).toMatchObject({ status: 'pushed', to: tip });
});

test.each([
  ['another branch', { branch: 'topic' }],
  ['another tip', { from: 'f'.repeat(40) }],
])('pushBranch() gives up a request that was begun for %s', async (_what, other) => {
  const opened = open(other);
  await arrived();
  const tip = await commit();
  expect(await push(opened)).toMatchObject({ status: 'pushed', to: tip, requests: 1 });
  expect(await there()).toBe(tip);
  expect(() => opened.send(Buffer.from(''))).toThrow('cannot take this upload');
});

test('pushBranch() sends what is large by a request of its own', async () => {
  const opened = open();
  await arrived();
  const tip = await commit(randomBytes(1_200_000));
  expect(await push(opened)).toMatchObject({ status: 'pushed', to: tip, requests: 1 });
  expect(server.requests).toHaveLength(2);
  expect(await there()).toBe(tip);
});

const FAULTS: Record<string, Fault> = {
  'a refusal': { kind: 'status', status: 403, body: 'Permission to u/r denied' },
  'a limit': { kind: 'status', status: 429, headers: { 'retry-after': '5' } },
  'a fault of the server': { kind: 'status', status: 503 },
  'a reset': { kind: 'reset' },
  'a page': { kind: 'html' },
  'a cut answer': { kind: 'truncated', afterBytes: 12 },
  'a lost answer': { kind: 'answer-lost' },
};
test.each(Object.keys(FAULTS))('pushBranch() tells %s as it does of every push', async (name) => {
  const faults = server.inject(UPLOAD, FAULTS[name] as Fault, Number.POSITIVE_INFINITY);
  const opened = open();
  await faults.met;
  await commit();
  const [begun, usual] = [await failureOf(push(opened)), await failureOf(push(null))];
  expect(begun.code).toBe(usual.code);
  expect(begun.data.outcomeUnknown).toBe(usual.data.outcomeUnknown);
  expect(begun.data.retryAfterMs).toBe(usual.data.retryAfterMs);
});

test('pushBranch() asks where the remote is when somebody else pushed meanwhile', async () => {
  const opened = open();
  await arrived();
  const another = await createGitRepo({ clone: remote.url });
  await another.git('commit', '--quiet', '--allow-empty', '-m', 'theirs');
  await another.git('push', '--quiet', 'origin', 'HEAD:main');
  await another.remove();
  await commit();
  expect((await failureOf(push(opened))).code).toBe('remote-diverged');
});

test('a request that was begun ends with its sync', async () => {
  const sync = new AbortController();
  const opened = open({ signal: sync.signal });
  await arrived();
  sync.abort(new Failure('aborted', 'The service is stopping.'));
  await commit();
  expect((await failureOf(push(opened))).code).toBe('aborted');
  expect(await there()).toBe(first);
});

test('a host that must know the length of an upload is told it, from then on at once', async () => {
  server.inject(UPLOAD, { kind: 'status', status: 411 });
  const refused = open();
  const tip = await commit();
  expect(await push(refused)).toMatchObject({ status: 'pushed', to: tip });
  expect(traffic()).toEqual(['POST 411', 'POST 200']);
  server.requests.length = 0;
  const opened = open({ from: tip });
  const next = await commit();
  expect(await push(opened, { assumed: tip })).toMatchObject({ status: 'pushed', to: next });
  await ended();
  expect(traffic()).toEqual(['POST 200']);
});
