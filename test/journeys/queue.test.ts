// The queue of the real service as a person steers it: settings that change while it runs, times, and backups.

import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  beginJourney,
  type Journey,
  type JourneyProject,
  remoteFile,
  untilRemoteHas,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

const HOUR = 3_600_000;
/** `HH:MM` in UTC. */
const clockTime = (instant: number) => new Date(instant).toISOString().slice(11, 16);

async function configure(service: RunningService, patch: object): Promise<void> {
  const { status, body } = await service.api('PUT', '/api/sync/config', patch);
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.restartRequired).toEqual([]);
}

async function setSchedule(service: RunningService, id: string, schedule: object): Promise<void> {
  const { status, body } = await service.api('PATCH', `/api/sync/projects/${id}`, { github: { schedule } });
  expect(status, JSON.stringify(body)).toBe(200);
}

test('the number of syncs at once changes while syncs run, in all and for a credential', async () => {
  const projects: JourneyProject[] = [];
  for (const id of ['a', 'b', 'c', 'd']) projects.push(await journey.addProject(id));
  const held = journey.server.inject(/receive-pack/, { kind: 'held' }, 1_000);
  const service = await journey.start({
    folders: projects.map(({ path }) => path),
    env: { SYNC_MAX_CONCURRENT: '1' },
  });
  const active = async () => (await service.api('GET', '/api/sync/queue')).body.stats.activeSyncs;
  const untilActive = (count: number) =>
    service.until(`${count} syncs at once`, async () => ((await active()) === count ? true : null));
  await service.until('the others wait for a slot', async () => {
    const { queue } = (await service.api('GET', '/api/sync/queue')).body;
    return queue.length === 3 && queue.every((job: { waitingFor: string }) => job.waitingFor === 'slot')
      ? true
      : null;
  });
  expect(await active()).toBe(1);
  await configure(service, { schedulerOptions: { maxConcurrentSyncs: 4 }, maxSyncsPerCredential: 2 });
  await untilActive(2);
  await configure(service, { maxSyncsPerCredential: 3 });
  await untilActive(3);
  await configure(service, { maxSyncsPerCredential: 6 });
  await untilActive(4);
  held.release();
  for (const { id } of projects) await service.untilState(id, 'safe');
});

test('the interval of scans, the retries and their delay change while it runs', async () => {
  const blog = await journey.addProject('blog');
  const day = String(24 * HOUR);
  const env = {
    SYNC_WATCH: 'false',
    SYNC_SCAN_INTERVAL: day,
    SYNC_MAX_RETRIES: '0',
    SYNC_RETRY_DELAY: '3600000',
  };
  const service = await journey.start({ folders: [blog.path], env });
  await service.untilState('blog', 'safe');
  await blog.repo.write('post.md', 'found by a scan\n');
  await configure(service, { schedulerOptions: { scanInterval: 1_000 } });
  await untilRemoteHas(journey, blog, 'post.md', 'found by a scan\n');
  await service.untilState('blog', 'safe');
  // Given up after one try ...
  journey.server.inject(/./, { kind: 'status', status: 500 }, 1);
  await blog.repo.write('post.md', 'refused\n');
  await service.untilState('blog', 'blocked');
  // ... and after the change not after two.
  journey.server.inject(/./, { kind: 'status', status: 500 }, 2);
  await configure(service, { schedulerOptions: { maxRetries: 5, retryDelay: 50 } });
  await service.api('POST', '/api/sync/trigger/blog', { immediate: true });
  await untilRemoteHas(journey, blog, 'post.md', 'refused\n');
  await service.untilState('blog', 'safe');
});

