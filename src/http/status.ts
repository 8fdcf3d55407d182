// The status of the whole service, for the route and for the feed's reset alike.

import type { Clock } from '../host/clock.ts';
import type { Service } from '../model/service.ts';
import type { Database } from '../store/database.ts';
import type { Figures } from './figures.ts';
import type { WireStatus } from './schemas/status.ts';
import { isoOf, isoOrNull, wireData, wireReason } from './wire.ts';

export type StatusDeps = {
  db: Database;
  service: Pick<
    Service,
    'version' | 'machineId' | 'createdAt' | 'scheduler' | 'watcher' | 'unsure' | 'unsureProjects' | 'progress'
  >;
  clock: Pick<Clock, 'now'>;
  figures(): Promise<Figures>;
};

/** The changes owed that are named; the others are counted. */
const MOST_OWED_NAMED = 100;

/** Also while the database's server is away: then it says so, and how old the figures are. */
export async function buildStatus({ db, service, clock, figures }: StatusDeps): Promise<WireStatus> {
  const { asOf, gates, limits, queue, totals, projects } = await figures();
  const outage = db.outage?.() ?? null;
  const scheduler = service.scheduler();
  return {
    serviceRunning: scheduler.running,
    version: service.version,
    machineId: service.machineId,
    startedAt: isoOf(service.createdAt),
    uptimeMs: Math.max(0, Math.round(clock.now() - service.createdAt)),
    scheduler: {
      running: scheduler.running,
      startedAt: isoOrNull(scheduler.startedAt),
      lastScanAt: isoOrNull(scheduler.lastScanAt),
      nextScanAt: isoOrNull(scheduler.nextScanAt),
      stats: { queueSize: queue.queueSize, activeSyncs: queue.activeSyncs, ...totals },
    },
    gates: gates.map((gate) => ({ ...gate, pausedUntil: isoOf(gate.pausedUntil) })),
    limits: limits.map((one) => ({ ...one, resetAt: isoOf(one.resetAt), asOf: isoOf(one.asOf) })),
    projects,
    database: {
      kind: db.kind,
      reachable: outage === null,
      awaySince: isoOrNull(outage?.since ?? null),
      reason: outage && wireReason(outage.reason),
      figuresAsOf: isoOrNull(asOf),
      owed: { total: scheduler.owed.length, projectIds: scheduler.owed.slice(0, MOST_OWED_NAMED) },
    },
    watcher: wireData(service.watcher()) as WireStatus['watcher'],
  };
}
