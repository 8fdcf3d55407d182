// The service as a front end or another program drives it: start, look, trigger, configure, stop, start again.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  createSyncAPI,
  getAllProjectsWithGitHub,
  type SyncApi,
  updateGitHubConfig,
} from '../../src/index.ts';
import type { FeedEvent } from '../../src/model/event.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, expectTwins, type Journey, remoteFile, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('a project that is stored no longer is let go of by the next scan, though nobody told of its removal', async () => {
  const blog = await journey.addProject('blog');
  const site = await journey.addProject('site');
  const service = await journey.start({ folders: [blog.path, site.path] });
  for (const id of ['blog', 'site']) await service.untilState(id, 'safe');
  const db = createClient({ url: `file:${join(journey.dataDir, 'queue.db')}`, timeout: 10_000 });
  await db.execute("DELETE FROM projects WHERE project_id = 'site'");
  db.close();
  const scans = async () => (await service.api('POST', '/api/sync/trigger', { immediate: true })).body;
  expect((await scans()).scanned).toBe(1);
  expect((await service.api('GET', '/api/sync/status')).body.status.watcher.watched).toBe(1);
  expect((await scans()).scanned).toBe(1);
}, 60_000);

test('start, status, trigger, stop and start again do what a front end expects of them', async () => {
  const blog = await journey.addProject('blog');
  const site = await journey.addProject('site');
  const service = await journey.start({ folders: [blog.path, site.path], env: { SYNC_WATCH: 'false' } });
  for (const id of ['blog', 'site']) await service.untilState(id, 'safe');
  const status = async () => (await service.api('GET', '/api/sync/status')).body.status;
  expect(await status()).toMatchObject({
    serviceRunning: true,
    scheduler: { running: true, stats: { queueSize: 0, activeSyncs: 0 } },
    projects: { total: 2, safe: 2 },
  });

  await blog.repo.write('post.md', 'one\n');
  const all = await service.api('POST', '/api/sync/trigger', { immediate: true });
  expect(all.status).toBe(202);
  expect(all.body).toMatchObject({
    success: true,
    scanned: 2,
    queued: [{ projectId: 'blog' }],
    skipped: [{ projectId: 'site' }],
  });
  await untilRemoteHas(journey, blog, 'post.md', 'one\n');
  await service.untilState('blog', 'safe');

  const feed = await service.feed();
  const one = await service.api('POST', '/api/sync/trigger/site', { immediate: true, priority: 10 });
  expect(one.status).toBe(202);
  expect(one.body).toMatchObject({ success: true, job: { projectId: 'site', priority: 10 } });
  const finished = await feed.until(
    (message) => message.type === 'run.finished' && message.projectId === 'site',
    'a run of site',
  );
  expect(finished.data).toMatchObject({ status: 'no-change', trigger: 'api' });
  feed.close();

  const stopped = await service.api('POST', '/api/sync/stop');
  expect(stopped.body).toMatchObject({ success: true, status: { serviceRunning: false } });
  expect((await service.api('POST', '/api/sync/stop')).status).toBe(200);
  expect((await service.api('POST', '/api/sync/trigger/site', {})).body.code).toBe('service-stopped');
  expect((await service.api('POST', '/api/sync/trigger', {})).status).toBe(409);
  await blog.repo.write('post.md', 'two\n');

  const started = await service.api('POST', '/api/sync/start');
  expect(started.body).toMatchObject({ success: true, status: { serviceRunning: true } });
  expect((await service.api('POST', '/api/sync/start')).status).toBe(200);
  await untilRemoteHas(journey, blog, 'post.md', 'two\n');
  await service.untilState('blog', 'safe');
  await expectTwins(blog);
  expect((await service.api('GET', '/health')).body).toMatchObject({
    checks: { database: { ok: true }, scheduler: { ok: true } },
  });
});

test('triggering what is unknown, disabled or asked for wrongly is told apart', async () => {
  const project = await journey.addProject('off');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('off', 'safe');
  const trigger = async (id: string, body: unknown) => {
    const { status, body: answer } = await service.api('POST', `/api/sync/trigger/${id}`, body);
    return [status, answer.code];
  };
  expect(await trigger('nobody', {})).toEqual([404, 'project-not-found']);
  expect(await trigger('off', { priority: 11 })).toEqual([400, 'invalid-request']);
  expect(await trigger('off', { urgent: true })).toEqual([400, 'invalid-request']);
  await service.api('PATCH', '/api/sync/projects/off', { github: { enabled: false } });
  await service.untilState('off', 'disabled');
  expect(await trigger('off', { immediate: true })).toEqual([409, 'project-disabled']);
});

