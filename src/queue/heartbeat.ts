// Renews the leases that a worker still holds. Only the pairs it names: a claim whose answer was lost runs out.

import type { ClaimedJob } from '../model/job.ts';
import type { Row, SqlStatement } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

/** A lease belongs to this pair: the fence grows with every claim. */
export type Lease = Pick<ClaimedJob, 'jobId' | 'fence'>;

export type HeartbeatOptions = AtTime & { workerId: string; leaseMs: number; held: readonly Lease[] };

const HEARTBEAT = `${WITH_NOW}
  UPDATE jobs SET lease_until = (SELECT now FROM t) + :leaseMs FROM json_each(:held) h
  WHERE jobs.id = h.value ->> 0 AND jobs.fence = h.value ->> 1 AND jobs.state = 'running'
    AND jobs.worker_id = :workerId
  RETURNING jobs.id, jobs.fence`;

export function heartbeatStatement(options: HeartbeatOptions): SqlStatement {
  const { workerId, leaseMs } = options;
  const held = JSON.stringify(options.held.map(({ jobId, fence }) => [jobId, fence]));
  return { sql: HEARTBEAT, args: { ...nowArgs(options), workerId, leaseMs, held } };
}

/** The leases that were not renewed: taken away meanwhile, or the project is gone. */
export function lostLeases(held: readonly Lease[], renewed: readonly Row[]): Lease[] {
  const kept = new Set(renewed.map((row) => `${row.id}:${row.fence}`));
  return held.filter(({ jobId, fence }) => !kept.has(`${jobId}:${fence}`));
}
