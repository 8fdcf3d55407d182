// Where a process of a soak can be ended or frozen: around and inside every database statement, by wrapping the
// database port, and at the named steps of a sync. Knows the statements by what is special in their text.

import { writeSync } from 'node:fs';
import type { Database, SqlStatement } from '../../src/store/database.ts';
import type { Journal } from './journal.ts';

/**
 * - `before`: nothing was sent; - `within`: the transaction has begun, and what stands before is done;
 * - `uncommitted`: all is done but not committed; - `after`: committed, and the caller does not know yet.
 */
export const MOMENTS = ['before', 'within', 'uncommitted', 'after'] as const;
export type Moment = (typeof MOMENTS)[number];

/** When a process ends or freezes: `nth` counts how often the point was met. */
export type Sentence = {
  act: 'kill' | 'freeze';
  /** A name of `POINTS`, or `any`: every statement counts. */
  point: string;
  moment: Moment | 'at';
  nth: number;
};

const STATEMENTS: [name: string, mark: RegExp][] = [
  ['heartbeat', /json_each\(:held\)/],
  ['claim', /fence = fence \+ 1/],
  ['reclaim-expired', /'crashed'[\s\S]*lease_until <=/],
  ['reclaim-dead', /'crashed'[\s\S]*worker_id IN/],
  ['promote', /due\(id, fate, until\)/],
  ['next-wake', /AS event_seq/],
  ['finish', /:againMs/],
  ['try-again', /iif\(:park AND NOT forced/],
  ['release', /run_at = started_at, dirty_since/],
  ['run-status', /r\.id IS NULL AS forgotten/],
  ['save-facts', /UPDATE projects SET branch = :branch/],
  ['enqueue', /INSERT INTO jobs/],
  ['append-events', /INSERT INTO events/],
  ['register-worker', /INSERT INTO workers/],
  ['reopen-gates', /UPDATE gates SET paused_until = 0/],
  ['seen', /UPDATE workers SET seen_at/],
];

const SYNC_STEPS = [
  'blobs-written',
  'index-locked',
  'index-written',
  'ref-locked',
  'ref-moved',
  'index-moved',
  'push-ready',
  'push-answered',
  'tracking-noted',
];

/** What a worker can be struck at, beside `any`. */
export const WORKER_POINTS: readonly string[] = STATEMENTS.map(([name]) => name).filter(
  (name) => name !== 'enqueue',
);
export const STEP_POINTS: readonly string[] = SYNC_STEPS.map((name) => `sync:${name}`);

/** The statement's name; for one that has none, its first words. */
export function pointOf(sql: string): string {
  const known = STATEMENTS.find(([, mark]) => mark.test(sql));
  return known?.[0] ?? sql.trim().split(/\s+/).slice(0, 3).join(' ').toLowerCase();
}

export type Strike = (point: string, moment: Sentence['moment']) => void;

/** Ends or freezes this process when the sentence is met. Without one it lives on. */
export function createStrike(who: string, sentence: Sentence | null, journal: Journal): Strike {
  let met = 0;
  let over = sentence === null;
  return (point, moment) => {
    if (over || !sentence || moment !== sentence.moment) return;
    if (sentence.point !== 'any' && sentence.point !== point) return;
    met += 1;
    if (met < sentence.nth) return;
    over = true;
    const { act } = sentence;
    journal.note({ kind: 'struck', who, at: Date.now(), act, point, moment });
    if (act === 'freeze') writeSync(1, 'frozen\n');
    process.kill(process.pid, act === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  };
}

const LAST = { sql: 'SELECT 1 AS last' };

/** The same database with a fault point before, inside and after all that is sent. */
export function withFaultPoints(db: Database, strike: Strike): Database {
  return {
    kind: db.kind,
    async run(sql, args) {
      const point = pointOf(sql);
      strike(point, 'before');
      const rows = await db.run(sql, args);
      strike(point, 'after');
      return rows;
    },
    async batch(statements) {
      const points = statements.map(({ sql }) => pointOf(sql));
      for (const point of points) strike(point, 'before');
      const armed = statements.map((statement, at) =>
        arm(statement, () => strike(points[at] ?? '', 'within')),
      );
      const end = arm(LAST, () => {
        for (const point of points) strike(point, 'uncommitted');
      });
      const results = await db.batch([...armed, end]);
      for (const point of points) strike(point, 'after');
      return results.slice(0, -1);
    },
    close: () => db.close(),
  };
}

/** A local database reads the text of a statement when its turn has come, inside the transaction. */
function arm(statement: SqlStatement, reached: () => void): SqlStatement {
  return {
    ...(statement.args && { args: statement.args }),
    get sql() {
      reached();
      return statement.sql;
    },
  };
}
