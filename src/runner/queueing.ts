// Writing syncs to the queue, each as urgent as its project is, and waking the worker for them.

import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { JobId, ProjectId } from '../model/ids.ts';
import type { Asked } from '../pipeline-ports.ts';
import { type EnqueuedJob, enqueue } from '../queue/enqueue.ts';
import type { Database } from '../store/database.ts';
import { createActivity } from './activity.ts';
import type { ProjectTable } from './project-table.ts';
import { urgencyOf } from './urgency.ts';

export type Queueing = (
  projectIds: readonly ProjectId[],
  asked: Asked,
) => Promise<{ projectId: ProjectId; jobId: JobId }[]>;

export function createQueueing(ports: {
  db: Database;
  bus: EventBus;
  clock: Clock;
  projects: ProjectTable;
  wake(): void;
  /** The sync may not run when it is due, `delayMs` from now. */
  onHeldBack(projectId: ProjectId, delayMs: number | null): void;
}): Queueing {
  const { db, bus, clock, projects } = ports;
  const activity = createActivity({ db });

  async function urgency(projectId: ProjectId, { priority }: Asked): Promise<number> {
    const lastActivityAt = priority === undefined ? await activity.lastOf(projectId) : null;
    const known = {
      lastActivityAt,
      now: clock.now(),
      ...(priority !== undefined && { requested: priority }),
    };
    return urgencyOf(projects.get(projectId), known);
  }

  return async (projectIds, asked) => {
    if (asked.trigger === 'watch') activity.note(projectIds, clock.now());
    const byUrgency = new Map<number, ProjectId[]>();
    for (const projectId of projectIds) {
      const priority = await urgency(projectId, asked);
      byUrgency.set(priority, [...(byUrgency.get(priority) ?? []), projectId]);
    }
    const queued: EnqueuedJob[] = [];
    for (const [priority, ids] of byUrgency) {
      queued.push(...(await enqueue(db, { ...asked, projectIds: ids, priority })));
    }
    bus.notify();
    ports.wake();
    for (const { projectId, heldBack } of queued) {
      if (heldBack !== 'no') ports.onHeldBack(projectId, asked.delayMs);
    }
    return queued;
  };
}
