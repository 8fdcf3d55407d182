// What the guard keeps on the machine, and how a person lets it go: by the API, exactly what was shown, once or always.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  remoteFile,
  untilRemoteHas,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

/** Made up, each another one; what they have in common must be said nowhere. */
const SECRET = 'aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY123';
const tokenOf = (digit: number) => `ghp_${SECRET}${digit}`;
const TOKEN = tokenOf(0);

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

const heldOf = async (service: RunningService, id: string) =>
  (await service.api('GET', `/api/sync/projects/${id}/held`)).body;
const release = (service: RunningService, id: string, body: object) =>
  service.api('POST', `/api/sync/projects/${id}/held/release`, body);
const contentOf = async (project: JourneyProject, file: string) =>
  (await project.repo.git('hash-object', '--', file)).trim();

/** Everything that the service has said since its start: events, log, answers. */
async function everythingSaid(service: RunningService, id: string): Promise<string> {
  const feed = await service.api('GET', '/api/sync/events?since=0&limit=500&timeoutMs=0');
  const answers = [];
  for (const path of ['status', 'projects', `projects/${id}/held`, 'history', 'queue', 'config'])
    answers.push((await service.api('GET', `/api/sync/${path}`)).body);
  return JSON.stringify([feed.body, answers, service.output]);
}

