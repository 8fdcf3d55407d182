import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/host/log.ts';
import { Failure } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, NO_RELEASES, type Project } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { createScheduleKeeper, type ScheduleKeeperPorts } from '../../src/runner/keep-schedules.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { listTimes } from '../../src/store/schedules.ts';
import { addProjectRow, databaseDeps, readJobRow, temporaryFolder } from '../support/database.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { look, put } from '../support/queue-calls.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.parse('2026-11-27T12:00:00Z');
const shown = (instant: number) => new Date(instant).toISOString().slice(0, 16);

let db: Database;
let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
  // A database that lets nobody in between a series of calls: the clock of these tests would not wait for it.
  const clock = { ...databaseDeps.clock, monotonic: () => 0 };
  db = await openDatabase({ path: join(folder.path, 'queue.db') }, { ...databaseDeps, clock });
});
beforeEach(async () => void (await db.run('DELETE FROM projects')));
afterAll(async () => {
  await db.close();
  await folder.remove();
});

function project(name: string, schedule: object, enabled = true): Project {
  return {
    ...{ projectId: name as ProjectId, projectName: name, machineId: 'laptop', path: `/p/${name}` },
    ...{ configHome: 'database' as const, pausedUntil: null, releases: NO_RELEASES, conflictChoice: null },
    github: GithubConfigSchema.parse({ enabled, schedule: { timezone: 'UTC', ...schedule } }),
    facts: NO_FACTS,
  };
}

/** One life of a service over the same database and clock; `due` and `told` say what it asked for, and when. */
function begin(clock: ManualClock, projects: Project[], more: Partial<ScheduleKeeperPorts> = {}) {
  const due: string[] = [];
  const told: string[] = [];
  const keeper = createScheduleKeeper({
    ...{ db, clock, log: silentLog, machineId: 'laptop', projects: () => projects },
    onDue: async (projectId) => void due.push(`${projectId} ${shown(clock.now())}`),
    onQuietHours: async (projectId) => void told.push(`${projectId} ${shown(clock.now())}`),
    ...more,
  });
  keeper.start();
  return { keeper, due, told };
}

test('createScheduleKeeper() asks for a sync at each cron time and at no other', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const plain = [project('blog', { cron: '0 18 * * *' }), project('notes', {})];
  const { keeper, due } = begin(clock, plain);
  await clock.advance(2 * DAY);
  await keeper.stop();
  expect(due).toEqual(['blog 2026-11-27T18:00', 'blog 2026-11-28T18:00']);
});

test('times that came while nothing ran are made up for once, and a new schedule has none', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const projects = [project('blog', { cron: '0 * * * *' })];
  const first = begin(clock, projects);
  await clock.advance(MINUTE);
  await first.keeper.stop();
  expect(first.due).toEqual([]);
  await clock.advance(5 * HOUR);
  const second = begin(clock, projects);
  await clock.advance(HOUR);
  await second.keeper.stop();
  expect(second.due).toEqual(['blog 2026-11-27T17:01', 'blog 2026-11-27T18:00']);
});

test('times that came while the machine slept are made up for once', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const { keeper, due } = begin(clock, [project('blog', { cron: '0 * * * *' })]);
  await clock.advance(MINUTE);
  // Awake again three days later: timers did not notice.
  clock.set(NOON + 3 * DAY + 30 * MINUTE);
  await clock.advance(MINUTE);
  expect(due).toEqual([expect.stringContaining('blog 2026-11-30T12:3')]);
  await clock.advance(HOUR);
  await keeper.stop();
  expect(due.slice(1)).toEqual(['blog 2026-11-30T13:00']);
});

test('a clock that was set back does not silence a schedule', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON + 30 * DAY);
  const { keeper, due } = begin(clock, [project('blog', { cron: '0 * * * *' })]);
  await clock.advance(MINUTE);
  clock.set(NOON);
  await clock.advance(HOUR + MINUTE);
  await keeper.stop();
  expect(due).toEqual(['blog 2026-11-27T13:00']);
});

test('a sync that could not be queued is asked for again, and stays owed over a restart', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const projects = [project('blog', { cron: '0 13 * * *' })];
  const away = new Failure('database-unreachable', 'The server does not answer.');
  let tries = 0;
  const refused = begin(clock, projects, {
    onDue: () => {
      tries += 1;
      return Promise.reject(away);
    },
  });
  await clock.advance(HOUR + MINUTE);
  await refused.keeper.stop();
  expect(tries).toBeGreaterThan(1);
  const { keeper, due } = begin(clock, projects);
  await clock.advance(0);
  await clock.advance(HOUR);
  await keeper.stop();
  expect(due).toEqual(['blog 2026-11-27T13:01']);
});

test('wake() obeys a changed schedule at once; a disabled project has none', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const projects = [project('blog', { cron: '0 13 * * *' })];
  const { keeper, due } = begin(clock, projects);
  await clock.advance(1);
  projects[0] = project('blog', { cron: '5 12 * * *' });
  keeper.wake();
  await clock.advance(1);
  expect((await listTimes(db, 'laptop')).get('blog' as ProjectId)?.dueAt).toBe(NOON + 5 * MINUTE);
  await clock.advance(2 * HOUR);
  projects[0] = project('blog', { cron: '5 12 * * *' }, false);
  keeper.wake();
  await clock.advance(2 * DAY);
  await keeper.stop();
  expect(due).toEqual(['blog 2026-11-27T12:05']);
  expect((await listTimes(db, 'laptop')).size).toBe(0);
});

test('quiet hours are stored before they begin, told when they begin and end, and hold what is ready', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const { keeper, told } = begin(clock, [project('blog', { quietHours: { from: '13:00', to: '15:00' } })]);
  await clock.advance(59 * MINUTE);
  const from = NOON + HOUR;
  expect((await listTimes(db, 'laptop')).get('blog' as ProjectId)?.quiet).toEqual({
    from,
    until: from + 2 * HOUR,
  });
  await put(db, 'blog', clock.now());
  await look(db, clock.now(), { freeSlots: 0 });
  expect((await readJobRow(db, 'blog')).state).toBe('ready');
  await clock.advance(MINUTE);
  expect(await readJobRow(db, 'blog')).toMatchObject({ state: 'scheduled', run_at: from + 2 * HOUR });
  await clock.advance(DAY);
  await keeper.stop();
  expect(told.slice(1)).toEqual(['blog 2026-11-27T13:00', 'blog 2026-11-27T15:00', 'blog 2026-11-28T13:00']);
});

test('quiet hours that are taken out of the settings end at once', async () => {
  await addProjectRow(db, 'blog');
  const clock = createManualClock(NOON);
  const projects = [project('blog', { quietHours: { from: '11:00', to: '15:00' } })];
  const { keeper, told } = begin(clock, projects);
  await clock.advance(1);
  await put(db, 'blog', clock.now());
  expect((await look(db, clock.now())).claimed).toEqual([]);
  projects[0] = project('blog', {});
  keeper.wake();
  await clock.advance(1);
  expect((await look(db, clock.now())).claimed).toHaveLength(1);
  await keeper.stop();
  expect(told).toHaveLength(2);
});
