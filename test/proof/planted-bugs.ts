// Bugs to be planted into the soak's processes, each with the rule of the auditor that has to name it. They change
// statements or ports on their way; the product knows nothing of them.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plant } from '../../scripts/soak/plant.ts';
import type { Fate } from '../../scripts/soak/schedule.ts';
import type { SyncPorts } from '../../src/git/sync/sync-ports.ts';
import type { Database, SqlStatement } from '../../src/store/database.ts';

type Wrap = NonNullable<Plant['worker']>;

/** Replaces a part of every statement that has it. */
function rewriting(part: string | RegExp, replacement: string): Wrap {
  return (db, met) => {
    const rewrite = (sql: string) => {
      const changed = sql.replace(part, replacement);
      if (changed !== sql) met();
      return changed;
    };
    return {
      ...db,
      run: (sql, args) => db.run(rewrite(sql), args),
      batch: (statements) => db.batch(statements.map((each) => ({ ...each, sql: rewrite(each.sql) }))),
    };
  };
}

const both =
  (...ports: Wrap[]): Wrap =>
  (db, met) =>
    ports.reduce((inner, port) => port(inner, met), db);

/** Says "stored" at once and stores a moment later, if the process lives so long. */
function answeringFirst(db: Database, met: () => void): Database {
  const generations = new Map<unknown, number>();
  const later = (statements: readonly SqlStatement[]) =>
    setTimeout(() => void db.batch(statements).catch(() => undefined), LATE_MS);
  return {
    ...db,
    async batch(statements) {
      const project = statements.at(-1)?.args?.project;
      const results = await db.batch(statements.slice(1));
      const stored = Number(results.at(-1)?.[0]?.want_gen ?? 0);
      const told = Math.max(stored, generations.get(project) ?? 0) + 1;
      generations.set(project, told);
      met();
      later(statements);
      return [[], ...results.slice(0, -1), [{ want_gen: told }]];
    },
  };
}

const LATE_MS = 400;
const STEP_MS = 120;

/** Where the newest claim of this process has its work tree. */
let worktree = '';

function claimsSeen(db: Database, met: () => void): Database {
  return {
    ...db,
    async batch(statements) {
      const results = await db.batch(statements);
      const claim = results.flat().find((row) => row.ask_remote !== undefined);
      if (claim) {
        const sql = 'SELECT path FROM projects WHERE project_id = :project';
        worktree = String((await db.run(sql, { project: String(claim.project) }))[0]?.path);
        met();
      }
      return results;
    },
  };
}

/** Every lease that is asked for is said to be held. */
function sayingHeld(db: Database): Database {
  return {
    ...db,
    async batch(statements) {
      const results = await db.batch(statements);
      return results.map((rows, at) => {
        const held = statements[at]?.args?.held;
        if (typeof held !== 'string') return rows;
        return (JSON.parse(held) as [number, number][]).map(([id, fence]) => ({ id, fence }));
      });
    },
  };
}

/** At every step the repository looks as if nobody was at work in it. */
function withoutLock(sync: SyncPorts): SyncPorts {
  return {
    ...sync,
    async faultPoint(name) {
      await rm(join(worktree, '.git/gitferry.lock'), { force: true });
      await sync.faultPoint?.(name);
      // Long enough for somebody else to come.
      await sync.clock.sleep(STEP_MS);
    },
  };
}

const takingLeasesAfter = (ageMs: number): Wrap =>
  rewriting('AND lease_until <= (SELECT now FROM t)', `AND started_at <= (SELECT now FROM t) - ${ageMs}`);

const frozenAt = (point: string, moment: 'before' | 'at'): Fate => ({
  how: 'point',
  sentence: { act: 'freeze', point, moment, nth: 1 },
});
/** Somebody has to go on meanwhile. */
const LONG_LIFE: Fate = { how: 'time', act: 'kill', afterMs: 6_000 };

/** `fates` in place of those by the seed, and `freezes` to wait for, where only some give the bug its chance. */
export type PlantedBug = Plant & { rule: string; fates?: Fate[]; freezes?: number; neverQuiet?: boolean };

export const PLANTS: Record<string, PlantedBug> = {
  'a settle that does not look at the fence': {
    rule: 'settled-without-claim',
    fates: [frozenAt('finish', 'before'), LONG_LIFE],
    freezes: 2,
    // Not while it is ready: that a settled job keeps its rank is refused by the table.
    worker: rewriting(
      /id = :jobId AND fence = :fence AND state = 'running'(?= RETURNING)/,
      'id = :jobId AND rank IS NULL',
    ),
  },
  'a claim that does not wait for the lease': {
    rule: 'lease-ignored',
    fates: [LONG_LIFE],
    neverQuiet: true,
    worker: takingLeasesAfter(20),
  },
  'an enqueue that answers before it is stored': {
    rule: 'change-told-too-early',
    producer: answeringFirst,
  },
  'an event trigger that is missing': {
    rule: 'event-missing',
    statements: ['DROP TRIGGER runs_finished'],
  },
  'a settle that drops a newer change': {
    rule: 'change-lost',
    worker: both(
      rewriting('SET done_gen = claimed_gen,', 'SET done_gen = want_gen, claimed_gen = want_gen,'),
      rewriting(/want_gen > claimed_gen(?= OR :againMs|, dirty_since|, ask_remote)/g, '0'),
      rewriting('WHEN want_gen = claimed_gen THEN (SELECT now FROM t) + :againMs', 'WHEN 1 THEN NULL'),
    ),
  },
  'a run that is recorded twice': {
    rule: 'run-unaccounted',
    statements: [
      `CREATE TRIGGER planted AFTER INSERT ON runs WHEN NEW.fence < 1000000 BEGIN
         INSERT INTO runs(project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, started_at)
         VALUES (NEW.project_id, NEW.job_id, NEW.fence + 1000000, NEW.worker_id, NEW.kind, NEW.trigger_kind,
           NEW.attempt, NEW.gen, NEW.started_at);
       END`,
    ],
  },
  'an event that comes behind those that were read': {
    rule: 'event-unheard',
    statements: [
      // A copy keeps the number taken: the next event would get it once more and go the same way.
      `CREATE TRIGGER planted AFTER INSERT ON events WHEN NEW.id % 9 = 0 BEGIN
         UPDATE events SET id = id - 10000 WHERE id = NEW.id;
         INSERT INTO events(id, at, type, project_id, job_id, data)
         VALUES (NEW.id, NEW.at, NEW.type, NEW.project_id, NEW.job_id, NEW.data);
       END`,
    ],
  },
  // Beside a lease that holds no better and a heartbeat that never says so: one alone is made up for by the others.
  'a lock file that does not hold': {
    rule: 'worked-at-once',
    fates: [LONG_LIFE],
    neverQuiet: true,
    worker: both(takingLeasesAfter(150), claimsSeen, sayingHeld),
    sync: withoutLock,
  },
};
