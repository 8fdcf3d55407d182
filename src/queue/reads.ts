// What waits and runs, for people. Reads only; the order is the one in which jobs will run, as far as it is known.

import { z } from 'zod';
import type { ProjectId } from '../model/ids.ts';
import type { JobState, JobView } from '../model/job.ts';
import type { Database, Row } from '../store/database.ts';
import { GATE_JOINS, JOB_COLUMNS, jobOf } from '../store/job-rows.ts';
import { readCursor, writeCursor } from '../store/page-cursor.ts';

// The clock is not joined: what is ordered by an index would have to be sorted.
const JOBS = (
  sortKey: string,
) => `SELECT ${JOB_COLUMNS}, ${sortKey} AS sort_key, (SELECT now FROM clock) AS now
  FROM jobs j CROSS JOIN projects p ON p.id = j.project_id ${GATE_JOINS}`;

/** First what is ready, by rank; then what has a time, by it; then what waits for a person. */
const WAITING = [
  { state: 'ready', sortKey: 'j.rank' },
  { state: 'scheduled', sortKey: 'j.run_at' },
  { state: 'parked', sortKey: 'j.id' },
] as const;

const RUNNING = `${JOBS('j.id')} WHERE j.state = 'running' ORDER BY j.started_at, j.id`;

/** The list it stands in (an index of WAITING), the sort key there, the job. */
const QueueCursorSchema = z.tuple([z.int().min(0).max(2), z.int(), z.int()]);
type QueueCursor = z.infer<typeof QueueCursorSchema>;

/**
 * `queue`: a page of what waits, in the order in which it will run; `active`: all that runs now, on every machine,
 * longest first. With `state`, only jobs in that state. `cursor` is null for the first page.
 * @throws Failure `invalid-request` for a foreign cursor
 */
export async function listQueue(
  db: Database,
  options: { limit: number; cursor: string | null; state?: JobState },
): Promise<{ queue: JobView[]; active: JobView[]; nextCursor: string | null }> {
  const { limit, state } = options;
  const start = readCursor(options.cursor, QueueCursorSchema);
  const found: { view: JobView; at: QueueCursor }[] = [];
  for (const [index, list] of WAITING.entries()) {
    // One more than asked for tells whether another page follows.
    const room = limit + 1 - found.length;
    if (room === 0 || index < (start?.[0] ?? 0) || (state !== undefined && state !== list.state)) continue;
    const after = start?.[0] === index ? start : null;
    for (const row of await readWaiting(db, list, after, room)) {
      const view = viewOf(row);
      found.push({ view, at: [index, Number(row.sort_key), view.jobId] });
    }
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const active = state === undefined || state === 'running' ? (await db.run(RUNNING)).map(viewOf) : [];
  const nextCursor = found.length > limit && last ? writeCursor(last.at) : null;
  return { queue: page.map(({ view }) => view), active, nextCursor };
}

function readWaiting(
  db: Database,
  { state, sortKey }: (typeof WAITING)[number],
  after: QueueCursor | null,
  limit: number,
): Promise<Row[]> {
  const beyond = after === null ? '' : `AND (${sortKey}, j.id) > (:key, :id)`;
  return db.run(
    `${JOBS(sortKey)} WHERE j.state = '${state}' ${beyond} ORDER BY ${sortKey}, j.id LIMIT :limit`,
    { limit, ...(after && { key: after[1], id: after[2] }) },
  );
}

function viewOf(row: Row): JobView {
  const view = jobOf(row, Number(row.now));
  if (view === null) throw new Error('A row of the queue has no job.');
  return view;
}

export type QueueStats = {
  /** Jobs that will run by themselves: scheduled and ready. */
  queueSize: number;
  activeSyncs: number;
  scheduled: number;
  ready: number;
  /** Jobs that wait for a person. */
  parked: number;
  /** Since the oldest change that waits in `queueSize`, milliseconds; 0 when none waits. */
  oldestWaitMs: number;
};

const STATS = `SELECT
    (SELECT count(*) FROM jobs WHERE state = 'scheduled') AS scheduled,
    (SELECT count(*) FROM jobs WHERE state = 'ready') AS ready,
    (SELECT count(*) FROM jobs WHERE state = 'running') AS running,
    (SELECT count(*) FROM jobs WHERE state = 'parked') AS parked,
    max(0, clock.now - coalesce((SELECT min(dirty_since) FROM jobs WHERE state IN ('scheduled', 'ready')), clock.now))
      AS oldest_wait
  FROM clock`;

/** Of all machines that share the database. */
export async function queueStats(db: Database): Promise<QueueStats> {
  const [row] = await db.run(STATS);
  const figure = (name: string) => Number(row?.[name] ?? 0);
  return {
    queueSize: figure('scheduled') + figure('ready'),
    activeSyncs: figure('running'),
    scheduled: figure('scheduled'),
    ready: figure('ready'),
    parked: figure('parked'),
    oldestWaitMs: figure('oldest_wait'),
  };
}

const ONE = `${JOBS('j.id')}
  WHERE j.project_id = (SELECT id FROM projects WHERE project_id = :projectId) AND j.kind = 'sync'`;

/** The project's job in whatever state; null when it never had one. */
export async function findJob(db: Database, projectId: ProjectId): Promise<JobView | null> {
  const [row] = await db.run(ONE, { projectId });
  return row ? viewOf(row) : null;
}
