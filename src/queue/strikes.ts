// Which gates a job or project passes, and how often they were paused without a success between.

import type { JobId, ProjectId } from '../model/ids.ts';
import type { Database, Row } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

/** `strikes`: the more of the two. */
export type JobGates = { hostGate: string; credentialGate: string; strikes: number };
/** `isPaused`: one of the two is closed now, or the project is in its quiet hours; `isParked`: the project's job waits for a person. */
export type ProjectGates = JobGates & { isPaused: boolean; isParked: boolean };

/** Null when the job is gone with its project. */
export async function readJobGates(db: Database, jobId: JobId): Promise<JobGates | null> {
  const [row] = await db.run(
    `SELECT l.host_gate, l.credential_gate, max(h.strikes, c.strikes) AS strikes FROM jobs j
     CROSS JOIN lanes l ON l.id = j.lane_id CROSS JOIN gates h ON h.key = l.host_gate
     CROSS JOIN gates c ON c.key = l.credential_gate WHERE j.id = :jobId`,
    { jobId },
  );
  return row === undefined ? null : gatesOf(row);
}

/** Null when the project is gone. */
export async function readProjectGates(
  db: Database,
  projectId: ProjectId,
  options: AtTime = {},
): Promise<ProjectGates | null> {
  const [row] = await db.run(
    `${WITH_NOW}
     SELECT l.host_gate, l.credential_gate, max(h.strikes, c.strikes) AS strikes, max(h.paused_until, c.paused_until) > t.now
         OR coalesce(p.quiet_from <= t.now AND p.quiet_until > t.now, 0) AS is_paused,
       EXISTS (SELECT 1 FROM jobs j WHERE j.project_id = p.id AND j.state = 'parked') AS is_parked
     FROM t CROSS JOIN projects p CROSS JOIN lanes l ON l.id = p.lane_id
     CROSS JOIN gates h ON h.key = l.host_gate CROSS JOIN gates c ON c.key = l.credential_gate
     WHERE p.project_id = :projectId`,
    { ...nowArgs(options), projectId },
  );
  if (row === undefined) return null;
  return { ...gatesOf(row), isPaused: Number(row.is_paused) === 1, isParked: Number(row.is_parked) === 1 };
}

function gatesOf(row: Row): JobGates {
  return {
    hostGate: String(row.host_gate),
    credentialGate: String(row.credential_gate),
    strikes: Number(row.strikes),
  };
}
