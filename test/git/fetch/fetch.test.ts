import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type FetchInput, fetchBranches } from '../../../src/git/fetch/fetch.ts';
import { remoteTips } from '../../../src/git/fetch/remote-tips.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { listRefs } from '../../../src/git/refs/refs.ts';
import { createTransport, type GitTransport } from '../../../src/git/remote/transport.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { systemClock, systemRandom } from '../../../src/host/clock.ts';
import { createGitRepo, type GitRepo, gitEnv } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const BUSY_MACHINE_MS = 120_000;
const signal = new AbortController().signal;

type Bench = { server: GitServer; url: string; bare: string; author: GitRepo; local: GitRepo };

const transport: GitTransport = createTransport({
  clock: systemClock,
  credentialFor: async () => null,
  userAgent: 'git/gitferry-test',
  idleTimeoutMs: 20_000,
});
/** As if the server had never heard of protocol version 2. */
const oldTransport: GitTransport = {
  ...transport,
  request: ({ headers = {}, ...rest }) => {
    const others = Object.entries(headers).filter(([name]) => name !== 'git-protocol');
    return transport.request({ ...rest, headers: Object.fromEntries(others) });
  },
};
const ERAS: [string, GitTransport][] = [
  ['version 2', transport],
  ['version 0', oldTransport],
];

/** `author` pushes to the server; `local` is a clone from before. */
async function makeBench(clone: string[] = []): Promise<Bench> {
  const server = await startGitServer();
  const { url, path: bare } = await server.createRepo('user/repo');
  const author = await createGitRepo();
  cleanUps.push(server.stop, author.remove);
  await author.git('remote', 'add', 'origin', url);
  for (let n = 1; n <= 3; n++) await push({ author }, `file-${n}.txt`, `${n}\n`.repeat(50));
  const local = await createGitRepo();
  cleanUps.push(local.remove);
  await local.git('remote', 'add', 'origin', url);
  await local.git('fetch', '-q', ...clone, 'origin', 'main');
  await local.git('reset', '-q', '--hard', 'origin/main');
  return { server, url, bare, author, local };
}

