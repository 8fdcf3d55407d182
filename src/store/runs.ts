// The history of syncs: lists, figures, forgetting. Runs are written by triggers when jobs change (schema);
// nothing here writes one.

import { z } from 'zod';
import type { ProjectId, RunId } from '../model/ids.ts';
import type { Trigger } from '../model/job.ts';
import type { Run, RunStatus } from '../model/run.ts';
import type { Database, Row, SqlArgs, SqlValue } from './database.ts';
import { readCursor, writeCursor } from './page-cursor.ts';

const DAY_MS = 86_400_000;
const DELETE_BATCH = 500;

/** The columns that `runOf` reads, from `runs r` and `projects p`; each comes with the prefix `run_`. */
export const RUN_COLUMNS = `r.id AS run_id, r.status AS run_status, r.trigger_kind AS run_trigger,
  r.started_at AS run_started_at, r.finished_at AS run_finished_at, r.attempt AS run_attempt,
  r.commit_id AS run_commit, r.branch AS run_branch, r.files_changed AS run_files_changed,
  r.bytes_pushed AS run_bytes_pushed, r.remotes AS run_remotes, r.error AS run_error,
  p.project_id AS project_id, p.project_name AS project_name`;

export function runOf(row: Row): Run {
  return {
    runId: Number(row.run_id) as RunId,
    projectId: String(row.project_id) as ProjectId,
    projectName: String(row.project_name),
    status: row.run_status as RunStatus | null,
    trigger: row.run_trigger as Trigger,
    startedAt: Number(row.run_started_at),
    finishedAt: row.run_finished_at as number | null,
    attempt: Number(row.run_attempt),
    commit: row.run_commit as string | null,
    branch: row.run_branch as string | null,
    filesChanged: Number(row.run_files_changed),
    bytesPushed: Number(row.run_bytes_pushed),
    remotes: JSON.parse(String(row.run_remotes)),
    error: row.run_error === null ? null : JSON.parse(String(row.run_error)),
  };
}

export type RunFilter = {
  projectId?: ProjectId;
  status?: RunStatus;
  /** Finished at or after this instant, epoch milliseconds. */
  since?: number;
  /** Finished before this instant, epoch milliseconds. */
  until?: number;
};

const RunCursorSchema = z.tuple([z.int(), z.int()]);

/**
 * Finished runs, the one that finished last first. `cursor` is null for the first page.
 * @throws Failure `invalid-request` for a foreign cursor
 */
export async function listRuns(
  db: Database,
  options: RunFilter & { limit: number; cursor: string | null },
): Promise<{ runs: Run[]; nextCursor: string | null }> {
  const { limit } = options;
  const after = readCursor(options.cursor, RunCursorSchema);
  const conditions = ['r.finished_at IS NOT NULL'];
  const args: Record<string, SqlValue> = { limit: limit + 1 };
  const require = (condition: string, values: SqlArgs) => {
    conditions.push(condition);
    Object.assign(args, values);
  };
  const { projectId, status, since, until } = options;
  if (projectId !== undefined) {
    require('r.project_id = (SELECT id FROM projects WHERE project_id = :project)', { project: projectId });
  }
  if (status !== undefined) require(ofStatus(status), { status });
  if (since !== undefined) require('r.finished_at >= :since', { since });
  if (until !== undefined) require('r.finished_at < :until', { until });
  if (after) {
    require('r.finished_at <= :at AND (r.finished_at < :at OR r.id < :id)', { at: after[0], id: after[1] });
  }
  // The cross join keeps the order of the index on runs; a project is then one look-up.
  const rows = await db.run(
    `SELECT ${RUN_COLUMNS} FROM runs r CROSS JOIN projects p ON p.id = r.project_id
     WHERE ${conditions.join(' AND ')} ORDER BY r.finished_at DESC, r.id DESC LIMIT :limit`,
    args,
  );
  const runs = rows.slice(0, limit).map(runOf);
  const last = runs.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { runs, nextCursor: more ? writeCursor([last.finishedAt ?? 0, last.runId]) : null };
}

/**
 * Forgets finished runs older than so many days (0: all finished ones), of one project or of all; answers how many.
 * Figures in total stay as they are. Other work goes on between the batches.
 */
