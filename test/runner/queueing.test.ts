import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, NO_RELEASES, type ProjectFacts } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { createProjectTable } from '../../src/runner/project-table.ts';
import { createQueueing } from '../../src/runner/queueing.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { addProjectRow, databaseDeps, readJobRow, temporaryFolder } from '../support/database.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { claimOne, look, put, settle, T0 } from '../support/queue-calls.ts';

const MINUTE = 60_000;
const SEEN = { trigger: 'watch', delayMs: 0, force: false, askRemote: false } as const;
const SCANNED = { ...SEEN, trigger: 'scan' } as const;

let db: Database;
let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
  db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
});
beforeEach(async () => void (await db.run('DELETE FROM projects')));
afterAll(async () => {
  await db.close();
  await folder.remove();
});

async function begin(facts: Record<string, Partial<ProjectFacts>>) {
  const clock = createManualClock(T0);
  const projects = createProjectTable();
  for (const [name, known] of Object.entries(facts)) {
    const projectId = await addProjectRow(db, name);
    projects.put({
      ...{ projectId, projectName: name, machineId: 'laptop', path: `/p/${name}`, configHome: 'database' },
      ...{ pausedUntil: null, releases: NO_RELEASES, conflictChoice: null },
      github: GithubConfigSchema.parse({ enabled: true }),
      facts: { ...NO_FACTS, ...known },
    });
  }
  const queue = createQueueing({
    db,
    bus: { notify: () => {} } as never,
    clock,
    projects,
    wake: () => {},
    onHeldBack: () => {},
  });
  const priorityOf = async (name: string) => (await readJobRow(db, name)).priority;
  return { clock, queue, priorityOf, ids: Object.keys(facts) as ProjectId[] };
}

test('what waits and who works there decide how urgent each project is, also of several queued at once', async () => {
  const { queue, priorityOf, ids } = await begin({
    plain: { branch: 'topic' },
    main: { branch: 'main' },
    ahead: { branch: 'topic', unpushedCommits: 7 },
    both: { branch: 'master', unpushedCommits: 30 },
  });
  await queue(ids, SCANNED);
  expect(await Promise.all(ids.map(priorityOf))).toEqual([2, 3, 4, 6]);
});

test('a project in which somebody works goes before one that only a scan found, until it rests', async () => {
  const { clock, queue, priorityOf, ids } = await begin({ worked: {}, found: {} });
  await queue(['worked' as ProjectId], SEEN);
  expect(await priorityOf('worked')).toBe(5);
  await db.run('DELETE FROM jobs');
  await clock.advance(10 * MINUTE);
  await queue(ids, SCANNED);
  expect([await priorityOf('worked'), await priorityOf('found')]).toEqual([4, 2]);
});

test('who was at work before a restart is remembered', async () => {
  const { clock, queue, priorityOf, ids } = await begin({ before: {}, other: {} });
  const at = clock.now() - 30 * MINUTE;
  await db.run("UPDATE projects SET last_activity_at = :at WHERE project_id = 'before'", { at });
  await queue(ids, SCANNED);
  expect([await priorityOf('before'), await priorityOf('other')]).toEqual([4, 2]);
});

test("a caller's own number stands above all", async () => {
  const { queue, priorityOf, ids } = await begin({ busy: { branch: 'main', unpushedCommits: 30 } });
  await queue(ids, { ...SEEN, priority: 0 });
  expect(await priorityOf('busy')).toBe(0);
  await queue(ids, { ...SEEN, priority: 10 });
  expect(await priorityOf('busy')).toBe(10);
});

test.each([
  { old: 0, fresh: 10, waitedMs: 9 * MINUTE, first: 'fresh' },
  { old: 0, fresh: 10, waitedMs: 10 * MINUTE + 1, first: 'old' },
  { old: 4, fresh: 5, waitedMs: 59_000, first: 'fresh' },
  { old: 4, fresh: 5, waitedMs: 61_000, first: 'old' },
  { old: 5, fresh: 5, waitedMs: 1, first: 'old' },
])(
  'after $waitedMs ms of waiting $old goes against $fresh: $first is first',
  async ({ old, fresh, waitedMs, first }) => {
    for (const name of ['old', 'fresh']) await addProjectRow(db, name);
    await put(db, 'old', T0, { priority: old });
    await put(db, 'fresh', T0 + waitedMs, { priority: fresh });
    expect((await claimOne(db, T0 + waitedMs)).projectId).toBe(first);
  },
);

test('nothing starves: the least urgent job comes while more urgent ones arrive all the time', async () => {
  await addProjectRow(db, 'least');
  for (let n = 0; n < 20; n++) await addProjectRow(db, `urgent${n}`);
  await put(db, 'least', T0, { priority: 0 });
  let now = T0;
  for (let n = 0; n < 100; n++, now += 20_000) {
    await put(db, `urgent${n % 20}`, now, { priority: 10 });
    await put(db, `urgent${(n + 7) % 20}`, now, { priority: 10 });
    const job = (await look(db, now)).claimed[0];
    if (job === undefined) throw new Error('nothing was claimed');
    if (job.projectId === 'least') break;
    await settle(db, job, now + 1_000);
  }
  const waited = now - T0;
  expect(waited).toBeGreaterThan(9 * MINUTE);
  // What came within its ten minutes may go first: at most each of the twenty, and each takes 20 s.
  expect(waited).toBeLessThan(17 * MINUTE);
});
