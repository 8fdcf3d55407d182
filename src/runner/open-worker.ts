// The worker on the queue: every tick renews the leases of what runs and claims what is due for the free slots.

import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ClaimedJob } from '../model/job.ts';
import { tick } from '../queue/tick.ts';
import { createWorker, type Worker } from '../queue/worker.ts';
import type { Database } from '../store/database.ts';
import { TOLD_AFTER_MS } from './publish-states.ts';

/** `maxCrashes` in a row park a job; `crashDelayMs` spaces the tries before that. */
export type LeaseTerms = { leaseMs: number; maxCrashes: number; crashDelayMs: number };

const LEASE: LeaseTerms = { leaseMs: 30_000, maxCrashes: 5, crashDelayMs: 1_000 };
const IDLE_POLL_MS = 5_000;

/** `tickAgeMs`: since the queue was last looked at, answered or not; null before the first look. */
export type TickingWorker = Worker & { tickAgeMs(): number | null };

export function openWorker(ports: {
  db: Database;
  bus: EventBus;
  clock: Clock;
  log: Log;
  workerId: string;
  machineId: string;
  /** Default: 30 s, 5 crashes, 1 s. */
  lease?: LeaseTerms;
  settings(): { maxConcurrentSyncs: number; maxSyncsPerCredential: number; jobTimeoutMs: number };
  run(job: ClaimedJob, signal: AbortSignal): Promise<void>;
  /** The queue's server is away; told at every look that fails because of that. */
  onAway(): void;
}): TickingWorker {
  const { db, bus, clock, log, workerId, machineId, settings, run, lease = LEASE } = ports;
  const onError = (error: unknown, job?: ClaimedJob) => {
    const isAway = error instanceof Failure && error.code === 'database-unreachable';
    if (isAway) ports.onAway();
    const level = isAway ? 'debug' : 'error';
    log[level]({ err: error, projectId: job?.projectId }, 'the worker met a fault');
  };
  let tickedAt: number | null = null;
  const worker = createWorker({
    ...{ clock, run },
    leaseMs: lease.leaseMs,
    idlePollMs: IDLE_POLL_MS,
    maxConcurrent: () => settings().maxConcurrentSyncs,
    jobTimeoutMs: () => settings().jobTimeoutMs,
    async fetch(freeSlots, held) {
      tickedAt = clock.monotonic();
      const mostPerCredential = settings().maxSyncsPerCredential;
      const answer = await tick(db, { workerId, machineId, freeSlots, held, mostPerCredential, ...lease });
      // That jobs were taken is told when they are under way.
      if (answer.claimed.length === 0) bus.notify();
      else clock.timer(TOLD_AFTER_MS, () => bus.notify());
      return answer;
    },
    onError,
  });
  const tickAgeMs = () => (tickedAt === null ? null : clock.monotonic() - tickedAt);
  return Object.assign(worker, { tickAgeMs });
}
