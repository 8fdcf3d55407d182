// The request of a push is begun with its commit where a save is on top of what the remote has, and only there.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SyncInput } from '../../../src/git/sync/sync-work.ts';
import { Failure } from '../../../src/model/failure.ts';
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

test('nothing goes out before the branch has the commit, and then all at once', async () => {
  await repo.write('a.txt', 'second\n');
  const lead = 4 + (await head()).length + 1;
  const sent: Record<string, number> = {};
  await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      async faultPoint(name) {
        const isOut = name === 'ref-moved';
        await server.waitFor(() => server.requests.some(({ bytes, status }) => (isOut ? status : bytes)));
        sent[name] = server.requests[0]?.bytes ?? 0;
      },
    },
  });
  const names = Object.keys(sent);
  const moved = names.indexOf('ref-moved');
  expect(names.slice(0, moved)).toContain('ref-locked');
  expect(names.slice(moved)).toContain('index-moved');
  const values = Object.values(sent);
  expect(new Set(values.slice(0, moved))).toEqual(new Set([lead]));
  expect(new Set(values.slice(moved))).toEqual(new Set([values.at(-1)]));
  expect(values.at(-1)).toBeGreaterThan(lead);
  expect(server.requests).toHaveLength(1);
});

test.each([
  ['refuses', 'a rule of the host'],
  ['may refuse', null],
])('a commit that the host %s is not sent before its push', async (_what, why) => {
  await repo.write('a.txt', 'second\n');
  const first = await there();
  let asked = 0;
  let before: string | null = null;
  const { outcome } = await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      whyRefused: () => (++asked === 1 && why === null ? new Promise(() => undefined) : Promise.resolve(why)),
      async faultPoint(name) {
        if (name === 'index-moved') before = await there();
      },
    },
  });
  expect(before).toBe(first);
  expect(asked).toBe(2);
  expect(outcome.kind).toBe(why === null ? 'done' : 'failed');
  expect((await there()) === (await head())).toBe(why === null);
});

test('another commit that comes first is pushed too, and nothing that is not in the branch', async () => {
  await repo.write('a.txt', 'second\n');
  let interfered = false;
  const { outcome } = await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      async faultPoint(name) {
        if (name !== 'trees-written' || interfered) return;
        interfered = true;
        await repo.git('commit', '--quiet', '--allow-empty', '--message', 'by hand');
      },
    },
  });
  expect(outcome.kind).toBe('done');
  expect(await there()).toBe(await head());
  expect((await repo.git('log', '--format=%s', '-2')).split('\n')[1]).toBe('by hand');
  expect(server.requests.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('a commit that is sent and then fails here is found on the remote by the next sync', async () => {
  await repo.write('a.txt', 'second\n');
  const { outcome } = await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      async faultPoint(name) {
        if (name !== 'ref-moved') return;
        await server.waitFor(() => server.requests.some(({ status }) => status === 200));
        throw new Failure('disk-full', 'No space left for the reflog.');
      },
    },
  });
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'disk-full' } });
  expect(await there()).toBe(await head());
  const again = await syncOnce({ worktree: repo.path, facts });
  expect(again.outcome.kind).toBe('done');
  expect(again.facts.remoteTips).toEqual({ main: await head() });
  expect(await repo.git('status', '--short')).toBe('');
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

test('a commit that is made on another branch by then is not pushed to the one from before', async () => {
  await repo.write('a.txt', 'second\n');
  const first = await there();
  const { transport } = syncPorts();
  let given = 0;
  async function* counted(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      given += 1;
      yield chunk;
    }
  }
  let switched = false;
  const { stats } = await syncOnce({
    ...{ worktree: repo.path, facts, github: settings({ syncBranches: ['main'] }) },
    ports: {
      transport: {
        ...transport,
        request: ({ body, ...request }) =>
          transport.request({
            ...request,
            ...(typeof body === 'function' && { body: () => counted(body()) }),
          }),
      },
      async faultPoint(name) {
        if (name !== 'blobs-written' || switched) return;
        switched = true;
        await repo.git('checkout', '--quiet', '-b', 'topic');
      },
    },
  });
  expect(stats.commit).toBe(await head());
  expect(await repo.git('branch', '--show-current')).toBe('topic\n');
  expect(given).toBe(1);
  expect(await there()).toBe(first);
  expect(await server.refOf(remote.path, 'refs/heads/topic')).toBeNull();
});

test('a commit that a person makes on top at once is pushed with it', async () => {
  await repo.write('a.txt', 'second\n');
  const { outcome } = await syncOnce({
    worktree: repo.path,
    facts,
    ports: {
      giveWay: {
        waitMs: async () => 0,
        pause: async () => {},
        noteOwn: async () => void (await repo.git('commit', '--quiet', '--allow-empty', '-m', 'on top')),
      } as never,
    },
  });
  expect(outcome).toEqual({ kind: 'done', status: 'success' });
  expect(await there()).toBe(await head());
  expect(await repo.git('log', '-1', '--format=%s')).toBe('on top\n');
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
