// Takes the most urgent ready job of a machine. Its cost does not grow with what waits: one index probe a lane.

import type { JobId, ProjectId } from '../model/ids.ts';
import type { ClaimedJob, Trigger } from '../model/job.ts';
import { NO_CREDENTIAL_GATE } from '../model/remote-state.ts';
import type { Row, SqlStatement } from '../store/database.ts';
import { type AtTime, NOW, nowArgs } from './statement.ts';

export type ClaimOptions = AtTime & {
  workerId: string;
  machineId: string;
  leaseMs: number;
  /** Most jobs of one credential at once, on all machines together; left out: any number. */
  mostPerCredential?: number;
};

const ANY_NUMBER = 1_000_000;

// A lane is closed while its credential is used by as many jobs as may, while one of its gates is paused, and, after a pause until a success, while a job of that gate
// runs or a call is under way: the first one finds out whether the host answers again.
const CLAIM = `
  UPDATE jobs SET state = 'running', worker_id = :workerId, fence = fence + 1, claimed_gen = want_gen,
    dirty_since = NULL, claimed_forced = forced, forced = 0, claimed_trigger = iif(attempt > 0, 'retry', trigger_kind),
    attempt = attempt + 1, started_at = ${NOW},
    lease_until = ${NOW} + :leaseMs, rank = NULL, run_at = NULL, updated_at = ${NOW}
  WHERE id = (
    SELECT j.id FROM lanes l
    JOIN jobs j ON j.id = (
      SELECT q.id FROM jobs q
      WHERE q.state = 'ready' AND q.lane_id = l.id
        AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.state = 'running' AND r.lock_key = q.lock_key)
      ORDER BY q.rank, q.id LIMIT 1)
    WHERE l.machine_id = :machineId AND (:mostPerCredential >= ${ANY_NUMBER}
      OR l.credential_gate = '${NO_CREDENTIAL_GATE}' OR :mostPerCredential > (
      SELECT count(*) FROM jobs r JOIN lanes x ON x.id = r.lane_id
      WHERE r.state = 'running' AND x.credential_gate = l.credential_gate)) AND NOT EXISTS (
      SELECT 1 FROM gates g WHERE g.key IN (l.host_gate, l.credential_gate) AND (
        g.paused_until > ${NOW}
        OR (g.strikes > 0 AND (g.probe_until > ${NOW} OR EXISTS (
          SELECT 1 FROM jobs r JOIN lanes x ON x.id = r.lane_id
          WHERE r.state = 'running' AND g.key IN (x.host_gate, x.credential_gate))))))
    ORDER BY j.rank, j.id LIMIT 1)
  RETURNING id, fence, (SELECT p.project_id FROM projects p WHERE p.id = jobs.project_id) AS project,
    claimed_trigger AS trigger, attempt, ask_remote, lease_until`;

/** Claims one job, if any may run; `readClaim` understands the row. */
export function claimStatement(options: ClaimOptions): SqlStatement {
  const { workerId, machineId, leaseMs, mostPerCredential = ANY_NUMBER } = options;
  return { sql: CLAIM, args: { ...nowArgs(options), workerId, machineId, leaseMs, mostPerCredential } };
}

export function readClaim(row: Row): ClaimedJob {
  return {
    jobId: row.id as JobId,
    fence: row.fence as number,
    projectId: row.project as ProjectId,
    trigger: row.trigger as Trigger,
    attempt: row.attempt as number,
    askRemote: row.ask_remote === 1,
    leaseUntil: row.lease_until as number,
  };
}