test('a secret is held, the others go; released once it goes, and with another content it is held again', async () => {
  const project = await journey.addProject('notes', { 'a.md': 'a\n', 'conf.js': 'old\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('notes', 'safe');
  const feed = await service.feed(0);
  await project.repo.write('key.txt', `${TOKEN}\n`);
  await project.repo.write('conf.js', `const t = '${TOKEN}';\n`);
  await project.repo.write('b.md', 'b\n');
  await untilRemoteHas(journey, project, 'b.md', 'b\n');
  const held = await feed.until(
    ({ type, data }) => type === 'file.held' && data.path === 'key.txt',
    'file.held',
  );
  const fingerprint = `sha1:${await contentOf(project, 'key.txt')}`;
  expect(held.data).toMatchObject({ reason: 'secret', rule: 'github/token', line: 1, fingerprint });
  await service.untilState('notes', 'safe');
  expect(await project.repo.git('status', '--porcelain')).toBe(' M conf.js\n?? key.txt\n');
  expect((await heldOf(service, 'notes')).held).toMatchObject([
    { path: 'conf.js', releasable: true, since: expect.stringMatching(/Z$/) },
    { path: 'key.txt', fingerprint, sizeBytes: TOKEN.length + 1 },
  ]);

  const answer = await release(service, 'notes', { paths: ['key.txt'], scope: 'once' });
  expect(answer).toMatchObject({ status: 202, body: { job: { projectId: 'notes' } } });
  await untilRemoteHas(journey, project, 'key.txt', `${TOKEN}\n`);
  await feed.until(({ type, data }) => type === 'file.released' && data.path === 'key.txt', 'file.released');
  expect(await remoteFile(project, 'conf.js')).toBe('old\n');

  await project.repo.write('key.txt', `${tokenOf(1)}\n`);
  await project.repo.write('c.md', 'c\n');
  await untilRemoteHas(journey, project, 'c.md', 'c\n');
  expect(await remoteFile(project, 'key.txt')).toBe(`${TOKEN}\n`);
  await service.untilState('notes', 'safe');
  expect(await project.repo.git('status', '--porcelain')).toBe(' M conf.js\n M key.txt\n');
  expect(await everythingSaid(service, 'notes')).not.toContain(SECRET);
  feed.close();
});

test('a content that changes after its release is held; released always it passes, also after a restart', async () => {
  const project = await journey.addProject('always');
  const first = await journey.start({ folders: [project.path] });
  await first.untilState('always', 'safe');
  await project.repo.write('key.txt', `${tokenOf(1)}\n`);
  await first.until('held', async () => (await heldOf(first, 'always')).held.length === 1);
  // The release names what was shown, and the file is another one by now.
  const { fingerprint } = (await heldOf(first, 'always')).held[0];
  await first.api('POST', '/api/sync/projects/always/pause', {});
  await project.repo.write('key.txt', `${tokenOf(2)}\n`);
  await release(first, 'always', { fingerprints: [fingerprint], scope: 'once' });
  await first.api('POST', '/api/sync/projects/always/resume', {});
  await first.until('held again', async () => {
    const [file] = (await heldOf(first, 'always')).held;
    return file?.fingerprint !== undefined && file.fingerprint !== fingerprint;
  });
  expect(await remoteFile(project, 'key.txt')).toBeNull();

  expect((await release(first, 'always', { paths: ['key.txt'], scope: 'always' })).status).toBe(202);
  await untilRemoteHas(journey, project, 'key.txt', `${tokenOf(2)}\n`);
  const allowed = `sha1:${await contentOf(project, 'key.txt')}`;
  const settings = JSON.parse(await project.repo.git('show', 'HEAD:project.json'));
  expect(settings.github.guard.allow).toEqual([allowed]);
  await first.untilState('always', 'safe');
  await first.stop();

  const second = await journey.start();
  await second.untilState('always', 'safe');
  await project.repo.write('copy/key.txt', `${tokenOf(2)}\n`);
  await project.repo.write('other.txt', `${tokenOf(3)}\n`);
  await untilRemoteHas(journey, project, 'copy/key.txt', `${tokenOf(2)}\n`);
  await second.until('the other content is held', async () => {
    const { held } = await heldOf(second, 'always');
    return held.length === 1 && held[0].path === 'other.txt';
  });
  expect(await remoteFile(project, 'other.txt')).toBeNull();
});

test('a person who committed a secret is told before it leaves, and decides', async () => {
  const project = await journey.addProject('mine');
  const service = await journey.start({ folders: [project.path], env: { SYNC_SCAN_INTERVAL: '1000' } });
  await service.untilState('mine', 'safe');
  const tip = await journey.server.refOf(project.remotePath, 'refs/heads/main');
  await service.api('POST', '/api/sync/projects/mine/pause', {});
  await project.repo.write('key.txt', `${TOKEN}\n`);
  await project.repo.git('add', 'key.txt');
  await project.repo.git('commit', '--quiet', '--message', 'oops');
  await service.api('POST', '/api/sync/projects/mine/resume', {});
  const shown = await service.untilState('mine', 'blocked');
  const commit = (await project.repo.git('rev-parse', 'HEAD')).trim();
  expect(shown.stateReason).toMatchObject({
    code: 'secret-in-commit',
    detail: expect.stringContaining(`key.txt line 1 (github/token) in ${commit.slice(0, 10)}`),
    action: expect.stringContaining('rebase'),
  });
  expect(shown.heldFiles).toMatchObject([{ path: 'key.txt', commit }]);
  expect(shown.unpushedCommits).toBe(1);
  expect(await journey.server.refOf(project.remotePath, 'refs/heads/main')).toBe(tip);
  expect(await everythingSaid(service, 'mine')).not.toContain(SECRET);

  expect((await release(service, 'mine', { paths: ['key.txt'], scope: 'once' })).status).toBe(202);
  await untilRemoteHas(journey, project, 'key.txt', `${TOKEN}\n`);
  await service.untilState('mine', 'safe');
  await expectTwins(project);
});

const manyFiles = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`notes/${n}.md`, `${n}\n`]));
const confirm = (service: RunningService, id: string, token: string) =>
  service.api('POST', `/api/sync/projects/${id}/deletions/confirm`, { token });

