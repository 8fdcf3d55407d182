// A queue row as other rooms see it.

import type { Reason } from './failure.ts';
import type { JobId, ProjectId } from './ids.ts';

export const JOB_STATES = ['idle', 'scheduled', 'ready', 'running', 'parked'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What caused a sync. `retry` is set by the queue itself. */
export const TRIGGERS = ['watch', 'scan', 'api', 'webhook', 'schedule', 'retry'] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** Instants are epoch milliseconds; priority 0..10, 10 first. */
export type JobView = {
  jobId: JobId;
  projectId: ProjectId;
  state: JobState;
  priority: number;
  attempt: number;
  runAt: number | null;
  startedAt: number | null;
  /** `gate:<key>`, `slot`, `quiet-period`, `quiet-hours`, or null when nothing holds it up. */
  waitingFor: string | null;
  lastError: Reason | null;
};

/** A job that this worker may run until `leaseUntil` (database clock); every settle names `(jobId, fence)`. */
export type ClaimedJob = {
  jobId: JobId;
  fence: number;
  projectId: ProjectId;
  trigger: Trigger;
  /** 1 for the first try. */
  attempt: number;
  /** Ask the remote even when nothing changed here. */
  askRemote: boolean;
  leaseUntil: number;
};
