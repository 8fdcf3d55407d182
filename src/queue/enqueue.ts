// Says that projects have work. Knows what waits, never why: the caller brings the trigger and the priority.

import type { JobId, ProjectId } from '../model/ids.ts';
import type { JobState, Trigger } from '../model/job.ts';
import type { Database } from '../store/database.ts';
import { HELD_BACK_COLUMN, type HeldBack, heldBackOf } from './held-back.ts';
import { PRIORITY_STEP_MS, promoteStatement } from './promote.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

export type EnqueueOptions = AtTime & {
  projectIds: readonly ProjectId[];
  trigger: Trigger;
  /** Wait before it runs, milliseconds; null: each project's quiet period. */
  delayMs: number | null;
  /** A person asked for it now: skips the wait, the least interval, a backoff and a parking, and goes first. */
  force: boolean;
  /** 0..10, 10 first; the highest of what waits counts. */
  priority: number;
  /** Ask the remote even when nothing changed here. */
  askRemote: boolean;
};

export type EnqueuedJob = {
  projectId: ProjectId;
  jobId: JobId;
  state: JobState;
  runAt: number | null;
  /** Whether it waits for something else than quiet. */
  heldBack: HeldBack;
};

// Nothing waits when `dirty_since IS NULL` (idle, or running without a newer change) or `want_gen = done_gen` (only a
// mirror's next try): only then do this request's priority and trigger replace the old ones. While a job runs only
// its wishes grow; settling reads them.
// A waiting backoff (attempt > 0) or parking keeps its time unless forced.
const NOTHING_WAITS = '(dirty_since IS NULL OR want_gen = done_gen)';
const ENQUEUE = `${WITH_NOW}
  INSERT INTO jobs(project_id, lane_id, lock_key, state, priority, forced, trigger_kind, ask_remote, want_gen,
    dirty_since, run_at, updated_at)
  SELECT p.id, p.lane_id, p.lock_key, 'scheduled', :priority, :force, :trigger, :askRemote, 1, t.now,
    max(t.now + iif(:force, 0, coalesce(:delayMs, p.quiet_ms)), coalesce(p.paused_until, 0)), t.now
  FROM json_each(:projects) e CROSS JOIN projects p ON p.project_id = e.value CROSS JOIN t WHERE p.enabled = 1
  ON CONFLICT(project_id, kind) DO UPDATE SET
    want_gen = want_gen + 1,
    dirty_since = iif(want_gen = done_gen, excluded.dirty_since, coalesce(dirty_since, excluded.dirty_since)),
    priority = iif(${NOTHING_WAITS}, excluded.priority, max(priority, excluded.priority)),
    forced = max(forced, excluded.forced),
    ask_remote = max(ask_remote, excluded.ask_remote),
    trigger_kind = iif(${NOTHING_WAITS} OR excluded.trigger_kind = 'api', excluded.trigger_kind, trigger_kind),
    attempt = iif(excluded.forced AND state <> 'running', 0, attempt),
    run_at = CASE
      WHEN state = 'running' THEN NULL
      WHEN excluded.forced THEN excluded.run_at
      WHEN state = 'idle' OR (state = 'scheduled' AND attempt = 0 AND NOT forced) THEN (
        SELECT max(min(excluded.run_at, coalesce(jobs.dirty_since, excluded.dirty_since) + p.max_wait_ms),
          coalesce(jobs.started_at + p.min_interval_ms, 0), coalesce(p.paused_until, 0))
        FROM projects p WHERE p.id = jobs.project_id)
      ELSE run_at END,
    rank = CASE WHEN state = 'ready' AND NOT excluded.forced
      THEN rank - max(0, excluded.priority - priority) * ${PRIORITY_STEP_MS} END,
    state = CASE WHEN state = 'running' THEN 'running' WHEN excluded.forced OR state = 'idle' THEN 'scheduled'
      ELSE state END,
    updated_at = excluded.updated_at`;

const READ = `${WITH_NOW}
  SELECT p.project_id, j.id, j.state, j.run_at, ${HELD_BACK_COLUMN}
  FROM t CROSS JOIN json_each(:projects) e CROSS JOIN projects p ON p.project_id = e.value
  JOIN jobs j ON j.project_id = p.id AND j.kind = 'sync' WHERE p.enabled = 1 ORDER BY e.key`;

/**
 * Adds a change to each project's job; changes coalesce. Unknown and disabled projects are left out of the answer.
 * A parked job stays parked unless forced; a paused project's waits for the end of the pause even then.
 * One transaction. Repeating it is harmless.
 */
export async function enqueue(db: Database, options: EnqueueOptions): Promise<EnqueuedJob[]> {
  const projects = JSON.stringify([...new Set(options.projectIds)]);
  if (projects === '[]') return [];
  const { trigger, force, priority, askRemote } = options;
  const delayMs = options.delayMs === null ? null : Math.ceil(options.delayMs);
  const results = await db.batch([
    { sql: ENQUEUE, args: { ...nowArgs(options), projects, trigger, delayMs, force, priority, askRemote } },
    ...(force ? [promoteStatement({ ...options, projects })] : []),
    { sql: READ, args: { ...nowArgs(options), projects } },
  ]);
  return (results.at(-1) ?? []).map((row) => ({
    projectId: row.project_id as ProjectId,
    jobId: row.id as JobId,
    state: row.state as JobState,
    runAt: row.run_at as number | null,
    heldBack: heldBackOf(row.held_back),
  }));
}
