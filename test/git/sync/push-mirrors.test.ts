import { afterEach, expect, test } from 'vitest';
import { createTransport } from '../../../src/git/remote/transport.ts';
import type { SyncInput } from '../../../src/git/sync/sync-work.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { NO_FACTS, type ProjectFacts } from '../../../src/model/project.ts';
import { type GithubConfig, GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, runGit } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startServer(): Promise<GitServer> {
  const server = await startGitServer();
  cleanUps.push(() => server.stop());
  return server;
}

/** A project with a primary and two mirrors, each on a server of its own. */
async function makeScene(github: Partial<GithubConfig> = {}) {
  const servers = { origin: await startServer(), one: await startServer(), two: await startServer() };
  const at = {
    origin: await servers.origin.createRepo('project'),
    one: await servers.one.createRepo('one'),
    two: await servers.two.createRepo('two'),
  };
  const repo = await createGitRepo();
  cleanUps.push(repo.remove);
  await repo.git('remote', 'add', 'origin', at.origin.url);
  await repo.write('a.txt', 'a\n');
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  let facts: ProjectFacts = NO_FACTS;
  let wish = github;
  const sync = async (input: Partial<SyncInput> & { ports?: object } = {}) => {
    const remotes = [
      { name: 'one', url: at.one.url },
      { name: 'two', url: at.two.url },
    ];
    const settings = GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], remotes, ...wish });
    const answer = await syncOnce({ worktree: repo.path, github: settings, facts, ...input });
    facts = answer.facts;
    return answer;
  };
  const tipAt = (name: keyof typeof at, branch = 'main') =>
    servers[name].refOf(at[name].path, `refs/heads/${branch}`);
  const expectTwins = async (...names: (keyof typeof at)[]) => {
    const tip = (await repo.git('rev-parse', 'main')).trim();
    for (const name of names) {
      expect([name, await tipAt(name)]).toEqual([name, tip]);
      await runGit(['fsck', '--strict', '--no-dangling'], { cwd: at[name].path });
    }
  };
  return {
    ...{ servers, at, repo, sync, tipAt, expectTwins },
    facts: () => facts,
    remote: (name: string) => facts.remotes.find((each) => each.name === name),
    set(next: Partial<GithubConfig>) {
      wish = next;
    },
    async save(name: string) {
      await repo.write(name, `${name}\n`);
    },
  };
}

const patience = (closed: Record<string, string> = {}, insist = false) => ({
  insist,
  closedGates: new Map(
    Object.entries(closed).map(([key, reason]) => [key, { pausedUntil: 4e12, reason }] as const),
  ),
});
const gateOf = (url: string) => `host:${new URL(url).host}`;
const pushes = (server: GitServer) => server.requests.filter(({ method }) => method === 'POST').length;

test('syncProject() brings the whole history to new mirrors, then each commit with one request to each', async () => {
  const scene = await makeScene();
  const first = await scene.sync();
  expect(first.outcome).toMatchObject({ kind: 'done', status: 'success' });
  expect(first.facts.remotes).toMatchObject([
    { name: 'origin', primary: true, state: 'safe', lastSafeAt: expect.any(Number) },
    { name: 'one', primary: false, state: 'safe', branches: ['*'], lastSafeAt: expect.any(Number) },
    { name: 'two', primary: false, state: 'safe' },
  ]);
  await scene.expectTwins('origin', 'one', 'two');
  const before = scene.servers.one.requests.length;
  await scene.save('b.txt');
  const { stats, facts } = await scene.sync();
  expect(stats.remotes.map(({ name, status }) => [name, status])).toEqual([
    ['origin', 'pushed'],
    ['one', 'pushed'],
    ['two', 'pushed'],
  ]);
  expect(facts.lastSafeAt).toEqual(expect.any(Number));
  expect(scene.servers.one.requests.length - before).toBe(1);
  await scene.expectTwins('origin', 'one', 'two');
  const idle = scene.servers.two.requests.length;
  expect((await scene.sync()).outcome).toEqual({ kind: 'done', status: 'no-change' });
  expect(scene.servers.two.requests.length).toBe(idle);
});

