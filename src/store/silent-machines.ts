// Whether somebody looks after a machine's projects: nothing that nobody looks at may be called safe.

import { type Reason, reasonOf } from '../model/failure.ts';
import type { Row } from './database.ts';

/**
 * Usually the other machines mark a silent one within a minute; where nobody is there to do so, it counts as silent
 * after this time.
 */
export const SILENT_FOR_SURE_MS = 90_000;

/** A list of `machine_id`, for the WITH of a query: machines whose processes have all ended or fallen silent. */
export const SILENT_MACHINES = `silent(machine_id) AS MATERIALIZED (
  SELECT machine_id FROM workers GROUP BY machine_id
  HAVING max(iif(state = 'up', seen_at, 0)) <= coalesce(:now, (SELECT now FROM clock)) - ${SILENT_FOR_SURE_MS})`;

/** Columns for `projects p`, which `silentReason` reads. */
export const SILENT_COLUMNS = `p.machine_id IN (SELECT machine_id FROM silent) AS machine_silent,
  (SELECT max(seen_at) FROM workers w WHERE w.machine_id = p.machine_id) AS machine_seen_at`;

/** Why a project may not be called safe although nothing stored speaks against it; null when its machine is there. */
export function silentReason(row: Row): Reason | null {
  if (row.machine_silent !== 1) return null;
  const since = new Date(Number(row.machine_seen_at)).toISOString();
  return reasonOf('machine-silent', `Nothing syncs on the machine ${row.machine_id} since ${since}.`);
}
