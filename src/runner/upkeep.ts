// What is done beside the work, after each scan: old history, events and snapshots go, and what was given up after
// transient failures, or paused by its host, gets another chance once an hour, so that an outage never needs a person.

import type { Clock } from '../host/clock.ts';
import { FAILURES, type FailureCode } from '../model/failure-codes.ts';
import { unparkAll } from '../queue/unpark.ts';
import { pruneAudit } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import { pruneEvents, pruneRuns } from '../store/events.ts';

export type UpkeepSettings = { historyDays: number; eventsKept: number; auditDays: number };

const DAY_MS = 86_400_000;
const REVIVE_EVERY_MS = 3_600_000;
/** An archived repository pauses its project: whoever takes it out of the archive need not know of gitferry. */
const PAUSING = 'repository-archived';
const TRANSIENT = (Object.keys(FAILURES) as FailureCode[]).filter((code) => FAILURES[code].retry !== 'never');

export function createUpkeep(ports: {
  db: Database;
  clock: Clock;
  machineId: string;
  /** Lets old snapshots go, some in each round. */
  thinSnapshots(): Promise<void>;
  /** Registers webhooks and looks at them, some in each round. */
  keepWebhooks(): Promise<void>;
  settings(): UpkeepSettings;
}): () => Promise<void> {
  const { db, clock, machineId } = ports;
  let revivedAt = clock.monotonic();
  return async () => {
    const { historyDays, eventsKept, auditDays } = ports.settings();
    await pruneRuns(db, { olderThanMs: clock.now() - historyDays * DAY_MS });
    await pruneEvents(db, { keep: eventsKept });
    await pruneAudit(db, { olderThanMs: clock.now() - auditDays * DAY_MS });
    await ports.thinSnapshots();
    await ports.keepWebhooks();
    if (clock.monotonic() - revivedAt < REVIVE_EVERY_MS) return;
    revivedAt = clock.monotonic();
    for (const reason of [...TRANSIENT, PAUSING] as const) await unparkAll(db, { machineId, reason });
  };
}
