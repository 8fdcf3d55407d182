// Ends a claimed job: saves what the sync found, closes its run and decides what comes next, in one transaction and
// only while the claim's fence holds. Knows outcomes, not what a sync does.

import type { Reason } from '../model/failure.ts';
import type { JobId } from '../model/ids.ts';
import type { ProjectFacts } from '../model/project.ts';
import type { RunStats, RunStatus } from '../model/run.ts';
import type { Database, SqlArgs } from '../store/database.ts';
import { type AtTime, NOW, nowArgs, storedReason } from './statement.ts';

export type JobOutcome =
  | { kind: 'done'; status: 'success' | 'no-change' }
  /** All is done but for a remote that has its own next try (`againMs`) or waits for a person. Costs no attempt. */
  | { kind: 'partial'; status: 'retrying' | 'blocked'; reason: Reason }
  /** Trying again would change nothing: goes idle; the next change or request tries again. */
  | { kind: 'blocked' | 'conflict'; reason: Reason }
  /** Counts as an attempt. */
  | { kind: 'retry'; delayMs: number; reason: Reason }
  /** Somebody was at work there: the same again a moment later. Costs no attempt. */
  | { kind: 'later'; delayMs: number; reason: Reason }
  /** Waits for a person: stays until forced or unparked. */
  | { kind: 'park'; reason: Reason }
  /** Uses no attempt and keeps its place: the service stops, or a gate was paused (pause it first). */
  | { kind: 'release'; reason: Reason | null };

export type SettleOptions = AtTime & {
  jobId: JobId;
  fence: number;
  outcome: JobOutcome;
  /** Null: the sync did not get far enough to know. */
  facts: ProjectFacts | null;
  stats: RunStats;
  /** Run again after so many milliseconds although all is done here, for a remote; costs no attempt. */
  againMs?: number | null;
};

const OWNED = "id = :jobId AND fence = :fence AND state = 'running'";
const CLOSED = `crashes = 0, worker_id = NULL, lease_until = NULL, last_status = :status, last_error = :error,
    last_stats = :stats, updated_at = ${NOW}`;

// Changed during the run: again after the quiet period, as if the change had come now, within the longest wait.
// Not changed, but asked to run again: scheduled although done_gen has reached want_gen.
const FINISH = `
  UPDATE jobs SET done_gen = claimed_gen,
    state = iif(want_gen > claimed_gen OR :againMs IS NOT NULL, 'scheduled', 'idle'),
    trigger_kind = iif(want_gen > claimed_gen OR :againMs IS NULL, trigger_kind, 'retry'),
    dirty_since = iif(want_gen > claimed_gen, dirty_since, ${NOW} + :againMs),
    run_at = CASE WHEN want_gen = claimed_gen THEN ${NOW} + :againMs WHEN forced THEN ${NOW} ELSE (
      SELECT max(min(${NOW} + p.quiet_ms, jobs.dirty_since + p.max_wait_ms),
        jobs.started_at + p.min_interval_ms, coalesce(p.paused_until, 0))
      FROM projects p WHERE p.id = jobs.project_id) END,
    attempt = 0, ask_remote = iif(want_gen > claimed_gen, ask_remote, 0), ${CLOSED}
  WHERE ${OWNED} RETURNING id`;

// A forced request that came during the run is a person's wish for another try at once. One that the run itself was begun
// for lasts where the run gave way (it costs no attempt) or was released; after a fault the next try is a retry like others.
const TRY_AGAIN = `
  UPDATE jobs SET state = iif(:park AND NOT forced, 'parked', 'scheduled'),
    run_at = CASE WHEN forced THEN ${NOW} WHEN NOT :park THEN ${NOW} + :delayMs END,
    dirty_since = coalesce(dirty_since, started_at), attempt = iif(forced, 0, max(attempt - :spared, 0)),
    forced = max(forced, :spared AND claimed_forced), ${CLOSED}
  WHERE ${OWNED} RETURNING id`;

const RELEASE = `
  UPDATE jobs SET state = 'scheduled', run_at = started_at, dirty_since = coalesce(dirty_since, started_at),
    attempt = max(attempt - 1, 0), forced = max(forced, claimed_forced), ${CLOSED}
  WHERE ${OWNED} RETURNING id`;

const SAVE_FACTS = `
  UPDATE projects SET branch = :branch, pending_files = :pendingFiles, unpushed_commits = :unpushedCommits,
    behind_commits = :behindCommits, held_files = :heldFiles, remote_tips = :remoteTips, blocked = :blocked,
    last_safe_at = :lastSafeAt, engine = :engine, remote_states = :remotes, refused_deletions = :refusedDeletions,
    conflict_choice = iif(conflict_files = :conflictFiles, conflict_choice, NULL), conflict_files = :conflictFiles
  WHERE id = (SELECT project_id FROM jobs WHERE ${OWNED})`;

// A project's runs are found by their end: the ones of a claim long past are looked for only when an answer was lost.
const RUN_STATUS = `SELECT r.status, r.id IS NULL AS forgotten
  FROM jobs j LEFT JOIN runs r ON r.project_id = j.project_id AND r.job_id = j.id AND r.fence = :fence
  WHERE j.id = :jobId`;

