// The figures of the status that only the database knows. While its server is away the last ones are answered, one set
// of them, with the instant of which they are; but nothing that cannot be looked up is called safe.

import type { Clock } from '../host/clock.ts';
import type { Service } from '../model/service.ts';
import { type ClosedGate, type KnownQuota, listGates, listQuotas } from '../queue/gates.ts';
import { type QueueStats, queueStats } from '../queue/reads.ts';
import type { Database } from '../store/database.ts';
import { countProjectStates, type ProjectCounts } from '../store/project-views.ts';
import { type RunTotals, runTotals } from '../store/runs.ts';

export type Figures = {
  /** Epoch milliseconds; null: nothing was ever read. */
  asOf: number | null;
  gates: ClosedGate[];
  limits: KnownQuota[];
  queue: Pick<QueueStats, 'queueSize' | 'activeSyncs'>;
  totals: RunTotals;
  projects: ProjectCounts;
};

const NONE: Figures = {
  asOf: null,
  gates: [],
  limits: [],
  queue: { queueSize: 0, activeSyncs: 0 },
  totals: {
    ...{ totalSyncs: 0, successfulSyncs: 0, failedSyncs: 0, successRate: 1 },
    ...{ averageDurationMs: 0, p95DurationMs: 0, throughputPerMinute: 0 },
  },
  projects: { total: 0, safe: 0, pending: 0, needsAttention: 0 },
};

/** What only time changes (a pause that ends, a machine that falls silent) shows after this long at the latest. */
const KEPT_MS = 250;

/**
 * A few small reads, whatever the number of projects and runs: two milliseconds with a thousand projects. Many who ask
 * while nothing is written share them.
 */
export function createFigureReader({
  db,
  service,
  clock,
}: {
  db: Database;
  service: Pick<Service, 'unsureProjects'>;
  clock: Pick<Clock, 'now'>;
}): () => Promise<Figures> {
  let last = NONE;

  async function read(): Promise<Figures> {
    const [gates, limits, queue, totals, projects] = await Promise.all([
      listGates(db),
      listQuotas(db),
      queueStats(db),
      runTotals(db),
      countProjectStates(db, { unsure: service.unsureProjects() }),
    ]);
    return { asOf: clock.now(), gates, limits, queue, totals, projects };
  }

  let shared: { writes: number; unsure: string; at: number; figures: Promise<Figures> } | null = null;

  function readOrShare(): Promise<Figures> {
    const writes = db.writes?.();
    if (writes === undefined) return read();
    const unsure = service.unsureProjects().join(' ');
    const at = clock.now();
    const isSame =
      shared?.writes === writes && shared.unsure === unsure && Math.abs(at - shared.at) < KEPT_MS;
    if (!isSame || shared === null) shared = { writes, unsure, at, figures: read() };
    const { figures } = shared;
    figures.catch(() => {
      if (shared?.figures === figures) shared = null;
    });
    return figures;
  }

  return async () => {
    try {
      last = await readOrShare();
      return last;
    } catch (error) {
      if (!db.outage?.()) throw error;
      const { projects } = last;
      const pending = projects.pending + projects.safe;
      return { ...last, projects: { ...projects, safe: 0, pending } };
    }
  };
}