async function push({ author }: Pick<Bench, 'author'>, path: string, content: string, branch = 'main') {
  await author.write(path, content);
  await author.git('add', '-A');
  await author.git('commit', '-qm', path);
  await author.git('push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
  return (await author.git('rev-parse', 'HEAD')).trim();
}

async function fetching(bench: Bench, more: Partial<FetchInput> = {}) {
  const repo = await openRepository(bench.local.path);
  const objects = openObjects(repo, { fsync: false });
  try {
    return await fetchBranches({
      transport,
      objects,
      repo,
      url: bench.url,
      branches: ['main'],
      haveTips: [...(await listRefs(repo, 'refs/')).values()],
      tracking: { name: 'origin', who: 'T <t@example.com> 1700000000 +0000' },
      env: gitEnv(),
      fsync: true,
      signal,
      clock: systemClock,
      random: systemRandom,
      ...more,
    });
  } finally {
    await objects.close();
  }
}

async function expectSound({ local }: Bench): Promise<void> {
  expect(await local.git('fsck', '--full', '--strict', '--no-dangling')).toBe('');
  const names = await readdir(join(local.path, '.git', 'objects'), { recursive: true });
  expect(names.filter((name) => /tmp_/.test(name))).toEqual([]);
}

const tracked = async ({ local }: Bench, branch = 'main') =>
  (await local.git('rev-parse', `refs/remotes/origin/${branch}`)).trim();

test.each(ERAS)(
  'fetchBranches() brings what is missing and then moves the remote-tracking refs (%s)',
  async (_era, via) => {
    const bench = await makeBench();
    const base = await tracked(bench);
    await push(bench, 'file-1.txt', '1\n'.repeat(51));
    const side = await push(bench, 'side.txt', 'side\n', 'side');
    const next = await push(bench, 'file-1.txt', '1\n'.repeat(52));
    const answer = await fetching(bench, { branches: ['main', 'side', 'absent'], transport: via });
    expect(answer).toMatchObject({ tips: { main: next, side, absent: null } });
    expect([await tracked(bench), await tracked(bench, 'side')]).toEqual([next, side]);
    // Only what is new, as deltas: the whole history would be more.
    expect(answer.bytes).toBeGreaterThan(0);
    expect(answer.bytes).toBeLessThan(2_000);
    expect(await bench.local.git('log', '-g', '--format=%gs', '-1', 'refs/remotes/origin/main')).toBe(
      'fetch\n',
    );
    expect((await bench.local.git('rev-parse', 'main')).trim()).toBe(base);
    await expectSound(bench);
    const again = await fetching(bench, { transport: via });
    expect(again).toMatchObject({ bytes: 0 });
    expect(again.requests).toBeLessThanOrEqual(2);
  },
  BUSY_MACHINE_MS,
);

test.each(ERAS)(
  'fetchBranches() does without git (%s)',
  async (_era, via) => {
    const bench = await makeBench();
    await push(bench, 'file-2.txt', `${'2\n'.repeat(50)}more\n`);
    const next = await push(bench, 'ünï/cödé.txt', 'x\n');
    expect(await fetching(bench, { gitProgram: null, transport: via })).toMatchObject({
      tips: { main: next },
    });
    expect(await tracked(bench)).toBe(next);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'fetchBranches() fetches a whole repository into an empty one',
  async () => {
    const bench = await makeBench();
    const empty = await createGitRepo();
    cleanUps.push(empty.remove);
    const answer = await fetching({ ...bench, local: empty }, { haveTips: [], tracking: null });
    expect(answer.tips.main).toBe(await tracked(bench));
    expect(await empty.git('fsck', '--full', '--no-dangling')).toBe('');
    expect(await empty.git('for-each-ref')).toBe('');
    expect(await empty.git('rev-list', '--count', answer.tips.main as string)).toBe('3\n');
  },
  BUSY_MACHINE_MS,
);

test(
  'fetchBranches() names older commits too, so that unpushed work here does not cost the whole history',
  async () => {
    const bench = await makeBench();
    await bench.local.git('update-ref', '-d', 'refs/remotes/origin/main');
    for (let n = 0; n < 40; n++) await bench.local.git('commit', '-q', '--allow-empty', '-m', `own ${n}`);
    const random = Array.from({ length: 20_000 }, (_, n) => (n * 2_654_435_761) % 4_294_967_296).join('\n');
    await push(bench, 'small.txt', 'small\n');
    await fetching(bench);
    const next = await push(bench, 'large.txt', random);
    const { bytes } = await fetching(bench);
    await bench.local.git('update-ref', '-d', 'refs/remotes/origin/main');
    const last = await push(bench, 'small.txt', 'changed\n');
    const answer = await fetching(bench, {
      haveTips: [next, (await bench.local.git('rev-parse', 'main')).trim()],
    });
    expect(answer.tips.main).toBe(last);
    expect(answer.bytes).toBeLessThan(bytes / 10);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'fetchBranches() follows a remote whose history was rewritten',
  async () => {
    const bench = await makeBench();
    await bench.author.git('commit', '-q', '--amend', '-m', 'rewritten');
    await bench.author.git('push', '-qf', 'origin', 'main');
    const next = (await bench.author.git('rev-parse', 'main')).trim();
    expect((await fetching(bench)).tips.main).toBe(next);
    expect(await tracked(bench)).toBe(next);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test.each(ERAS)(
  'fetchBranches() goes on in a shallow clone without making it whole (%s)',
  async (_era, via) => {
    const bench = await makeBench(['--depth=1']);
    expect(await bench.local.git('rev-list', '--count', 'HEAD')).toBe('1\n');
    const next = await push(bench, 'more.txt', 'more\n');
    expect((await fetching(bench, { transport: via })).tips.main).toBe(next);
    expect(await bench.local.git('rev-list', '--count', 'origin/main')).toBe('2\n');
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

const FAULTS = [
  { kind: 'truncated', afterBytes: 200 },
  { kind: 'truncated', afterBytes: 200, clean: true },
  { kind: 'truncated', afterBytes: 3_000, clean: true },
  { kind: 'reset' },
  { kind: 'status', status: 503 },
] as const;
test.each(FAULTS)(
  'fetchBranches() leaves no trace of a pack that did not arrive ($kind)',
  async (fault) => {
    const bench = await makeBench();
    const before = await tracked(bench);
    const text = Array.from({ length: 5_000 }, (_, n) => (n * 2_654_435_761) % 4_294_967_296).join('\n');
    const next = await push(bench, 'large.txt', text);
    for (const gitProgram of ['git', null]) {
      // The first POST asks for refs, the second for the pack.
      bench.server.inject(/^POST .*upload-pack/, { kind: 'held' }).release();
      bench.server.inject(/^POST .*upload-pack/, fault);
      await expect(fetching(bench, { gitProgram })).rejects.toMatchObject({
        name: 'Failure',
        retryable: true,
      });
      expect(await tracked(bench)).toBe(before);
      await expectSound(bench);
    }
    expect((await fetching(bench)).tips.main).toBe(next);
    expect(await tracked(bench)).toBe(next);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'fetchBranches() that is called off leaves no trace',
  async () => {
    const bench = await makeBench();
    const before = await tracked(bench);
    await push(bench, 'new.txt', 'x\n');
    const stop = new AbortController();
    bench.server.inject(/^POST .*upload-pack/, { kind: 'held' }).release();
    const held = bench.server.inject(/^POST .*upload-pack/, { kind: 'held-body' });
    const fetched = fetching(bench, { signal: stop.signal });
    await Promise.all([
      expect(fetched).rejects.toMatchObject({ code: 'aborted' }),
      held.met.then(() => stop.abort()),
    ]);
    expect(await tracked(bench)).toBe(before);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'fetchBranches() asks again for a commit that is here without all that it needs',
  async () => {
    const bench = await makeBench();
    const next = await push(bench, 'new.txt', 'new\n');
    const commit = await bench.author.gitBytes(['cat-file', 'commit', next]);
    await bench.local.gitBytes(['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], commit);
    expect((await fetching(bench)).bytes).toBeGreaterThan(0);
    expect(await tracked(bench)).toBe(next);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'fetchBranches() says what is wrong with the remote',
  async () => {
    const bench = await makeBench();
    await expect(fetching(bench, { url: `${bench.server.url}/user/none.git` })).rejects.toMatchObject({
      code: 'repository-not-found',
    });
    bench.server.requireToken('secret-word');
    await expect(fetching(bench)).rejects.toMatchObject({ code: 'credential-missing' });
  },
  BUSY_MACHINE_MS,
);

test(
  'remoteTips() asks once, for the named branches only',
  async () => {
    const bench = await makeBench();
    const side = await push(bench, 'side.txt', 'side\n', 'auto/side');
    await push(bench, 'other.txt', 'other\n', 'other');
    const before = bench.server.requests.length;
    const prefixes = ['refs/heads/main', 'refs/heads/auto/'];
    const tips = await remoteTips({ transport, url: bench.url, prefixes, signal });
    expect(bench.server.requests.length - before).toBe(1);
    expect([...tips].sort()).toEqual([
      ['refs/heads/auto/side', side],
      ['refs/heads/main', await tracked(bench)],
    ]);
    expect(await remoteTips({ transport: oldTransport, url: bench.url, prefixes, signal })).toEqual(tips);
    expect(await remoteTips({ transport, url: bench.url, prefixes: ['refs/heads/none'], signal })).toEqual(
      new Map(),
    );
    const { url } = await bench.server.createRepo('user/empty');
    for (const [, via] of ERAS) {
      expect(await remoteTips({ transport: via, url, prefixes, signal })).toEqual(new Map());
    }
  },
  BUSY_MACHINE_MS,
);

test(
  'remoteTips() never takes a list that was cut off for a remote with fewer branches',
  async () => {
    const bench = await makeBench();
    await push(bench, 'side.txt', 'side\n', 'side');
    bench.server.inject(/upload-pack/, { kind: 'truncated', afterBytes: 60, clean: true }, 2);
    await expect(
      remoteTips({ transport, url: bench.url, prefixes: ['refs/heads/'], signal }),
    ).rejects.toMatchObject({ code: 'remote-invalid-answer' });
  },
  BUSY_MACHINE_MS,
);

test(
  'remoteTips() follows a remote that has moved',
  async () => {
    const bench = await makeBench();
    const query = '/info/refs?service=git-upload-pack';
    bench.server.inject(/^POST .*\/old\.git/, { kind: 'redirect', to: `${bench.url}/git-upload-pack` });
    bench.server.inject(/^GET .*\/old\.git/, { kind: 'redirect', to: bench.url + query });
    const tips = await remoteTips({
      transport,
      url: `${bench.server.url}/user/old.git`,
      prefixes: ['refs/heads/main'],
      signal,
    });
    expect(tips.get('refs/heads/main')).toBe(await tracked(bench));
  },
  BUSY_MACHINE_MS,
);
