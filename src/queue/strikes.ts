// Which gates a job passes, and how often its host was paused without a success between.

import type { JobId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';

export type JobGates = { hostGate: string; credentialGate: string; strikes: number };

/** Null when the job is gone with its project. */
export async function readJobGates(db: Database, jobId: JobId): Promise<JobGates | null> {
  const [row] = await db.run(
    `SELECT l.host_gate, l.credential_gate, g.strikes FROM jobs j
     CROSS JOIN lanes l ON l.id = j.lane_id CROSS JOIN gates g ON g.key = l.host_gate WHERE j.id = :jobId`,
    { jobId },
  );
  if (row === undefined) return null;
  return {
    hostGate: String(row.host_gate),
    credentialGate: String(row.credential_gate),
    strikes: Number(row.strikes),
  };
}
