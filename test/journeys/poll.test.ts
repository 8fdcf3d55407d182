// Somebody else pushes, and nothing changes here: the remote is asked now and then, and the changes come in.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  projectFile,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

let journey: Journey;
let other: GitRepo | null = null;
beforeEach(async () => {
  journey = await beginJourney({ env: { SYNC_POLL_INTERVAL_MS: '1000' } });
});
afterEach(async () => {
  await journey.end();
  await other?.remove();
  other = null;
});

const content = (project: JourneyProject, file: string) => readFile(join(project.path, file), 'utf8');

async function colleaguePushes(project: JourneyProject, files: Record<string, string>): Promise<void> {
  other ??= await createGitRepo({ clone: project.remotePath });
  await other.git('pull', '--quiet', 'origin', 'main');
  for (const [name, text] of Object.entries(files)) await other.write(name, text);
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
}

const untilHere = (service: RunningService, project: JourneyProject, file: string, text: string) =>
  service.until(
    `${file} of the other side`,
    async () => (await content(project, file).catch(() => null)) === text,
  );

/** Requests since `from`, as soon as there are `count` of them. */
async function nextRequests(from: number, count: number) {
  await journey.server.waitFor(() => journey.server.requests.length >= from + count, 40_000);
  return journey.server.requests.slice(from);
}

test('what a second clone pushes comes into the work tree by itself', async () => {
  const project = await journey.addProject('shared', { 'a.md': 'a\n', 'b.md': 'b\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('shared', 'safe');
  await colleaguePushes(project, { 'a.md': 'theirs\n', 'new.md': 'new\n' });
  for (const [file, text] of Object.entries({ 'a.md': 'theirs\n', 'new.md': 'new\n' })) {
    await untilHere(service, project, file, text);
  }
  expect(await content(project, 'b.md')).toBe('b\n');
  await service.untilState('shared', 'safe');
  expect(await project.repo.git('log', '--merges', '--oneline')).toBe('');
  await expectTwins(project);
  const { history } = (await service.api('GET', '/api/sync/history/shared')).body;
  expect(history.map((run: { trigger: string }) => run.trigger)).toContain('schedule');
});

test('a file that the person has modified stays as it is while the others are brought forward', async () => {
  const project = await journey.addProject('mine', { 'a.md': 'a\n', 'draft.md': 'draft\n' });
  const settings = projectFile({ quietMs: 100, minIntervalMs: 0 }, { mode: 'push' });
  await project.repo.write('project.json', settings);
  await project.repo.git('commit', '--quiet', '--all', '--message', 'settings');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('mine', 'safe');
  await project.repo.write('draft.md', 'half written');
  await colleaguePushes(project, { 'a.md': 'theirs\n' });
  const theirTip = await other?.git('rev-parse', 'HEAD');
  await service.until('their commit', async () => (await project.repo.git('rev-parse', 'HEAD')) === theirTip);
  await service.until(
    'the end of the move',
    async () => (await project.repo.git('status', '--porcelain')) === ' M draft.md\n',
  );
  expect(await content(project, 'a.md')).toBe('theirs\n');
  expect(await content(project, 'draft.md')).toBe('half written');
});

test('a question costs one request, and how often it is asked can be changed at any time', async () => {
  const project = await journey.addProject('quiet');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('quiet', 'safe');
  const asked = await nextRequests(journey.server.requests.length, 4);
  expect(new Set(asked.map(({ method, path }) => `${method} ${path}`))).toEqual(
    new Set(['POST /quiet.git/git-upload-pack']),
  );
  for (const [at, { at: atMs }] of asked.slice(1).entries()) {
    expect(atMs - (asked[at]?.at ?? 0)).toBeGreaterThanOrEqual(700);
  }
  /** The files that were brought in may be looked at once more: they changed. */
  const runsByQuestion = async () => {
    const { history } = (await service.api('GET', '/api/sync/history/quiet')).body;
    return history.filter(({ trigger }: { trigger: string }) => trigger === 'schedule').length;
  };
  expect(await runsByQuestion()).toBe(0);
  await service.api('PUT', '/api/sync/config', { pollIntervalMs: 0 });
  const refused = await service.api('PUT', '/api/sync/config', { pollIntervalMs: 10 });
  expect(JSON.stringify(refused.body)).toContain('must be 0 (off) or at least 1000');
  await colleaguePushes(project, { 'a.md': 'theirs\n' });
  await service.api('PUT', '/api/sync/config', { pollIntervalMs: 1_000 });
  await service.until('their file', async () => (await project.repo.git('ls-files')).includes('a.md'));
  await service.untilState('quiet', 'safe');
  expect(await runsByQuestion()).toBe(1);
});

test('429 at a question pauses the host for as long as it says', async () => {
  const project = await journey.addProject('busy');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('busy', 'safe');
  const feed = await service.feed(0);
  const limited = { kind: 'status', status: 429, headers: { 'retry-after': '3' }, body: 'slow' } as const;
  const fault = journey.server.inject(/upload-pack/, limited);
  await fault.met;
  const from = journey.server.requests.findIndex((request) => request.fault === 'status');
  const paused = await feed.until(({ type }) => type === 'gate.paused', 'gate.paused');
  expect(paused.data).toMatchObject({
    key: `cred:${new URL(journey.server.url).host}`,
    reason: 'rate-limited',
  });
  await colleaguePushes(project, { 'a.md': 'theirs\n' });
  const [refused, next] = await nextRequests(from, 2);
  expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(3_000);
  await service.until('their file', async () => (await project.repo.git('ls-files')).includes('a.md'));
  await service.untilState('busy', 'safe');
  feed.close();
});

test('a host that cannot be reached is one event, however often it is asked, and changes come in afterwards', async () => {
  const projects = [];
  for (const name of ['one', 'two', 'three']) projects.push(await journey.addProject(name));
  const service = await journey.start({ folders: projects.map(({ path }) => path) });
  for (const { id } of projects) await service.untilState(id, 'safe');
  const feed = await service.feed(0);
  journey.server.inject(/./, { kind: 'html' }, Number.POSITIVE_INFINITY);
  const from = journey.server.requests.length;
  const failed = () => journey.server.requests.slice(from).filter(({ fault }) => fault === 'html').length;
  await journey.server.waitFor(() => failed() >= 4, 60_000);
  journey.server.clearFaults();
  const [first] = projects;
  if (first === undefined) throw new Error('There is no project.');
  await colleaguePushes(first, { 'a.md': 'theirs\n' });
  await service.until('their file', async () => (await first.repo.git('ls-files')).includes('a.md'), 90_000);
  const events = feed.messages.filter(({ type }) => type === 'gate.paused');
  expect(events.map(({ data }) => data.reason)).toEqual(['offline']);
  for (const { id } of projects) await service.untilState(id, 'safe');
  feed.close();
}, 120_000);
