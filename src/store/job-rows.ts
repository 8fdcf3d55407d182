// A queue row as other rooms see it, and the gate that holds it up. Knows no statement.

import type { JobId, ProjectId } from '../model/ids.ts';
import type { JobState, JobView } from '../model/job.ts';
import type { GateState } from '../model/project.ts';
import type { Row } from './database.ts';

/** The columns that `jobOf` and `gateOf` read, from `projects p`, `jobs j` and the lane's gates `h` and `c`. */
export const JOB_COLUMNS = `p.project_id AS project_id, p.paused_until AS paused_until, j.id AS job_id,
  j.state AS job_state, j.priority AS job_priority, j.attempt AS job_attempt, j.run_at AS job_run_at,
  j.started_at AS job_started_at, j.last_error AS job_error, h.key AS host_gate, h.paused_until AS host_paused_until,
  h.reason AS host_reason, c.key AS credential_gate, c.paused_until AS credential_paused_until,
  c.reason AS credential_reason, j.forced AS job_forced, p.quiet_from AS quiet_from, p.quiet_until AS quiet_until`;

/** The joins that give `l`, `h` and `c` to a project `p`, in this order whatever the planner thinks. */
export const GATE_JOINS = `CROSS JOIN lanes l ON l.id = p.lane_id
  CROSS JOIN gates h ON h.key = l.host_gate CROSS JOIN gates c ON c.key = l.credential_gate`;

export type KeyedGate = GateState & { key: string };

/** The gate of the project that is closed for longest at `now`, or null when both are open. */
export function gateOf(row: Row, now: number): KeyedGate | null {
  const gates = ['host', 'credential'].map((name) => ({
    key: String(row[`${name}_gate`]),
    pausedUntil: Number(row[`${name}_paused_until`]),
    reason: String(row[`${name}_reason`] ?? ''),
  }));
  const [last] = gates.filter((gate) => gate.pausedUntil > now).sort((a, b) => b.pausedUntil - a.pausedUntil);
  return last ?? null;
}

/** The end of the quiet hours in which the project is at `now`; null outside of them. */
export function quietUntilOf({ quiet_from: from, quiet_until: until }: Row, now: number): number | null {
  return from !== null && Number(from) <= now && Number(until) > now ? Number(until) : null;
}

/** Null for a project that never had a job. */
export function jobOf(row: Row, now: number): JobView | null {
  if (row.job_id === null) return null;
  const state = row.job_state as JobState;
  return {
    jobId: Number(row.job_id) as JobId,
    projectId: String(row.project_id) as ProjectId,
    state,
    priority: Number(row.job_priority),
    attempt: Number(row.job_attempt),
    runAt: row.job_run_at as number | null,
    startedAt: state === 'running' ? (row.job_started_at as number | null) : null,
    waitingFor: waitingFor(row, now),
    lastError: reasonFrom(row.job_error),
  };
}

/** A wait that only its own time ends (a retry's delay, a pause) has no name: `runAt` says it. */
function waitingFor(row: Row, now: number): string | null {
  const { job_state: state, job_run_at: runAt } = row;
  if (state !== 'ready' && state !== 'scheduled') return null;
  if (state === 'scheduled' && row.job_forced === 0 && quietUntilOf(row, now) !== null) return 'quiet-hours';
  const gate = gateOf(row, now);
  if (gate && (state === 'ready' || gate.pausedUntil >= Number(runAt))) return `gate:${gate.key}`;
  if (state === 'ready') return 'slot';
  const paused = row.paused_until !== null && Number(row.paused_until) > now;
  return row.job_attempt === 0 && !paused ? 'quiet-period' : null;
}

/** Stored errors also say whether they are retried; a job's reason does not. */
function reasonFrom(stored: unknown): JobView['lastError'] {
  if (stored === null) return null;
  const { code, detail, action } = JSON.parse(String(stored));
  return { code, detail, action };
}
