// Makes due jobs ready: the only place that does, so pausing and disabling a project are obeyed here and nowhere else.

import type { SqlStatement } from '../store/database.ts';
import { type AtTime, NOW, nowArgs } from './statement.ts';

/**
 * What one step of priority is worth. Ready jobs are ordered by due time plus this for every step below 10, so a
 * job of priority 0 goes before a newer one of priority 10 after ten minutes: nothing starves, and nothing has to
 * be recomputed while it waits.
 */
export const PRIORITY_STEP_MS = 60_000;
/** A forced job goes before everything that became due within the last day, whatever its priority. */
const FORCED_AHEAD_MS = 86_400_000;
/** Bounds one transaction; the rest follows at the next tick. */
const MOST_PROMOTED = 500;

// A person who wants a sync now gets it in quiet hours too.
const IN_QUIET_HOURS = `NOT j.forced AND p.quiet_from <= ${NOW} AND p.quiet_until > ${NOW}`;

// A disabled project's job ends its wait (a scan finds the changes again); that of a paused one, or of one in its
// quiet hours, moves to their end.
// No table of the time is joined: with one before `jobs` all that is due would be sorted for every 500 of it.
const PROMOTE = (which: string) => `WITH due(id, fate, until) AS (
    SELECT j.id, CASE WHEN p.enabled = 0 THEN 'idle' WHEN p.paused_until > ${NOW} OR (${IN_QUIET_HOURS}) THEN 'scheduled'
      ELSE 'ready' END, max(iif(p.paused_until > ${NOW}, p.paused_until, 0), iif(${IN_QUIET_HOURS}, p.quiet_until, 0))
    FROM jobs j CROSS JOIN projects p ON p.id = j.project_id
    WHERE j.state = 'scheduled' AND j.run_at <= ${NOW} ${which}
    ORDER BY j.run_at LIMIT ${MOST_PROMOTED})
  UPDATE jobs SET state = due.fate,
    rank = CASE due.fate WHEN 'ready'
      THEN run_at + (10 - priority) * ${PRIORITY_STEP_MS} - forced * ${FORCED_AHEAD_MS} END,
    run_at = CASE due.fate WHEN 'ready' THEN run_at WHEN 'scheduled' THEN due.until END,
    dirty_since = iif(due.fate = 'idle', NULL, dirty_since),
    claimed_gen = iif(due.fate = 'idle', want_gen, claimed_gen), done_gen = iif(due.fate = 'idle', want_gen, done_gen),
    attempt = iif(due.fate = 'idle', 0, attempt), forced = iif(due.fate = 'idle', 0, forced),
    ask_remote = iif(due.fate = 'idle', 0, ask_remote), updated_at = ${NOW}
  FROM due WHERE jobs.id = due.id`;

const PROMOTE_DUE = PROMOTE('');
const PROMOTE_JOB = PROMOTE('AND j.id = :jobId');
const PROMOTE_PROJECTS = PROMOTE(
  'AND j.project_id IN (SELECT id FROM projects WHERE project_id IN (SELECT value FROM json_each(:projects)))',
);

/** All that is due; or only one job's or some projects' (a JSON list of public ids). */
export function promoteStatement(options: AtTime & { jobId?: number; projects?: string } = {}): SqlStatement {
  const { jobId, projects } = options;
  if (jobId !== undefined) return { sql: PROMOTE_JOB, args: { ...nowArgs(options), jobId } };
  if (projects !== undefined) return { sql: PROMOTE_PROJECTS, args: { ...nowArgs(options), projects } };
  return { sql: PROMOTE_DUE, args: nowArgs(options) };
}