test('a mirror that is down stops neither the primary nor the other; its next try brings everything', async () => {
  const scene = await makeScene();
  await scene.sync();
  scene.servers.one.inject(/./, { kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
  await scene.save('b.txt');
  const { outcome, facts, tries } = await scene.sync();
  expect(outcome).toMatchObject({ kind: 'partial', status: 'retrying', reason: { code: 'remote-error' } });
  expect('reason' in outcome && outcome.reason.detail).toContain('Mirror "one"');
  expect(facts).toMatchObject({ unpushedCommits: 0, blocked: null });
  expect(scene.remote('one')).toMatchObject({ state: 'retrying', failures: 1 });
  expect(tries?.map(({ name, failure }) => [name, failure?.code])).toEqual([
    ['origin', undefined],
    ['one', 'remote-error'],
    ['two', undefined],
  ]);
  await scene.expectTwins('origin', 'two');
  const primaryPushes = pushes(scene.servers.origin);
  scene.servers.one.clearFaults();
  expect((await scene.sync()).outcome).toEqual({ kind: 'done', status: 'success' });
  expect(pushes(scene.servers.origin)).toBe(primaryPushes);
  expect(scene.remote('one')).toMatchObject({ state: 'safe', failures: 0, reason: null });
  await scene.expectTwins('one');
});

test('with the primary down the commit still goes to the mirrors', async () => {
  const scene = await makeScene();
  await scene.sync();
  const safeAt = scene.facts().lastSafeAt;
  scene.servers.origin.inject(/./, { kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
  await scene.save('b.txt');
  const { outcome, facts } = await scene.sync();
  expect(outcome).toMatchObject({ kind: 'partial', status: 'retrying', reason: { code: 'remote-error' } });
  expect(facts.unpushedCommits).toBeGreaterThan(0);
  expect(facts.lastSafeAt).toBe(safeAt);
  expect(scene.remote('origin')).toMatchObject({ state: 'retrying', failures: 1 });
  await scene.expectTwins('one', 'two');
});

test('a remote behind a closed gate is not asked, whichever it is; the others are', async () => {
  const scene = await makeScene();
  await scene.sync();
  for (const [name, reason] of [
    ['one', 'rate-limited'],
    ['origin', 'offline'],
  ] as const) {
    await scene.save(`${name}.txt`);
    const before = scene.servers[name].requests.length;
    const { outcome, stats } = await scene.sync({
      patience: patience({ [gateOf(scene.at[name].url)]: reason }),
    });
    expect(outcome).toMatchObject({ kind: 'partial', status: 'retrying', reason: { code: reason } });
    expect(scene.servers[name].requests.length).toBe(before);
    expect(scene.remote(name)).toMatchObject({ state: 'retrying', retryAt: 4e12, failures: 0 });
    expect(stats.remotes.find((each) => each.name === name)?.status).toBe('skipped');
    const others = (['origin', 'one', 'two'] as const).filter((other) => other !== name);
    for (const other of others) expect(await scene.tipAt(other)).not.toBe(await scene.tipAt(name));
    await scene.sync({ patience: patience({}, true) });
    await scene.expectTwins('origin', 'one', 'two');
  }
});

test('a mirror that waits for its next try is left alone until then, and until a person insists', async () => {
  const scene = await makeScene();
  await scene.sync();
  scene.servers.one.inject(/./, { kind: 'status', status: 503 });
  await scene.save('b.txt');
  const { facts } = await scene.sync();
  const later = (retryAt: number) => ({
    ...facts,
    remotes: facts.remotes.map((each) => (each.name === 'one' ? { ...each, retryAt } : each)),
  });
  const before = scene.servers.one.requests.length;
  expect((await scene.sync({ facts: later(4e12), patience: patience() })).outcome.kind).toBe('partial');
  expect(scene.servers.one.requests.length).toBe(before);
  expect((await scene.sync({ facts: later(1), patience: patience() })).outcome.kind).toBe('done');
  await scene.expectTwins('one');
});

test('a mirror that moved on by itself is named, not merged from and not forced', async () => {
  const scene = await makeScene();
  await scene.sync();
  const other = await createGitRepo({ clone: scene.at.one.path });
  cleanUps.push(other.remove);
  await other.write('theirs.txt', 'theirs\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  const theirs = await scene.tipAt('one');
  await scene.save('b.txt');
  const { outcome, facts } = await scene.sync({ patience: patience() });
  expect(outcome).toMatchObject({ kind: 'partial', status: 'blocked', reason: { code: 'mirror-moved-on' } });
  expect('reason' in outcome && outcome.reason.action).toContain('never forced');
  expect(facts).toMatchObject({ unpushedCommits: 0, behindCommits: 0, conflictFiles: [] });
  expect(await scene.tipAt('one')).toBe(theirs);
  await scene.expectTwins('origin', 'two');
  // The person brings its commits in; nobody has to ask for the next try.
  await scene.repo.git('pull', '--quiet', '--no-edit', '--no-rebase', scene.at.one.url, 'main');
  expect((await scene.sync({ patience: patience() })).outcome).toMatchObject({ kind: 'done' });
  await scene.expectTwins('origin', 'one', 'two');
});

test('a credential that one mirror refuses blocks that mirror alone, and is not tried again and again', async () => {
  const scene = await makeScene();
  await scene.sync();
  scene.servers.two.requireToken('right');
  const asked: string[] = [];
  const transport = createTransport({
    clock: systemClock,
    async credentialFor(host) {
      asked.push(host);
      return `host:${host}` === gateOf(scene.at.two.url) ? { username: 'x', password: 'wrong' } : null;
    },
    userAgent: 'git/test',
    idleTimeoutMs: 20_000,
  });
  await scene.save('b.txt');
  const { outcome } = await scene.sync({ ports: { transport } });
  expect(outcome).toMatchObject({
    kind: 'partial',
    status: 'blocked',
    reason: { code: 'credential-rejected' },
  });
  expect(JSON.stringify(outcome)).not.toContain('wrong');
  const sent = scene.servers.origin.requests.concat(scene.servers.one.requests);
  expect(sent.every(({ auth }) => auth === null)).toBe(true);
  await scene.expectTwins('origin', 'one');
  const before = scene.servers.two.requests.length;
  await scene.save('c.txt');
  await scene.sync({ patience: patience(), ports: { transport } });
  expect(scene.servers.two.requests.length).toBe(before);
  scene.servers.two.requireToken(null);
  expect((await scene.sync({ patience: patience({}, true) })).outcome.kind).toBe('done');
  await scene.expectTwins('two');
});

test('a mirror gets the synced branches that match its own patterns, and no others', async () => {
  const scene = await makeScene();
  await scene.repo.git('branch', 'release/1');
  await scene.repo.git('branch', 'private');
  const remotes = [{ name: 'one', url: scene.at.one.url, branches: ['release/*', 'private'] }];
  scene.set({ syncBranches: ['main', 'release/*'], remotes });
  expect((await scene.sync()).outcome.kind).toBe('done');
  expect(await scene.tipAt('one', 'release/1')).not.toBeNull();
  expect(await scene.tipAt('one')).toBeNull();
  expect(await scene.tipAt('one', 'private')).toBeNull();
  expect(await scene.tipAt('origin', 'private')).toBeNull();
});

test('a mirror that leaves the settings leaves the facts; one that moves starts anew', async () => {
  const scene = await makeScene();
  await scene.sync();
  scene.set({ remotes: [{ name: 'one', url: scene.at.two.url }] });
  await scene.sync();
  expect(scene.facts().remotes).toMatchObject([
    { name: 'origin' },
    { name: 'one', url: scene.at.two.url, state: 'safe' },
  ]);
  scene.set({ remotes: [] });
  await scene.sync();
  expect(scene.facts().remotes.map(({ name }) => name)).toEqual(['origin']);
});

test('a primary that moved to another address gets everything, whatever the old one held', async () => {
  const scene = await makeScene({ remotes: [] });
  await scene.sync();
  await scene.repo.git('remote', 'set-url', 'origin', scene.at.one.url);
  expect((await scene.sync()).outcome).toEqual({ kind: 'done', status: 'success' });
  await scene.expectTwins('one');
});

test('an SSH mirror without a git that could reach it is named with the reason; the others get everything', async () => {
  const scene = await makeScene();
  const remotes = [{ name: 'far', url: 'ssh://git@ssh.example.test/project.git' }];
  scene.set({ engine: 'builtin', remotes: [...remotes, { name: 'two', url: scene.at.two.url }] });
  const { outcome } = await scene.sync();
  expect(outcome).toMatchObject({ kind: 'partial', status: 'blocked', reason: { code: 'needs-system-git' } });
  expect('reason' in outcome && outcome.reason.detail).toContain('Mirror "far"');
  await scene.expectTwins('origin', 'two');
});

test('mirrors of a project that only the system git may touch are pushed to by it', async () => {
  const scene = await makeScene({ engine: 'git' });
  await scene.save('b.txt');
  const { outcome, facts } = await scene.sync();
  expect(outcome).toMatchObject({ kind: 'done', status: 'success' });
  expect(facts.engine?.name).toBe('git');
  await scene.expectTwins('origin', 'one', 'two');
});

test('work that a mirror has is merged and not rebased, so that the mirror can follow', async () => {
  const scene = await makeScene();
  await scene.sync();
  const remotes = [{ name: 'one', url: scene.at.one.url }];
  scene.set({ integrate: 'rebase', remotes });
  scene.servers.origin.inject(/./, { kind: 'status', status: 503 });
  await scene.save('ours.txt');
  await scene.sync();
  const ours = (await scene.repo.git('rev-parse', 'main')).trim();
  const other = await createGitRepo({ clone: scene.at.origin.path });
  cleanUps.push(other.remove);
  await other.write('theirs.txt', 'theirs\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  expect((await scene.sync({ askRemote: true })).outcome).toMatchObject({ kind: 'done' });
  expect(await scene.repo.git('rev-list', 'main')).toContain(ours);
  await scene.expectTwins('origin', 'one');
});

test('the end of the job is the slow mirror’s failure and not the project’s', async () => {
  const scene = await makeScene();
  await scene.sync();
  const { Failure } = await import('../../../src/model/failure.ts');
  const stop = new AbortController();
  const held = scene.servers.one.inject(/./, { kind: 'held' });
  void held.met.then(() => stop.abort(new Failure('job-timeout', 'too long')));
  await scene.save('b.txt');
  const { outcome } = await scene.sync({ signal: stop.signal });
  expect(outcome).toMatchObject({ kind: 'partial', status: 'retrying', reason: { code: 'job-timeout' } });
  expect(scene.facts()).toMatchObject({ unpushedCommits: 0 });
  await scene.expectTwins('origin');
});

test('in mode snapshot the snapshots go to the mirrors, and one that is down gets them later', async () => {
  const scene = await makeScene({ mode: 'snapshot', syncBranches: ['auto/*'] });
  await scene.save('b.txt');
  scene.servers.one.inject(/./, { kind: 'status', status: 503 });
  const { outcome, facts } = await scene.sync();
  expect(outcome).toMatchObject({ kind: 'partial', status: 'retrying', reason: { code: 'remote-error' } });
  expect(facts.lastSafeAt).toBeNull();
  const tip = (await scene.repo.git('rev-parse', 'auto/main')).trim();
  expect(await scene.tipAt('origin', 'auto/main')).toBe(tip);
  expect(await scene.tipAt('two', 'auto/main')).toBe(tip);
  expect(await scene.tipAt('one', 'auto/main')).toBeNull();
  const pushed = pushes(scene.servers.origin);
  expect((await scene.sync()).outcome.kind).toBe('done');
  expect(await scene.tipAt('one', 'auto/main')).toBe(tip);
  expect(pushes(scene.servers.origin)).toBe(pushed);
  expect(scene.facts().lastSafeAt).toEqual(expect.any(Number));
  expect(await scene.tipAt('one')).toBeNull();
});
