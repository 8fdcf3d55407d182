// A bug that is planted into the processes of a soak, to see whether the auditor finds it. The plants themselves are
// in the tests; a process loads one by the path of its module and its name there.

import type { SyncPorts } from '../../src/git/sync/sync-ports.ts';
import type { Database } from '../../src/store/database.ts';

export type Plant = {
  /** Run once on the database before the soak begins. */
  statements?: readonly string[];
  /** What workers, or the producer, have in place of the real port. `met`: the bug had its chance. */
  worker?: (db: Database, met: () => void) => Database;
  producer?: (db: Database, met: () => void) => Database;
  sync?: (sync: SyncPorts) => SyncPorts;
};

export type PlantedAt = { module: string; name: string };

export async function loadPlant(at: PlantedAt | null): Promise<Plant> {
  if (at === null) return {};
  const { PLANTS } = (await import(at.module)) as { PLANTS: Record<string, Plant> };
  const plant = PLANTS[at.name];
  if (!plant) throw new Error(`${at.module} has no plant "${at.name}".`);
  return plant;
}
