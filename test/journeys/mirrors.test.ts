// Several remotes: each gets everything in its own time, and none stands in the way of another.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGitRepo, runGit } from '../support/git-repo.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  projectFile,
  untilRemoteHas,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

let journey: Journey;
const servers: GitServer[] = [];
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
  for (const server of servers.splice(0)) await server.stop();
});

type Mirror = { name: string; server: GitServer; url: string; path: string };

/** A bare repository on a server, and so a host, of its own. */
async function addMirror(name: string): Promise<Mirror> {
  const server = await startGitServer();
  servers.push(server);
  return { name, server, ...(await server.createRepo(name)) };
}

async function addMirrored(...mirrors: Mirror[]): Promise<JourneyProject> {
  const project = await journey.addProject('book');
  await setMirrors(project, mirrors);
  await project.repo.git('commit', '--quiet', '--all', '--message', 'mirrors');
  return project;
}

async function setMirrors({ repo }: JourneyProject, mirrors: readonly Mirror[]): Promise<void> {
  const remotes = mirrors.map(({ name, url }) => ({ name, url }));
  await repo.write('project.json', projectFile({ quietMs: 100, minIntervalMs: 0 }, { remotes }));
}

async function expectEqual(project: JourneyProject, ...mirrors: Mirror[]): Promise<void> {
  for (const { path } of mirrors) await expectTwins({ ...project, remotePath: path });
}

const hostOf = (url: string) => new URL(url).host;
const remoteOf = (shown: { remotes: { name: string }[] }, name: string) =>
  // biome-ignore lint/suspicious/noExplicitAny: the wire's shape is what is tested
  shown.remotes.find((remote) => remote.name === name) as any;

/** Waits until a remote of the project is in this state and answers the project. */
const untilRemote = (service: RunningService, name: string, state: string) =>
  service.until(`${name} ${state}`, async () => {
    const shown = await service.project('book');
    return remoteOf(shown, name)?.state === state ? shown : null;
  });

const DOWN = { kind: 'status', status: 503, body: 'down' } as const;

test('two mirrors get everything; one goes down and comes back by itself, and the primary never notices', async () => {
  const [one, two] = [await addMirror('one'), await addMirror('two')];
  const project = await addMirrored(one, two);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('book', 'safe');
  await expectTwins(project);
  await expectEqual(project, one, two);

  const feed = await service.feed();
  one.server.inject(/./, DOWN, Number.POSITIVE_INFINITY);
  await project.repo.write('a.md', 'a\n');
  await untilRemoteHas(journey, project, 'a.md', 'a\n');
  const shown = await untilRemote(service, 'one', 'retrying');
  expect(shown).toMatchObject({ unpushedCommits: 0, state: expect.stringMatching(/^(retrying|syncing)$/) });
  expect(remoteOf(shown, 'one')).toMatchObject({
    ...{ isPrimary: false, url: one.url, branches: ['*'], nextTryAt: expect.any(String) },
    stateReason: { code: 'remote-error', detail: expect.stringContaining('Mirror "one"') },
  });
  const told = await feed.until(
    ({ type, data }) => type === 'project.state' && data.state === 'retrying',
    'the mirror as the reason',
  );
  expect(told.data.stateReason.detail).toContain('Mirror "one"');
  const failing = one.server.requests.length;
  await project.repo.write('b.md', 'b\n');
  await untilRemoteHas(journey, project, 'b.md', 'b\n');
  await two.server.waitForRef(two.path, 'refs/heads/main', (oid) => oid !== null);
  // It is tried again without any change here, with its own delays.
  await one.server.waitFor(() => one.server.requests.length > failing + 2);
  const pushes = journey.server.requests.filter(({ method }) => method === 'POST').length;
  one.server.clearFaults();
  const safe = await service.untilState('book', 'safe');
  expect(remoteOf(safe, 'one')).toMatchObject({ state: 'safe', stateReason: null, nextTryAt: null });
  expect(journey.server.requests.filter(({ method }) => method === 'POST').length).toBe(pushes);
  await expectTwins(project);
  await expectEqual(project, one, two);
  const { history } = (await service.api('GET', '/api/sync/history/book?limit=500')).body;
  const names = (run: { remotes: { name: string }[] }) => new Set(run.remotes.map(({ name }) => name));
  // One that gave way to a git command of this test, before it spoke to any remote, is told too.
  const spoke = history.filter(
    ({ error }: { error: null | { code: string } }) => error?.code !== 'git-at-work',
  );
  expect(spoke.length).toBeGreaterThan(0);
  expect(spoke.filter((run: never) => names(run).size !== 3)).toEqual([]);
  expect(history.every(({ attempt }: { attempt: number }) => attempt === 1)).toBe(true);
  feed.close();
});

test('with the primary offline saves go to the mirror, and the primary gets them when it is back', async () => {
  const mirror = await addMirror('mirror');
  const project = await addMirrored(mirror);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('book', 'safe');
  const limited = {
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '6' },
    body: 'slow down',
  } as const;
  journey.server.inject(/./, limited);
  await project.repo.write('a.md', 'a\n');
  await untilRemoteHas({ server: mirror.server }, { ...project, remotePath: mirror.path }, 'a.md', 'a\n');
  const shown = await service.untilState('book', 'rate-limited');
  expect(shown.unpushedCommits).toBeGreaterThan(0);
  // The closed gate holds up neither the commit nor the mirror.
  const sent = journey.server.requests.length;
  await project.repo.write('b.md', 'b\n');
  await untilRemoteHas({ server: mirror.server }, { ...project, remotePath: mirror.path }, 'b.md', 'b\n');
  expect(journey.server.requests.length).toBe(sent);
  await service.untilState('book', 'safe');
  const [refused, next] = journey.server.requests.slice(sent - 1);
  expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(6_000);
  await expectTwins(project);
  await expectEqual(project, mirror);
});