test('in quiet hours saved work waits, named, and goes when they are taken away or a person insists', async () => {
  const blog = await journey.addProject('blog');
  const service = await journey.start({ folders: [blog.path] });
  await service.untilState('blog', 'safe');
  const begun = (await blog.repo.git('rev-parse', 'HEAD')).trim();
  const now = Date.now();
  const quietHours = { from: clockTime(now - HOUR), to: clockTime(now + 2 * HOUR) };
  await setSchedule(service, 'blog', { quietHours, timezone: 'UTC' });
  await blog.repo.write('night.md', 'one\n');
  const waiting = await service.until('blog in its quiet hours', async () => {
    const project = await service.project('blog');
    return project.job?.waitingFor === 'quiet-hours' && project.stateReason !== null ? project : null;
  });
  expect(waiting).toMatchObject({ state: 'pending', stateReason: { code: 'quiet-hours' } });
  expect(waiting.stateReason.detail).toContain(`T${quietHours.to}:00.000Z`);
  expect((await blog.repo.git('rev-parse', 'HEAD')).trim()).toBe(begun);
  expect(await remoteFile(blog, 'night.md')).toBeNull();

  const urgent = await service.api('POST', '/api/sync/trigger/blog', { immediate: true });
  expect(urgent.status).toBe(202);
  await untilRemoteHas(journey, blog, 'night.md', 'one\n');

  await blog.repo.write('night.md', 'two\n');
  await service.until('blog waits again', async () =>
    (await service.project('blog')).job?.waitingFor === 'quiet-hours' ? true : null,
  );
  expect(await remoteFile(blog, 'night.md')).toBe('one\n');
  await setSchedule(service, 'blog', { quietHours: null });
  await untilRemoteHas(journey, blog, 'night.md', 'two\n');
  const refused = await service.api('PATCH', '/api/sync/projects/blog', {
    github: { schedule: { cron: 'every day', timezone: 'Mars/One' } },
  });
  expect(refused.status).toBe(400);
  expect(refused.body.errors.map(({ path }: { path: string }) => path)).toEqual([
    'github.schedule.cron',
    'github.schedule.timezone',
  ]);
});

test('at its cron time a project is synced whole, and a time that came while it was off is made up for', async () => {
  const [blog, notes] = [await journey.addProject('blog'), await journey.addProject('notes')];
  const env = { SYNC_WATCH: 'false', SYNC_SCAN_INTERVAL: String(24 * HOUR) };
  // The same minute for both: one service goes through it, the other is off.
  const off = { folders: [notes.path], env, dataDir: join(journey.folder, '.off') };
  const [service, stopped] = [await journey.start({ folders: [blog.path], env }), await journey.start(off)];
  await service.untilState('blog', 'safe');
  await stopped.untilState('notes', 'safe');
  const startsByClock = async (running: RunningService): Promise<number[]> => {
    const { history } = (await running.api('GET', '/api/sync/history')).body;
    const byClock = history.filter(({ trigger }: { trigger: string }) => trigger === 'schedule');
    return byClock.map(({ startedAt }: { startedAt: string }) => Date.parse(startedAt));
  };
  await blog.repo.write('post.md', 'only the clock knows\n');
  await setSchedule(service, 'blog', { cron: '* * * * *' });
  await setSchedule(stopped, 'notes', { cron: '* * * * *' });
  await stopped.stop();
  const stoppedAt = Date.now();
  await service.until(
    'a run by the clock',
    async () => ((await startsByClock(service)).length > 0 ? true : null),
    90_000,
  );
  await untilRemoteHas(journey, blog, 'post.md', 'only the clock knows\n');
  const minuteOf = (instant: number) => Math.floor(instant / 60_000);
  // What was due next is over when it starts again, and what comes after that is most of a minute away.
  await vi.waitUntil(() => minuteOf(Date.now()) > minuteOf(stoppedAt), { timeout: 70_000, interval: 100 });
  const minute = minuteOf(Date.now());
  const again = await journey.start(off);
  const madeUp = await again.until('the missed run', async () => {
    return (await startsByClock(again)).find((instant) => instant > stoppedAt) ?? null;
  });
  expect(minuteOf(madeUp)).toBe(minute);
}, 240_000);

test('a backup of the running service is a database to go on from', async () => {
  const blog = await journey.addProject('blog');
  const service = await journey.start({ folders: [blog.path] });
  await service.untilState('blog', 'safe');
  const { status, body } = await service.api('POST', '/api/sync/backup', { path: 'backups/one.db' });
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.backup.path).toBe(join(journey.dataDir, 'backups/one.db'));
  expect((await service.api('POST', '/api/sync/backup', { path: 'backups/one.db' })).body.code).toBe(
    'backup-exists',
  );
  expect((await service.api('POST', '/api/sync/backup', { path: '../one.db' })).status).toBe(400);
  const epochOf = async (running: RunningService) => {
    const feed = await running.feed();
    const { data } = await feed.until(({ type }) => type === 'hello', 'hello');
    feed.close();
    return data.epoch;
  };
  const epoch = await epochOf(service);
  await service.stop();
  const database = join(journey.dataDir, 'queue.db');
  for (const end of ['', '-wal', '-shm']) await rm(`${database}${end}`, { force: true });
  await copyFile(body.backup.path, database);
  const again = await journey.start();
  await again.untilState('blog', 'safe');
  expect(await epochOf(again)).not.toBe(epoch);
  await blog.repo.write('post.md', 'after the restore\n');
  await untilRemoteHas(journey, blog, 'post.md', 'after the restore\n');
  expect(existsSync(dirname(body.backup.path))).toBe(true);
});