export async function deleteRuns(
  db: Database,
  options: { olderThanDays: number; projectId?: ProjectId },
): Promise<number> {
  const [clock] = await db.run('SELECT now FROM clock');
  const { projectId, olderThanDays } = options;
  const before = Number(clock?.now) - olderThanDays * DAY_MS;
  return deleteFinished(db, { before, ...(projectId === undefined ? {} : { projectId }) });
}

/** Forgets what finished at or before an instant (epoch milliseconds), in batches; answers how many. */
export async function deleteFinished(
  db: Database,
  { before, projectId }: { before: number; projectId?: ProjectId },
): Promise<number> {
  const ofProject = 'project_id = (SELECT id FROM projects WHERE project_id = :project) AND ';
  const sql = `DELETE FROM runs WHERE id IN (
    SELECT id FROM runs WHERE ${projectId === undefined ? '' : ofProject}finished_at <= :before
    ORDER BY finished_at LIMIT :batch) RETURNING id`;
  const args = { before, batch: DELETE_BATCH, ...(projectId === undefined ? {} : { project: projectId }) };
  for (let deleted = 0; ; ) {
    const rows = await db.run(sql, args);
    deleted += rows.length;
    if (rows.length < DELETE_BATCH) return deleted;
  }
}

/** In words that lead to the index: that of the status has all but what succeeded, which the one by time has, too. */
function ofStatus(status: RunStatus): string {
  return status === 'success' ? 'r.status = :status' : "r.status = :status AND r.status <> 'success'";
}

/** Durations in milliseconds. */
export type RunTotals = {
  totalSyncs: number;
  successfulSyncs: number;
  failedSyncs: number;
  /** Of those that succeeded or failed, 0..1; 1 while there is none. */
  successRate: number;
  averageDurationMs: number;
  p95DurationMs: number;
  throughputPerMinute: number;
};

// NOT IN, so that no index on the status is chosen: its order would make a million rows be sorted.
const TOTALS = `WITH recent AS MATERIALIZED (
    SELECT finished_at, finished_at - started_at AS duration FROM runs
    WHERE finished_at IS NOT NULL AND status NOT IN ('retrying', 'crashed') ORDER BY finished_at DESC LIMIT 1000)
  SELECT clock.now AS now,
    (SELECT sum(runs) FROM run_totals WHERE status IN ('success', 'no-change')) AS successful,
    (SELECT sum(runs) FROM run_totals WHERE status = 'failed') AS failed,
    (SELECT sum(runs) FROM run_totals WHERE status IN ('blocked', 'conflict')) AS waiting,
    (SELECT min(finished_at) FROM recent) AS recent_since,
    (SELECT count(*) FROM recent WHERE finished_at > clock.now - 3600000) AS last_hour,
    (SELECT avg(duration) FROM recent) AS average,
    (SELECT duration FROM recent ORDER BY duration
     LIMIT 1 OFFSET (SELECT max((count(*) * 95 + 99) / 100 - 1, 0) FROM recent)) AS p95
  FROM clock`;
const MOST_RECENT = 1000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Figures for the status page; the cost does not grow with the history.
 * A sync is an attempt that came to an answer: `success` and `no-change` succeeded, `failed` did not; `blocked` and
 * `conflict` are syncs too, and say of a project that it waits for a person: they are in the total and in no rate.
 * `retrying` and `crashed` are not counted, their last attempt is. Totals count since the beginning, also what was
 * deleted from the history since. Durations are of the last 1,000 syncs in the history; throughput is of the
 * last hour, or of the last 1,000 syncs when the hour had more.
 */
export async function runTotals(db: Database): Promise<RunTotals> {
  const [row] = await db.run(TOTALS);
  const figure = (name: string) => Number(row?.[name] ?? 0);
  const tried = figure('successful') + figure('failed');
  const lastHour = figure('last_hour');
  const full = lastHour >= MOST_RECENT;
  const spanMs = full ? Math.max(MINUTE_MS, figure('now') - figure('recent_since')) : HOUR_MS;
  return {
    totalSyncs: tried + figure('waiting'),
    successfulSyncs: figure('successful'),
    failedSyncs: figure('failed'),
    successRate: tried === 0 ? 1 : figure('successful') / tried,
    averageDurationMs: Math.round(figure('average')),
    p95DurationMs: figure('p95'),
    throughputPerMinute: Math.round((lastHour / (spanMs / MINUTE_MS)) * 100) / 100,
  };
}