test('a mirror that answers 429 pauses its own host for as long as it asks, and nothing else', async () => {
  const mirror = await addMirror('mirror');
  const project = await addMirrored(mirror);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('book', 'safe');
  const limited = {
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '3' },
    body: 'slow down',
  } as const;
  mirror.server.inject(/./, limited);
  const sent = mirror.server.requests.length;
  await project.repo.write('a.md', 'a\n');
  await untilRemoteHas(journey, project, 'a.md', 'a\n');
  const shown = await untilRemote(service, 'mirror', 'retrying');
  expect(remoteOf(shown, 'mirror').stateReason.code).toBe('rate-limited');
  const { status } = (await service.api('GET', '/api/sync/status')).body;
  expect(status.gates).toMatchObject([{ key: `host:${hostOf(mirror.url)}`, reason: 'rate-limited' }]);
  expect(status.projects).toMatchObject({ total: 1, safe: 0, pending: 1, needsAttention: 0 });
  await project.repo.write('b.md', 'b\n');
  await untilRemoteHas(journey, project, 'b.md', 'b\n');
  await service.untilState('book', 'safe');
  const [refused, next] = mirror.server.requests.slice(sent);
  expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(3_000);
  await expectEqual(project, mirror);
});

test('a mirror that moved on is blocked with its name; the person pulls, and it follows by itself', async () => {
  const mirror = await addMirror('mirror');
  const project = await addMirrored(mirror);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('book', 'safe');
  const other = await createGitRepo({ clone: mirror.path });
  await other.write('theirs.md', 'theirs\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await other.remove();
  const theirs = await mirror.server.refOf(mirror.path, 'refs/heads/main');
  await project.repo.write('ours.md', 'ours\n');
  const shown = await service.untilState('book', 'blocked');
  expect(shown.stateReason).toMatchObject({
    code: 'mirror-moved-on',
    detail: expect.stringContaining('Mirror "mirror"'),
  });
  expect(await mirror.server.refOf(mirror.path, 'refs/heads/main')).toBe(theirs);
  await expectTwins(project);
  const { status } = (await service.api('GET', '/api/sync/status')).body;
  expect(status.projects).toMatchObject({ safe: 0, needsAttention: 1 });
  await project.repo.git('pull', '--quiet', '--no-rebase', '--no-edit', mirror.url, 'main');
  await service.untilState('book', 'safe');
  await expectTwins(project);
  await expectEqual(project, mirror);
});

test('a token that one mirror refuses is sent to nobody else; the right one after a restart goes on', async () => {
  const mirror = await addMirror('private');
  mirror.server.requireToken('right-token');
  const project = await addMirrored(mirror);
  const tokens = (token: string) => ({ SYNC_TOKENS: JSON.stringify({ [hostOf(mirror.url)]: token }) });
  const first = await journey.start({ folders: [project.path], env: tokens('wrong-token') });
  const shown = await first.untilState('book', 'blocked');
  expect(shown.stateReason).toMatchObject({ code: 'credential-rejected' });
  expect(JSON.stringify([shown, first.output])).not.toContain('wrong-token');
  expect(journey.server.requests.every(({ auth }) => auth === null)).toBe(true);
  await project.repo.write('a.md', 'a\n');
  await untilRemoteHas(journey, project, 'a.md', 'a\n');
  await expectTwins(project);
  await first.stop();
  const second = await journey.start({ env: tokens('right-token') });
  await second.untilState('book', 'safe');
  await expectEqual(project, mirror);
});

test('a mirror added by PATCH gets the whole history; taken out again, nobody asks for it', async () => {
  const project = await journey.addProject('book');
  for (const name of ['a', 'b', 'c']) {
    await project.repo.write(`${name}.md`, name);
    await project.repo.git('add', '--all');
    await project.repo.git('commit', '--quiet', '--message', name);
  }
  const service = await journey.start({ folders: [project.path] });
  const alone = await service.untilState('book', 'safe');
  expect(alone.remotes).toMatchObject([{ name: 'origin', isPrimary: true, state: 'safe', nextTryAt: null }]);
  const mirror = await addMirror('late');
  const patch = (remotes: unknown) =>
    service.api('PATCH', '/api/sync/projects/book', { github: { remotes } });
  expect((await patch([{ name: 'late', url: mirror.url }])).status).toBe(200);
  await untilRemote(service, 'late', 'safe');
  const safe = await service.untilState('book', 'safe');
  expect(remoteOf(safe, 'late').tips).toEqual(remoteOf(safe, 'origin').tips);
  await expectTwins(project);
  await expectEqual(project, mirror);
  const twice = [mirror.url, mirror.url].map((url) => ({ name: 'same', url }));
  expect(await patch(twice)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });

  expect((await patch(null)).status).toBe(200);
  await service.until('one remote', async () => (await service.project('book')).remotes.length === 1);
  await service.untilState('book', 'safe');
});

test('kill -9 between the push to the primary and that to the mirror: the next start completes it', async () => {
  const mirror = await addMirror('mirror');
  const project = await addMirrored(mirror);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('book', 'safe');
  const held = mirror.server.inject(/./, { kind: 'held' });
  await project.repo.write('a.md', 'a\n');
  await held.met;
  await untilRemoteHas(journey, project, 'a.md', 'a\n');
  await service.kill();
  held.release();
  const tip = (await runGit(['rev-parse', 'main'], { cwd: project.remotePath })).toString().trim();
  const next = await journey.start();
  await mirror.server.waitForRef(mirror.path, 'refs/heads/main', (oid) => oid === tip);
  await next.untilState('book', 'safe');
  await expectTwins(project);
  await expectEqual(project, mirror);
});
