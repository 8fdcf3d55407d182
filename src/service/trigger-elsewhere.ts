// "Sync everything now", for the projects of the other machines on the queue: each machine takes up its own.

import type { EventBus } from '../events/types.ts';
import type { Project } from '../model/project.ts';
import type { TriggerAllResult, TriggerOptions } from '../model/service.ts';
import { enqueue } from '../queue/enqueue.ts';
import { listMachines } from '../queue/machines.ts';
import type { Database } from '../store/database.ts';
import { listProjects } from '../store/projects.ts';

const USUAL_PRIORITY = 5;

/** Projects of machines that are not there are skipped: their next start scans them anyhow. */
export async function triggerElsewhere(
  { immediate, priority = USUAL_PRIORITY }: TriggerOptions,
  { db, bus, machineId }: { db: Database; bus: EventBus; machineId: string },
): Promise<TriggerAllResult> {
  if (db.kind === 'local') return { scanned: 0, queued: [], skipped: [] };
  const [machines, projects] = await Promise.all([listMachines(db), listProjects(db)]);
  const alive = new Set(
    machines.filter(({ state }) => state === 'alive').map((machine) => machine.machineId),
  );
  const foreign = projects.filter((project) => project.machineId !== machineId && project.github.enabled);
  const isThere = (project: Project) => alive.has(project.machineId);
  const queued = await enqueue(db, {
    ...{ trigger: 'api', delayMs: 0, force: immediate, priority, askRemote: false },
    projectIds: foreign.filter(isThere).map(({ projectId }) => projectId),
  });
  bus.notify();
  return {
    scanned: 0,
    queued: queued.map(({ projectId, jobId }) => ({ projectId, jobId })),
    skipped: foreign
      .filter((project) => !isThere(project))
      .map(({ projectId }) => ({ projectId, reason: 'machine-silent' })),
  };
}
