// Branches that their host protects, and repositories that moved: the work gets to the remote all the same, or a person
// is asked.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

let server: GitServer;
let repo: GitRepo;
let remote: { url: string; path: string };
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  remote = await server.createRepo(`refused-${count}`);
  repo = await createGitRepo();
  await repo.git('remote', 'add', 'origin', remote.url);
  await repo.write('a.txt', 'first\n');
  await syncOnce({ worktree: repo.path });
});
afterEach(async () => {
  server.clearFaults();
  await repo.remove();
});

const github = (more: object = {}) =>
  GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], ...more });
const ASIDE = github({ onRejected: 'side-branch' });
const head = async () => (await repo.git('rev-parse', 'HEAD')).trim();
const at = (branch: string) => server.refOf(remote.path, `refs/heads/${branch}`);
const pushes = (from = 0) =>
  server.requests
    .slice(from)
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/git-receive-pack'));
const PROTECTED = {
  ref: 'refs/heads/main',
  reason: 'protected branch hook declined',
  message: 'error: GH006: Protected branch update failed for refs/heads/main.',
};

test('a branch that the host turns out to protect is left, and its work goes beside it', async () => {
  await server.refuse(remote.path, PROTECTED);
  const first = await at('main');
  await repo.write('a.txt', 'second\n');
  const { outcome, facts } = await syncOnce({ worktree: repo.path, github: ASIDE });
  expect(outcome).toEqual({ kind: 'done', status: 'success' });
  expect(await at('main')).toBe(first);
  expect(await at('sync/laptop/main')).toBe(await head());
  expect(facts.unpushedCommits).toBe(0);
  expect(facts.lastSafeAt).not.toBeNull();
  const [primary] = facts.remotes;
  expect(primary?.asides).toEqual([
    { branch: 'main', head: 'sync/laptop/main', why: expect.stringContaining('GH006') },
  ]);
  const before = server.requests.length;
  const again = await syncOnce({ worktree: repo.path, github: ASIDE, facts });
  expect(again.outcome).toEqual({ kind: 'done', status: 'no-change' });
  expect(pushes(before)).toEqual([]);
});

test('later work goes to the same side branch, and back to its own when that takes it again', async () => {
  await server.refuse(remote.path, PROTECTED);
  await repo.write('a.txt', 'second\n');
  let { facts } = await syncOnce({ worktree: repo.path, github: ASIDE });
  await repo.write('a.txt', 'third\n');
  ({ facts } = await syncOnce({ worktree: repo.path, github: ASIDE, facts }));
  expect(await at('sync/laptop/main')).toBe(await head());
  await server.accept(remote.path);
  ({ facts } = await syncOnce({ worktree: repo.path, github: ASIDE, facts, askRemote: true }));
  expect(await at('main')).toBe(await head());
  expect(facts.remotes[0]?.asides).toEqual([]);
});

test('without the wish for a side branch a person is asked, and nothing goes anywhere', async () => {
  await server.refuse(remote.path, PROTECTED);
  await repo.write('a.txt', 'second\n');
  const { outcome } = await syncOnce({ worktree: repo.path });
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'push-rejected-protected-branch' } });
  expect(await at('sync/laptop/main')).toBeNull();
});

test('a refusal that is known beforehand costs no push, and names the choices', async () => {
  const whyRefused = async ({ branch }: { branch: string }) =>
    branch === 'main' ? 'On the host, main takes changes by pull request only' : null;
  await repo.write('a.txt', 'second\n');
  const before = server.requests.length;
  const parked = await syncOnce({ worktree: repo.path, ports: { whyRefused } });
  expect(parked.outcome).toMatchObject({
    kind: 'failed',
    failure: {
      code: 'push-rejected-protected-branch',
      message: 'On the host, main takes changes by pull request only.',
      action: expect.stringContaining('side-branch'),
    },
  });
  expect(pushes(before)).toEqual([]);
  const aside = await syncOnce({ worktree: repo.path, github: ASIDE, ports: { whyRefused } });
  expect(aside.outcome).toEqual({ kind: 'done', status: 'success' });
  expect(await at('sync/laptop/main')).toBe(await head());
  expect(pushes(before)).toHaveLength(1);
});

test('what was brought in on the host comes here although nothing may be pushed there', async () => {
  const whyRefused = async ({ branch }: { branch: string }) => (branch === 'main' ? 'No' : null);
  const sync = { worktree: repo.path, github: ASIDE, ports: { whyRefused } };
  await repo.write('a.txt', 'second\n');
  const { facts } = await syncOnce(sync);
  const other = await createGitRepo({ clone: remote.path });
  await other.git('merge', '--quiet', '--no-ff', '-m', 'Merge pull request #1', 'origin/sync/laptop/main');
  await other.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  const merged = await at('main');
  await other.remove();
  const { outcome, facts: after } = await syncOnce({ ...sync, facts, askRemote: true });
  expect(outcome).toMatchObject({ kind: 'done' });
  expect(await head()).toBe(merged);
  expect(after.remotes[0]?.asides).toEqual([]);
  expect(String(await runGit(['rev-parse', 'main'], { cwd: remote.path })).trim()).toBe(merged);
});

test('a repository that moved is followed, and the next push goes straight to its new address', async () => {
  const moved = await server.createRepo(`moved-${count}`);
  await runGit(['push', '--quiet', '--mirror', moved.path], { cwd: remote.path });
  const old = new URL(remote.url).pathname;
  const to = `${moved.url}/info/refs?service=git-receive-pack`;
  server.inject(new RegExp(`POST ${old}`), { kind: 'redirect', to: `${moved.url}/git-receive-pack` }, 99);
  server.inject(new RegExp(`GET ${old}`), { kind: 'redirect', to }, 99);
  await repo.write('a.txt', 'second\n');
  const { facts } = await syncOnce({ worktree: repo.path });
  expect(facts.remotes[0]).toMatchObject({ url: remote.url, movedTo: moved.url });
  const before = server.requests.length;
  await repo.write('a.txt', 'third\n');
  const { outcome } = await syncOnce({ worktree: repo.path, facts });
  expect(outcome).toEqual({ kind: 'done', status: 'success' });
  expect(server.requests.slice(before)).toHaveLength(1);
  expect(await server.refOf(moved.path, 'refs/heads/main')).toBe(await head());
  expect((await repo.git('remote', 'get-url', 'origin')).trim()).toBe(remote.url);
});
