// The history of a period in equal parts, counted by the database: what a plot needs of a million runs is some lines.
// Each part is a statement of its own over the index by time, so that other work goes on in between.

import type { ProjectId } from '../model/ids.ts';
import type { Database, SqlArgs } from './database.ts';

/** Durations are those of what pushed, milliseconds; null when nothing did. */
export type RunFigures = {
  syncs: number;
  good: number;
  bad: number;
  bytes: number;
  p50Ms: number | null;
  p95Ms: number | null;
};
export type RunBucket = RunFigures & { from: number };

export type MetricsPeriod = {
  /** Epoch milliseconds; `until` is after `from`. */
  from: number;
  until: number;
  /** Into so many parts. */
  count: number;
  projectId?: ProjectId;
};

/** Percentiles of a whole period are taken of its newest pushes, so many at most. */
const MOST_RANKED = 10_000;

const figuresOf = (rows: string) => `WITH part AS MATERIALIZED (${rows}),
  good AS MATERIALIZED (SELECT duration FROM part WHERE status = 'success' ORDER BY finished_at DESC LIMIT ${MOST_RANKED}),
  ranked AS MATERIALIZED (SELECT duration FROM good ORDER BY duration)
  SELECT (SELECT count(*) FROM part) AS syncs,
    (SELECT count(*) FROM part WHERE status = 'success') AS good,
    (SELECT count(*) FROM part WHERE status IN ('failed', 'crashed')) AS bad,
    (SELECT coalesce(sum(bytes), 0) FROM part) AS bytes,
    (SELECT duration FROM ranked LIMIT 1 OFFSET (SELECT max((count(*) * 50 + 99) / 100 - 1, 0) FROM ranked)) AS p50,
    (SELECT duration FROM ranked LIMIT 1 OFFSET (SELECT max((count(*) * 95 + 99) / 100 - 1, 0) FROM ranked)) AS p95`;

const rowsOf = (projectId: ProjectId | undefined, limit = '') => {
  const ofProject =
    projectId === undefined ? '' : 'project_id = (SELECT id FROM projects WHERE project_id = :project) AND ';
  return `SELECT status, bytes_pushed AS bytes, finished_at, max(finished_at - started_at, 0) AS duration FROM runs
    WHERE ${ofProject}finished_at >= :from AND finished_at < :until ${limit}`;
};

/** Runs by the instant they finished. The totals' percentiles are those of the newest 10,000 pushes. */
export async function runMetrics(
  db: Database,
  { from, until, count, projectId }: MetricsPeriod,
): Promise<{ totals: RunFigures; buckets: RunBucket[] }> {
  const widthMs = (until - from) / count;
  const project: SqlArgs = projectId === undefined ? {} : { project: projectId };
  const buckets: RunBucket[] = [];
  for (let index = 0; index < count; index += 1) {
    const begin = Math.round(from + index * widthMs);
    const end = Math.round(from + (index + 1) * widthMs);
    const [row] = await db.run(figuresOf(rowsOf(projectId)), { from: begin, until: end, ...project });
    buckets.push({ from: begin, ...read(row) });
  }
  const pushes = rowsOf(projectId, `AND status = 'success' ORDER BY finished_at DESC LIMIT ${MOST_RANKED}`);
  const [newest] = await db.run(figuresOf(pushes), { from, until, ...project });
  const { p50Ms, p95Ms } = read(newest);
  const sum = (name: 'syncs' | 'good' | 'bad' | 'bytes') =>
    buckets.reduce((total, bucket) => total + bucket[name], 0);
  const totals = {
    syncs: sum('syncs'),
    good: sum('good'),
    bad: sum('bad'),
    bytes: sum('bytes'),
    p50Ms,
    p95Ms,
  };
  return { totals, buckets };
}

function read(row: Record<string, unknown> | undefined): RunFigures {
  const figure = (name: string) => Number(row?.[name] ?? 0);
  const orNull = (name: string) => (row?.[name] == null ? null : Number(row[name]));
  return {
    ...{ syncs: figure('syncs'), good: figure('good'), bad: figure('bad'), bytes: figure('bytes') },
    ...{ p50Ms: orNull('p50'), p95Ms: orNull('p95') },
  };
}