// Whoever steps back again and again tells it once, and so does what scan after scan finds blocked by the same: the newest
// such run stands for the one right before it. Figures and events of the others stay.
const NEWEST_RUN = (place: number) => `(SELECT x.id FROM runs x
      WHERE x.project_id = (SELECT project_id FROM jobs WHERE id = :jobId) AND x.finished_at IS NOT NULL
      ORDER BY x.finished_at DESC, x.id DESC LIMIT 1 OFFSET ${place})`;
const FORGET_SAME = `
  DELETE FROM runs WHERE id = (
    SELECT before.id FROM runs r JOIN runs before ON before.id = ${NEWEST_RUN(1)}
    WHERE r.id = ${NEWEST_RUN(0)} AND r.job_id = :jobId AND r.fence = :fence
      AND before.job_id = r.job_id AND before.status = r.status
      AND (r.status = 'retrying' OR (r.trigger_kind = 'scan' AND before.trigger_kind = 'scan'
        AND r.error ->> '$.detail' = before.error ->> '$.detail' AND ${isIdle('r')}))
      AND r.error ->> '$.code' = :code AND before.error ->> '$.code' = :code AND ${isIdle('before')})`;

function isIdle(run: string): string {
  return `${run}.commit_id IS NULL AND ${run}.files_changed = 0 AND ${run}.bytes_pushed = 0 AND ${run}.remotes = '[]'`;
}

type Plan = { sql: string; args: SqlArgs; status: RunStatus; reason: Reason | null };

function planOf(outcome: JobOutcome, againMs: number | null): Plan {
  switch (outcome.kind) {
    case 'done':
      return { sql: FINISH, args: { againMs }, status: outcome.status, reason: null };
    case 'partial':
      return { sql: FINISH, args: { againMs }, status: outcome.status, reason: outcome.reason };
    case 'blocked':
    case 'conflict':
      return { sql: FINISH, args: { againMs }, status: outcome.kind, reason: outcome.reason };
    case 'retry':
    case 'later': {
      const spared = outcome.kind === 'later' ? 1 : 0;
      const args = { park: false, spared, delayMs: Math.ceil(outcome.delayMs) };
      return { sql: TRY_AGAIN, args, status: 'retrying', reason: outcome.reason };
    }
    case 'park':
      return {
        sql: TRY_AGAIN,
        args: { park: true, spared: 0, delayMs: 0 },
        status: 'failed',
        reason: outcome.reason,
      };
    case 'release':
      return { sql: RELEASE, args: {}, status: 'retrying', reason: outcome.reason };
    default:
      throw new Error(`unknown outcome ${JSON.stringify(outcome satisfies never)}`);
  }
}

function factsStatement(facts: ProjectFacts, owner: SqlArgs) {
  const { branch, pendingFiles, unpushedCommits, behindCommits, lastSafeAt } = facts;
  const documents = {
    heldFiles: JSON.stringify(facts.heldFiles),
    remoteTips: JSON.stringify(facts.remoteTips),
    blocked: facts.blocked && JSON.stringify(facts.blocked),
    engine: facts.engine && JSON.stringify(facts.engine),
    remotes: JSON.stringify(facts.remotes),
    conflictFiles: JSON.stringify(facts.conflictFiles),
    refusedDeletions: facts.refusedDeletions && JSON.stringify(facts.refusedDeletions),
  };
  const figures = { branch, pendingFiles, unpushedCommits, behindCommits, lastSafeAt };
  return { sql: SAVE_FACTS, args: { ...owner, ...figures, ...documents } };
}

/** Null where there is nothing to tell, which costs less than saying it. */
function storedStats(stats: RunStats): string | null {
  const { commit, branch, filesChanged, bytesPushed, remotes } = stats;
  const isNothing = commit === null && branch === null && filesChanged === 0 && bytesPushed === 0;
  return isNothing && remotes.length === 0 ? null : JSON.stringify(stats);
}

/** What one run may have in common with the one before it, so that one of them is told. */
function repeatable(outcome: JobOutcome): Reason | null {
  switch (outcome.kind) {
    case 'later':
    case 'blocked':
    case 'conflict':
      return outcome.reason;
    default:
      return null;
  }
}

/**
 * Settles `(jobId, fence)`. `lost`: the lease was taken away or the project removed; nothing was written, and the
 * sync's result must not be used. Safe to repeat when the answer was lost.
 */
export async function settleJob(db: Database, options: SettleOptions): Promise<'settled' | 'lost'> {
  const { jobId, fence, outcome, facts, stats } = options;
  const owner = { jobId, fence };
  const plan = planOf(outcome, options.againMs == null ? null : Math.ceil(Math.max(options.againMs, 0)));
  const closing = { status: plan.status, error: storedReason(plan.reason), stats: storedStats(stats) };
  const saving = facts ? [factsStatement(facts, owner)] : [];
  const repeats = repeatable(outcome);
  const results = await db.batch([
    ...saving,
    { sql: plan.sql, args: { ...nowArgs(options), ...owner, ...closing, ...plan.args } },
    ...(repeats ? [{ sql: FORGET_SAME, args: { ...owner, code: repeats.code } }] : []),
  ]);
  if (results[saving.length]?.length === 1) return 'settled';
  // No row: an earlier send may have settled it and only its answer been lost; then its run says so, or was forgotten
  // for the next one like it.
  const [run] = await db.run(RUN_STATUS, owner);
  if (run === undefined) return 'lost';
  if (repeats && run.forgotten === 1) return 'settled';
  return run.status === plan.status ? 'settled' : 'lost';
}
