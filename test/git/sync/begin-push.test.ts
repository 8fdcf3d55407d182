// The request of a push is begun with its commit where a save is on top of what the remote has, and only there.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SyncInput } from '../../../src/git/sync/sync-work.ts';
import type { ProjectFacts } from '../../../src/model/project.ts';
import { type GithubConfig, GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { syncOnce, syncPorts } from '../../support/sync-once.ts';

let server: GitServer;
let repo: GitRepo;
let remote: { url: string; path: string };
/** As the first sync left them. */
let facts: ProjectFacts;
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  remote = await server.createRepo(`begun-${++count}`);
  repo = await createGitRepo();
  await repo.git('remote', 'add', 'origin', remote.url);
  await repo.write('a.txt', 'first\n');
  ({ facts } = await syncOnce({ worktree: repo.path }));
  server.requests.length = 0;
});
afterEach(async () => {
  server.clearFaults();
  await repo.remove();
});

const settings = (more: object = {}): GithubConfig =>
  GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], ...more });
const head = async () => (await repo.git('rev-parse', 'HEAD')).trim();
const there = () => server.refOf(remote.path, 'refs/heads/main');

/** Syncs, and tells how many uploads were asked for when the blobs of the commit were written. */
async function begunIn(input: Partial<SyncInput> = {}) {
  const { transport } = syncPorts();
  let asked = 0;
  let begun: number | null = null;
  const counting: typeof transport = {
    ...transport,
    request(request) {
      if (request.method === 'POST') asked += 1;
      return transport.request(request);
    },
  };
  const faultPoint = (name: string) => {
    if (name === 'blobs-written') begun = asked;
  };
  const answer = await syncOnce({
    ...{ worktree: repo.path, facts, ...input },
    ports: { transport: counting, faultPoint },
  });
  return { answer, begun, asked };
}

test('the request of a save arrives before its commit is there, and is its only one', async () => {
  await repo.write('a.txt', 'second\n');
  const before = await head();
  let seen = false;
  const { outcome, facts: after } = await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      async faultPoint(name) {
        if (name !== 'blobs-written') return;
        await server.waitFor(() => server.requests.some(({ bytes }) => bytes > 0));
        seen = (await head()) === before;
      },
    },
  });
  expect(seen).toBe(true);
  expect(outcome).toEqual({ kind: 'done', status: 'success' });
  expect(server.requests.map(({ method, status }) => `${method} ${status}`)).toEqual(['POST 200']);
  expect(await there()).toBe(await head());
  expect(after.remoteTips).toEqual({ main: await head() });
});

test('nothing goes out before the branch has the commit', async () => {
  await repo.write('a.txt', 'second\n');
  const lead = 4 + (await head()).length + 1;
  const sent: Record<string, number> = {};
  await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      async faultPoint(name) {
        await server.waitFor(() => (server.requests[0]?.bytes ?? 0) >= lead);
        sent[name] = server.requests[0]?.bytes ?? 0;
      },
    },
  });
  const { 'push-answered': answered, 'tracking-noted': noted, ...before } = sent;
  expect(Object.keys(before)).toContain('ref-locked');
  expect(new Set(Object.values(before))).toEqual(new Set([lead]));
  expect(answered).toBeGreaterThan(lead);
  expect(noted).toBe(answered);
});

test('a commit that fails gives the request up, and the next sync pushes', async () => {
  await repo.write('a.txt', 'second\n');
  const first = await there();
  const { outcome } = await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      async faultPoint(name) {
        if (name !== 'trees-written') return;
        await server.waitFor(() => server.requests.some(({ bytes }) => bytes > 0));
        await repo.git('checkout', '--quiet', '--detach');
      },
    },
  });
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'detached-head' } });
  expect(await there()).toBe(first);
  await repo.git('checkout', '--quiet', 'main');
  expect((await syncOnce({ worktree: repo.path, facts })).outcome).toMatchObject({ kind: 'done' });
  expect(await there()).toBe(await head());
});

const NOT_BEGUN: [string, () => Promise<Partial<SyncInput>>][] = [
  ['the remote is to be asked', async () => ({ askRemote: true })],
  ['nothing was ever safe', async () => ({ facts: { ...facts, lastSafeAt: null } })],
  ['the remote is elsewhere', async () => ({ facts: { ...facts, remoteTips: { main: 'f'.repeat(40) } } })],
  ['only this machine is to have it', async () => ({ localOnly: true })],
  ['there are mirrors', async () => ({ github: settings({ remotes: [{ name: 'm', url: remote.url }] }) })],
  ['git itself is to do it', async () => ({ github: settings({ engine: 'git' }) })],
  [
    'the last push did not go',
    async () => ({
      facts: { ...facts, remotes: facts.remotes.map((one) => ({ ...one, state: 'retrying' })) },
    }),
  ],
  [
    'work waits beside the branch',
    async () => {
      const asides = [{ branch: 'main', head: 'sync/laptop/main', why: 'protected' }];
      return { facts: { ...facts, remotes: facts.remotes.map((one) => ({ ...one, asides })) } };
    },
  ],
  [
    'it is much',
    async () => {
      await repo.write('large.bin', Buffer.alloc(600_000, 7));
      return {};
    },
  ],
];
test.each(NOT_BEGUN)('no request is begun where %s', async (_what, given) => {
  await repo.write('a.txt', 'second\n');
  const { answer, begun } = await begunIn(await given());
  expect(begun ?? 0).toBe(0);
  expect(answer.stats.commit).toBe(await head());
});

test('a request is begun again after each save, at the address that the repository moved to', async () => {
  const moved = await server.createRepo(`moved-${count}`);
  await repo.git('push', '--quiet', moved.url, 'main');
  const remotes = facts.remotes.map((one) => ({ ...one, movedTo: moved.url }));
  await repo.write('a.txt', 'second\n');
  const { answer, begun, asked } = await begunIn({ facts: { ...facts, remotes } });
  expect([begun, asked]).toEqual([1, 1]);
  expect(await server.refOf(moved.path, 'refs/heads/main')).toBe(await head());
  await repo.write('a.txt', 'third\n');
  expect(await begunIn({ facts: answer.facts })).toMatchObject({ begun: 1, asked: 1 });
});
