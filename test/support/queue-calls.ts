// Short forms of the queue's calls for tests: a machine "laptop", a worker "w1", and a given instant.

import { reasonOf } from '../../src/model/failure.ts';
import type { JobId, ProjectId } from '../../src/model/ids.ts';
import type { ClaimedJob } from '../../src/model/job.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { type EnqueueOptions, enqueue } from '../../src/queue/enqueue.ts';
import { type JobOutcome, settleJob } from '../../src/queue/settle.ts';
import { type TickOptions, tick } from '../../src/queue/tick.ts';
import type { Database } from '../../src/store/database.ts';

/** Where the tests' time begins, epoch milliseconds. */
export const T0 = 2_000_000_000_000;

export const LEASE_MS = 30_000;

export const OFFLINE = reasonOf('offline', 'github.com does not answer.');
export const TIMEOUT = reasonOf('remote-timeout', 'github.com took too long.');
export const PROTECTED = reasonOf('push-rejected-protected-branch', 'main is protected.');

export function put(
  db: Database,
  projectIds: string | readonly string[],
  now: number,
  options: Partial<EnqueueOptions> = {},
) {
  const ids = (typeof projectIds === 'string' ? [projectIds] : projectIds) as ProjectId[];
  const usual = { trigger: 'watch', delayMs: null, force: false, priority: 5, askRemote: false } as const;
  return enqueue(db, { ...usual, projectIds: ids, now, ...options });
}

export function look(db: Database, now: number, options: Partial<TickOptions> = {}) {
  const usual = {
    workerId: 'w1',
    machineId: 'laptop',
    leaseMs: LEASE_MS,
    maxCrashes: 5,
    crashDelayMs: 1_000,
  };
  return tick(db, { ...usual, freeSlots: 1, held: [], now, ...options });
}

/** Claims exactly one job, or fails. */
export async function claimOne(
  db: Database,
  now: number,
  options: Partial<TickOptions> = {},
): Promise<ClaimedJob> {
  const { claimed } = await look(db, now, options);
  const [job] = claimed;
  if (!job || claimed.length > 1) throw new Error(`claimed ${claimed.length} jobs`);
  return job;
}

export async function claimNames(db: Database, now: number, options: Partial<TickOptions> = {}) {
  return (await look(db, now, options)).claimed.map((job) => job.projectId as string);
}

export const DONE: JobOutcome = { kind: 'done', status: 'success' };

export function settle(
  db: Database,
  job: { jobId: JobId; fence: number },
  now: number,
  outcome: JobOutcome = DONE,
) {
  return settleJob(db, { jobId: job.jobId, fence: job.fence, outcome, facts: null, stats: NO_STATS, now });
}
