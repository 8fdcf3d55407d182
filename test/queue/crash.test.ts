import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { reclaimDeadWorkers } from '../../src/queue/workers.ts';
import type { Database } from '../../src/store/database.ts';
import { type DatabaseLocation, openDatabase } from '../../src/store/open.ts';
import { addProjectRow, databaseDeps, readEvents, temporaryFolder } from '../support/database.ts';
import { moduleArgs } from '../support/module-args.ts';
import { sqldMissing, startSqld } from '../support/sqld.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKER = join(ROOT, 'test/support/queue-crash-worker.ts');
const LEASE_MS = 3_000;
// However slow the machine, a run that proves nothing goes on until it does.
const LEAST_KILLS = 5;
const LEAST_CHANGES = 150;
const PROJECTS = Array.from({ length: 12 }, (_, index) => `project-${index}` as ProjectId);

/** Changes come as long as processes are killed; only then can the queue run empty. */
type Chaos = { untilMs: number; over: boolean; changes: number; produced: Promise<unknown> };
type Arena = { location: DatabaseLocation; db: Database; folder: string };

async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Failure) || !error.retryable) throw error;
      await delay(25);
    }
  }
}

function startWorker({ location, folder }: Arena, workerId: string): ChildProcess {
  const settings = JSON.stringify({ location, folder, workerId, leaseMs: LEASE_MS });
  return spawn(process.execPath, [...moduleArgs(WORKER), settings], { cwd: ROOT, stdio: 'inherit' });
}

/** Keeps three workers alive and kills one again and again, then lets the rest finish what waits. */
async function killAgainAndAgain(arena: Arena, chaos: Chaos, alsoKill?: () => Promise<void>): Promise<void> {
  let born = 0;
  const newWorker = () => {
    const id = `worker-${born++}`;
    return { id, child: startWorker(arena, id) };
  };
  const workers = [newWorker(), newWorker(), newWorker()];
  const isUp = (id: string) => readJournal(arena.folder).includes(`up ${id}`);
  let kills = 0;
  let interrupted = 0;
  const isEnough = () =>
    performance.now() >= chaos.untilMs &&
    kills >= LEAST_KILLS &&
    chaos.changes >= LEAST_CHANGES &&
    interrupted > 0;
  try {
    while (!isEnough()) {
      const at = Math.floor(Math.random() * workers.length);
      const victim = workers[at];
      if (!victim || !isUp(victim.id)) {
        await delay(10);
        continue;
      }
      await delay(150 * Math.random());
      const exited = once(victim.child, 'exit');
      victim.child.kill('SIGKILL');
      await exited;
      kills += 1;
      interrupted += await untilAnswered(() => runningJobs(arena.db, victim.id));
      // As a start does; the other half is left to the lease.
      if (Math.random() < 0.5) {
        await untilAnswered(() => reclaimDeadWorkers(arena.db, dead(victim.id)));
      }
      workers[at] = newWorker();
      if (kills % 3 === 0) await alsoKill?.();
    }
    chaos.over = true;
    await chaos.produced;
    await untilIdle(arena.db);
  } finally {
    chaos.over = true;
    await Promise.all(
      workers.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }),
    );
  }
}

async function runningJobs(db: Database, workerId: string): Promise<number> {
  const [row] = await db.run('SELECT count(*) AS n FROM jobs WHERE worker_id = :workerId', { workerId });
  return Number(row?.n);
}

const dead = (workerId: string) => ({
  machineId: 'laptop',
  workerIds: [workerId],
  maxCrashes: 1_000,
  crashDelayMs: 0,
});

const readJournal = (folder: string) =>
  existsSync(join(folder, 'journal')) ? readFileSync(join(folder, 'journal'), 'utf8').split('\n') : [];