test('maxConcurrentSyncs changes at once, both ways, and the change outlives a restart', async () => {
  const ids = ['p1', 'p2', 'p3'];
  const projects = [];
  for (const id of ids) projects.push(await journey.addProject(id));
  const service = await journey.start({
    folders: projects.map(({ path }) => path),
    env: { SYNC_MAX_CONCURRENT: '1' },
  });
  for (const id of ids) await service.untilState(id, 'safe');
  const active = async () =>
    (await service.api('GET', '/api/sync/status')).body.status.scheduler.stats.activeSyncs;

  const held = journey.server.inject(/git-receive-pack/, { kind: 'held' }, 3);
  for (const project of projects) await project.repo.write('a.md', 'a\n');
  await held.met;
  await service.until('two that wait for a slot', async () => {
    const { body } = await service.api('GET', '/api/sync/queue?state=ready');
    return body.queue.length === 2 && (await active()) === 1;
  });
  const changed = await service.api('PUT', '/api/sync/config', {
    schedulerOptions: { maxConcurrentSyncs: 3 },
  });
  expect(changed.body).toMatchObject({
    success: true,
    config: { schedulerOptions: { maxConcurrentSyncs: 3 } },
    restartRequired: [],
  });
  await service.until('three at once', async () => (await active()) === 3);
  held.release();
  for (const project of projects) await untilRemoteHas(journey, project, 'a.md', 'a\n');
  for (const id of ids) await service.untilState(id, 'safe');

  const refused = await service.api('PUT', '/api/sync/config', {
    schedulerOptions: { maxConcurrentSyncs: 2, scanInterval: 1 },
  });
  expect(refused.status).toBe(400);
  await service.api('PUT', '/api/sync/config', { port: 4321 }).then(({ body }) => {
    expect(body.restartRequired).toEqual(['port']);
  });
  await service.api('PUT', '/api/sync/config', { port: null });
  expect(await service.stop()).toBe(0);

  const again = await journey.start({ env: { SYNC_MAX_CONCURRENT: '1' } });
  const { body } = await again.api('GET', '/api/sync/config');
  expect(body.config.schedulerOptions.maxConcurrentSyncs).toBe(3);
  expect(body.sources['schedulerOptions.maxConcurrentSyncs']).toBe('saved');
  expect(body.sources.port).toBe('flag');
});

test('a longer quiet period set by PATCH holds the next save back, a shorter one lets it go', async () => {
  const project = await journey.addProject('calm');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('calm', 'safe');
  const schedule = (quietMs: number) =>
    service.api('PATCH', '/api/sync/projects/calm', { github: { schedule: { quietMs } } });
  const patched = await schedule(3_600_000);
  expect(patched.status, JSON.stringify(patched.body)).toBe(200);
  await untilRemoteHas(
    journey,
    project,
    'project.json',
    await readFile(join(project.path, 'project.json'), 'utf8'),
  );
  // Not until it is safe: where project.json is noticed once more by now, that too waits for an hour.
  const feed = await service.feed();
  await project.repo.write('slow.md', 'slow\n');
  await feed.until((message) => message.type === 'change.detected', 'the noticed change');
  const waiting = await service.untilState('calm', 'pending');
  expect(waiting.job).toMatchObject({ state: 'scheduled', waitingFor: 'quiet-period' });
  expect(await remoteFile(project, 'slow.md')).toBeNull();
  feed.close();

  expect((await schedule(100)).status).toBe(200);
  await untilRemoteHas(journey, project, 'slow.md', 'slow\n');
  await service.untilState('calm', 'safe');
});

test('history is deleted by age and by project, and what is deleted stays deleted', async () => {
  const ids = ['keep', 'drop'];
  const paths = [];
  for (const id of ids) paths.push((await journey.addProject(id)).path);
  const service = await journey.start({ folders: paths });
  for (const id of ids) await service.untilState(id, 'safe');
  const count = async (id: string) =>
    (await service.api('GET', `/api/sync/history/${id}`)).body.history.length;
  const before = { keep: await count('keep'), drop: await count('drop') };
  expect(before.keep).toBeGreaterThan(0);

  expect((await service.api('DELETE', '/api/sync/history')).body).toEqual({ success: true, deleted: 0 });
  const one = await service.api('DELETE', '/api/sync/history?olderThanDays=0&projectId=drop');
  expect(one.body).toEqual({ success: true, deleted: before.drop });
  expect([await count('keep'), await count('drop')]).toEqual([before.keep, 0]);
  await service.stop();

  const again = await journey.start();
  expect((await again.api('GET', '/api/sync/history/drop')).body.history).toEqual([]);
  const rest = await again.api('DELETE', '/api/sync/history', { olderThanDays: 0 });
  expect(rest.body.deleted).toBeGreaterThanOrEqual(before.keep);
  expect((await again.api('GET', '/api/sync/history')).body).toMatchObject({ history: [], nextCursor: null });
});

