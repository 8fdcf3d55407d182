// The status of the whole service, for the route and for the feed's reset alike.

import type { Clock } from '../host/clock.ts';
import type { Service } from '../model/service.ts';
import { listGates } from '../queue/gates.ts';
import { queueStats } from '../queue/reads.ts';
import type { Database } from '../store/database.ts';
import { countProjectStates } from '../store/project-views.ts';
import { runTotals } from '../store/runs.ts';
import type { WireStatus } from './schemas/status.ts';
import { isoOf, isoOrNull, wireData } from './wire.ts';

export type StatusDeps = {
  db: Database;
  service: Pick<
    Service,
    'version' | 'machineId' | 'createdAt' | 'scheduler' | 'watcher' | 'unsure' | 'unsureProjects'
  >;
  clock: Pick<Clock, 'now'>;
};

/** A few small reads, whatever the number of projects and runs. */
export async function buildStatus({ db, service, clock }: StatusDeps): Promise<WireStatus> {
  const [gates, queue, totals, projects] = await Promise.all([
    listGates(db),
    queueStats(db),
    runTotals(db),
    countProjectStates(db, { unsure: service.unsureProjects() }),
  ]);
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
    projects,
    watcher: wireData(service.watcher()) as WireStatus['watcher'],
  };
}