/** Changes projects all the time, as a person would: first the change, then the word of it. */
async function produce({ db, folder }: Arena, chaos: Pick<Chaos, 'over' | 'changes'>): Promise<number[]> {
  const changes = PROJECTS.map(() => 0);
  const change = async (index: number) => {
    const projectId = PROJECTS[index] as ProjectId;
    changes[index] = (changes[index] ?? 0) + 1;
    chaos.changes += 1;
    writeFileSync(join(folder, `${projectId}.changed`), String(changes[index]));
    const usual = { trigger: 'watch', delayMs: 0, force: false, askRemote: false } as const;
    const priority = Math.floor(Math.random() * 11);
    await untilAnswered(() => enqueue(db, { ...usual, projectIds: [projectId], priority }));
  };
  for (const index of PROJECTS.keys()) await change(index);
  while (!chaos.over) {
    await change(Math.floor(Math.random() * PROJECTS.length));
    await delay(5 * Math.random());
  }
  return changes;
}

async function untilIdle(db: Database): Promise<void> {
  for (;;) {
    const [row] = await untilAnswered(() => db.run("SELECT count(*) AS n FROM jobs WHERE state <> 'idle'"));
    if (row?.n === 0) return;
    await delay(20);
  }
}

async function audit({ db, folder }: Arena, changes: readonly number[]): Promise<void> {
  const journal = readJournal(folder);
  expect(journal.filter((line) => /^(violation|fault)/.test(line))).toEqual([]);
  const synced = PROJECTS.map((projectId) =>
    Number(readFileSync(join(folder, `${projectId}.synced`), 'utf8')),
  );
  expect(synced).toEqual(changes);
  const overlaps =
    await db.run(`SELECT a.id FROM runs a JOIN runs b ON a.job_id = b.job_id AND a.fence < b.fence
    WHERE a.finished_at IS NULL OR a.finished_at > b.started_at`);
  expect(overlaps).toEqual([]);
  const unaccounted = await db.run(`SELECT j.id FROM jobs j
    WHERE j.fence <> (SELECT count(*) FROM runs r WHERE r.job_id = j.id AND r.status IS NOT NULL)`);
  expect(unaccounted).toEqual([]);
  // Each claim, end and state has its event, and the ids have no gap.
  const events = await readEvents(db);
  expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
  const [runs] = await db.run('SELECT count(*) AS n FROM runs');
  const count = (type: string) => events.filter((event) => event.type === type).length;
  expect(count('run.finished')).toBe(runs?.n);
  expect(count('job.running')).toBe(runs?.n);
}

async function compete(arena: Arena, lastsMs: number, alsoKill?: () => Promise<void>): Promise<void> {
  for (const projectId of PROJECTS) await addProjectRow(arena.db, projectId);
  const chaos: Chaos = {
    untilMs: performance.now() + lastsMs,
    over: false,
    changes: 0,
    produced: Promise.resolve(),
  };
  const producing = produce(arena, chaos);
  chaos.produced = producing;
  const [changes] = await Promise.all([producing, killAgainAndAgain(arena, chaos, alsoKill)]);
  await audit(arena, changes);
  const crashed = await arena.db.run("SELECT count(*) AS n FROM runs WHERE status = 'crashed'");
  expect(crashed[0]?.n).toBeGreaterThan(0);
}

test('workers killed at any moment lose no change, never overlap and leave no gap in a local file', async () => {
  const folder = await temporaryFolder();
  try {
    const location = { path: join(folder.path, 'queue.db') };
    const db = await openDatabase(location, databaseDeps);
    await compete({ location, db, folder: folder.path }, 5_000);
    expect(await db.run('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    await db.close();
  } finally {
    await folder.remove();
  }
});

const onServer = 'the same with a server that is killed too';
if (sqldMissing) test.skip(`${onServer}: SKIPPED, ${sqldMissing}`, () => {});
else
  test(onServer, async () => {
    const folder = await temporaryFolder();
    const sqld = await startSqld();
    try {
      const location = { url: sqld.url };
      const db = await openDatabase(location, databaseDeps);
      await compete({ location, db, folder: folder.path }, 4_000, () => sqld.restart());
      await db.close();
    } finally {
      await sqld.stop();
      await folder.remove();
    }
  });