test('a program that embeds the service enables a project by code, and sees it arrive', async () => {
  const remote = await journey.server.createRepo('embedded');
  const path = join(journey.folder, 'work', 'embedded');
  const repo = await createGitRepo({ path });
  await repo.git('config', 'user.name', 'Ada Author');
  await repo.git('config', 'user.email', 'ada@example.com');
  await repo.write('README.md', '# embedded\n');
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  await mkdir(journey.dataDir, { recursive: true });
  const dbPath = join(journey.dataDir, 'queue.db');
  const roots = [join(journey.folder, 'work')];
  vi.stubEnv('SYNC_LOG_LEVEL', 'silent');

  expect(await getAllProjectsWithGitHub({ dbPath, roots })).toEqual([]);
  const github = await updateGitHubConfig(
    path,
    {
      enabled: true,
      remoteUrl: remote.url,
      syncBranches: ['main', 'auto/*'],
      authentication: { type: 'token', configured: true },
      schedule: { quietMs: 50, minIntervalMs: 0 },
    },
    { dbPath },
  );
  expect(github).toMatchObject({ enabled: true, remoteUrl: remote.url, mode: 'commit' });
  const found = await getAllProjectsWithGitHub({ dbPath, roots });
  expect(found).toEqual([expect.objectContaining({ path, projectName: 'embedded', configHome: 'file' })]);

  const api: SyncApi = await createSyncAPI({
    port: 0,
    roots,
    schedulerOptions: { dbPath, scanInterval: 300_000 },
  });
  try {
    const events: FeedEvent[] = [];
    let look = () => {};
    const end = api.on((event) => {
      events.push(event);
      look();
    });
    const heard = (type: string) =>
      new Promise<void>((resolve) => {
        look = () => events.some((event) => event.type === type) && resolve();
        look();
      });
    const get = async (route: string) => (await fetch(api.url + route)).json();
    expect((await get('/api/sync/status')).status.serviceRunning).toBe(false);
    const started = await fetch(`${api.url}/api/sync/start`, { method: 'POST' });
    expect(started.status).toBe(200);
    await heard('run.finished');
    const project = { repo, path, remotePath: remote.path, remoteUrl: remote.url, id: 'embedded' };
    await untilRemoteHas(journey, project, 'README.md', '# embedded\n');
    await repo.write('more.md', 'more\n');
    await untilRemoteHas(journey, project, 'more.md', 'more\n');
    end();

    const mounted = await api.app.fetch(
      new Request(`${api.url}/api/sync/projects`, { headers: { host: new URL(api.url).host } }),
    );
    expect((await mounted.json()).projects).toEqual([expect.objectContaining({ projectName: 'embedded' })]);
    const stored = await getAllProjectsWithGitHub({ dbPath });
    expect(stored).toEqual([
      expect.objectContaining({ path, github: expect.objectContaining({ enabled: true }) }),
    ]);
    await updateGitHubConfig(path, { enabled: false }, { dbPath });
    await fetch(`${api.url}/api/sync/trigger`, { method: 'POST' });
    const shown = (await get('/api/sync/projects')).projects[0];
    expect(shown).toMatchObject({ state: 'disabled', github: { enabled: false } });
  } finally {
    await api.stop();
  }
  await expect(fetch(`${api.url}/health`)).rejects.toThrow();
  // The database is free again: a second one starts on it.
  const second = await createSyncAPI({ port: 0, schedulerOptions: { dbPath } });
  await second.stop();
});

test('all projects are paused over a restart, and go on together', async () => {
  const projects = [await journey.addProject('one'), await journey.addProject('two')];
  const service = await journey.start({ folders: projects.map(({ path }) => path) });
  for (const { id } of projects) await service.untilState(id, 'safe');
  expect((await service.api('POST', '/api/sync/pause', {})).status).toBe(200);
  for (const { id } of projects) expect((await service.project(id)).state).toBe('paused');
  const requests = journey.server.requests.length;
  await service.stop();

  for (const project of projects) await project.repo.write('a.md', 'a\n');
  const second = await journey.start();
  const feed = await second.feed(0);
  await feed.until(({ type }) => type === 'scan.finished', 'the end of the scan');
  feed.close();
  const trigger = await second.api('POST', '/api/sync/trigger', {});
  expect(trigger.body.skipped.map(({ reason }: { reason: string }) => reason)).toEqual(['paused', 'paused']);
  for (const { id } of projects) expect((await second.project(id)).state).toBe('paused');
  expect(journey.server.requests.length).toBe(requests);

  expect((await second.api('POST', '/api/sync/resume')).status).toBe(200);
  await second.api('POST', '/api/sync/trigger', {});
  for (const project of projects) {
    await untilRemoteHas(journey, project, 'a.md', 'a\n');
    await second.untilState(project.id, 'safe');
    await expectTwins(project);
  }
});
