// One look of a worker at the queue, in one transaction (one request to a remote server): keep the leases, take back
// those of the dead, make due jobs ready, claim, and say when the next look is due.

import type { ClaimedJob } from '../model/job.ts';
import type { Database } from '../store/database.ts';
import { claimStatement, readClaim } from './claim.ts';
import { reopenGatesStatement } from './gates.ts';
import { heartbeatStatement, type Lease, lostLeases } from './heartbeat.ts';
import { promoteStatement } from './promote.ts';
import { type ReclaimOptions, reclaimExpiredStatement } from './reclaim.ts';
import { nowArgs, WITH_NOW } from './statement.ts';
import { markSilentStatement, seenStatement } from './workers.ts';

export type TickOptions = ReclaimOptions & {
  workerId: string;
  machineId: string;
  /** Claims at most so many jobs. */
  freeSlots: number;
  /** Most jobs of one credential at once, on all machines together; left out: any number. */
  mostPerCredential?: number;
  /** How long claims and heartbeats hold, milliseconds. */
  leaseMs: number;
  /** The leases that this worker really holds. */
  held: readonly Lease[];
};

export type TickResult = {
  claimed: ClaimedJob[];
  /** Held leases that are gone: another worker may run these jobs. */
  lost: Lease[];
  /** Until something is due: 0 when a job is ready but held up by a running one; null when nothing is known. */
  nextWakeMs: number | null;
  /** Id of the newest event; 0 when there was none. */
  eventSeq: number;
};

// A ready job that was not claimed although its gates are open waits for a running job, perhaps another machine's.
const NEXT_WAKE = `${WITH_NOW}
  SELECT t.now,
    (SELECT min(run_at) FROM jobs WHERE state = 'scheduled') AS due,
    (SELECT min(lease_until) FROM jobs WHERE state = 'running') AS lease,
    (SELECT min(paused_until) FROM gates WHERE paused_until > 0) AS gate,
    EXISTS (SELECT 1 FROM lanes l JOIN jobs j ON j.lane_id = l.id AND j.state = 'ready'
      WHERE l.machine_id = :machineId AND NOT EXISTS (SELECT 1 FROM gates g
        WHERE g.key IN (l.host_gate, l.credential_gate) AND g.paused_until > t.now)) AS held_up,
    coalesce((SELECT max(id) FROM events), 0) AS event_seq
  FROM t`;

type WakeRow = {
  now: number;
  due: number | null;
  lease: number | null;
  gate: number | null;
  held_up: number;
  event_seq: number;
};

function nextWakeMs({ now, due, lease, gate, held_up }: WakeRow): number | null {
  const instants = [due, lease, gate, held_up === 1 ? now : null].filter((instant) => instant !== null);
  return instants.length === 0 ? null : Math.max(0, Math.min(...instants) - now);
}

/**
 * Heartbeats `held`, takes back expired jobs, promotes, and claims up to `freeSlots` jobs for this machine.
 * When the answer is lost, what was claimed is taken back after `leaseMs`.
 */
export async function tick(db: Database, options: TickOptions): Promise<TickResult> {
  const { freeSlots, held, machineId } = options;
  // The heartbeat comes before the reclaiming: who still answers keeps what nobody has taken yet.
  const results = await db.batch([
    heartbeatStatement(options),
    seenStatement(options),
    markSilentStatement(options),
    reopenGatesStatement(options),
    reclaimExpiredStatement(options),
    promoteStatement(options),
    ...Array.from({ length: freeSlots }, () => claimStatement(options)),
    { sql: NEXT_WAKE, args: { ...nowArgs(options), machineId } },
  ]);
  const wake = results.at(-1)?.[0] as WakeRow;
  return {
    claimed: results.slice(6, -1).flat().map(readClaim),
    lost: lostLeases(held, results[0] ?? []),
    nextWakeMs: nextWakeMs(wake),
    eventSeq: wake.event_seq,
  };
}
