// Takes back jobs whose worker is gone: its lease ran out, or its process is known to be dead.

import { reasonOf } from '../model/failure.ts';
import type { SqlStatement } from '../store/database.ts';
import { type AtTime, nowArgs, storedReason, WITH_NOW } from './statement.ts';

export type ReclaimOptions = AtTime & {
  /** A job that takes its process down so often in a row is parked. */
  maxCrashes: number;
  /** Wait after the second crash in a row, doubling from there, milliseconds; the first is tried again at once. */
  crashDelayMs: number;
};

const LONGEST_DELAY_MS = 3_600_000;

// A forced request that came during the run is a person's wish for another try; the one that the run was begun for lasts
// until it is parked: a service that was killed is no fault of the sync.
const RECLAIM = (which: string) => `${WITH_NOW}
  UPDATE jobs SET
    state = iif(crashes + 1 >= :maxCrashes AND NOT forced, 'parked', 'scheduled'),
    run_at = iif(crashes + 1 >= :maxCrashes AND NOT forced, NULL, (SELECT now FROM t)
      + iif(forced, 0, min(${LONGEST_DELAY_MS}, :crashDelayMs * ((1 << min(crashes, 12)) - 1)))),
    forced = iif(crashes + 1 >= :maxCrashes, forced, max(forced, claimed_forced)),
    crashes = crashes + 1, dirty_since = coalesce(dirty_since, started_at), worker_id = NULL, lease_until = NULL,
    last_status = 'crashed', last_error = :error, last_stats = NULL, updated_at = (SELECT now FROM t)
  WHERE state = 'running' AND ${which}`;

const RECLAIM_EXPIRED = RECLAIM('lease_until <= (SELECT now FROM t)');
const RECLAIM_OF_WORKERS = RECLAIM('worker_id IN (SELECT value FROM json_each(:workers))');

const reclaimArgs = (options: ReclaimOptions, detail: string) => ({
  ...nowArgs(options),
  maxCrashes: options.maxCrashes,
  crashDelayMs: options.crashDelayMs,
  error: storedReason(reasonOf('crashed', detail)),
});

export function reclaimExpiredStatement(options: ReclaimOptions): SqlStatement {
  const detail = 'The sync did not end: its worker stopped answering.';
  return { sql: RECLAIM_EXPIRED, args: reclaimArgs(options, detail) };
}

/** `workerIds` must be known to be dead: their leases are not waited for. */
export function reclaimOfWorkersStatement(
  options: ReclaimOptions & { workerIds: readonly string[] },
): SqlStatement {
  const args = reclaimArgs(options, 'The sync did not end: its process was killed.');
  return { sql: RECLAIM_OF_WORKERS, args: { ...args, workers: JSON.stringify(options.workerIds) } };
}