test('many deletions wait; confirmed are exactly those that were shown', async () => {
  const project = await journey.addProject('tidy', manyFiles);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('tidy', 'safe');
  const remove = (n: number) => rm(join(project.path, `notes/${n}.md`));
  await service.api('POST', '/api/sync/projects/tidy/pause', {});
  await service.until('nothing to run any more', async () => {
    return (await service.api('GET', '/api/sync/queue')).body.active.length === 0;
  });
  for (let n = 0; n < 15; n++) await remove(n);
  await service.api('POST', '/api/sync/projects/tidy/resume', {});
  await service.api('POST', '/api/sync/trigger/tidy', { immediate: true });
  const shown = await service.untilState('tidy', 'blocked');
  expect(shown.stateReason).toMatchObject({
    code: 'mass-deletion',
    detail: expect.stringContaining('15 of 21'),
  });
  const { deletions } = await heldOf(service, 'tidy');
  expect(deletions).toMatchObject({ deleted: 15, tracked: 21 });
  expect(deletions.sample[0]).toBe('notes/0.md');

  await remove(15);
  await service.until('the new deletion is shown', async () => {
    return (await heldOf(service, 'tidy')).deletions?.deleted === 16;
  });
  expect(await confirm(service, 'tidy', deletions.token)).toMatchObject({
    status: 409,
    body: { code: 'deletions-changed' },
  });
  expect(await remoteFile(project, 'notes/0.md')).toBe('0\n');
  const now = (await heldOf(service, 'tidy')).deletions;
  expect((await confirm(service, 'tidy', now.token)).status).toBe(202);
  await untilRemoteHas(journey, project, 'notes/15.md', null);
  await service.untilState('tidy', 'safe');
  expect(await remoteFile(project, 'notes/16.md')).toBe('16\n');
  expect((await heldOf(service, 'tidy')).deletions).toBeNull();
  await expectTwins(project);

  // The word is used up: the same deletions once more are asked for once more.
  await service.api('POST', '/api/sync/projects/tidy/pause', {});
  await project.repo.git('revert', '--no-edit', 'HEAD');
  await service.api('POST', '/api/sync/projects/tidy/resume', {});
  await untilRemoteHas(journey, project, 'notes/0.md', '0\n');
  await service.untilState('tidy', 'safe');
  for (let n = 0; n < 16; n++) await remove(n);
  const again = await service.untilState('tidy', 'blocked');
  expect(again.stateReason.code).toBe('mass-deletion');
  expect((await heldOf(service, 'tidy')).deletions.token).toBe(now.token);
});

test('an emptied folder is blocked and named, and confirmed where a person emptied it', async () => {
  const project = await journey.addProject('emptied', { 'a.md': 'a\n', 'b/c.md': 'c\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('emptied', 'safe');
  for (const name of await readdir(project.path))
    if (name !== '.git') await rm(join(project.path, name), { recursive: true });
  const shown = await service.untilState('emptied', 'blocked');
  expect(shown.stateReason).toMatchObject({
    code: 'mass-deletion',
    detail: expect.stringMatching(/All 3 files are gone from .*not mounted/),
    action: expect.stringContaining('confirm'),
  });
  expect(await remoteFile(project, 'a.md')).toBe('a\n');
  const { deletions } = await heldOf(service, 'emptied');
  expect((await confirm(service, 'emptied', deletions.token)).status).toBe(202);
  await untilRemoteHas(journey, project, 'a.md', null);
  await service.untilState('emptied', 'safe');
});

test('a folder that lost its repository, as when a drive is not mounted, is no mass deletion to be confirmed', async () => {
  const project = await journey.addProject('drive', manyFiles);
  const service = await journey.start({ folders: [project.path], env: { SYNC_SCAN_INTERVAL: '1000' } });
  await service.untilState('drive', 'safe');
  const tip = await journey.server.refOf(project.remotePath, 'refs/heads/main');
  await rm(project.path, { recursive: true });
  await service.untilState('drive', 'missing');
  await mkdir(project.path);
  const shown = await service.untilState('drive', 'blocked');
  expect(shown.stateReason.code).toBe('not-a-repository');
  expect(shown.stateReason.action).toMatch(/mount/i);
  expect(shown.stateReason.action).not.toContain('git init');
  expect((await confirm(service, 'drive', 'a'.repeat(64))).status).toBe(409);
  expect(await journey.server.refOf(project.remotePath, 'refs/heads/main')).toBe(tip);
});
