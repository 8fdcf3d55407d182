// Writing syncs to the queue, each as urgent as its project is, and waking the worker for them.

import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { JobId, ProjectId } from '../model/ids.ts';
import type { Asked } from '../pipeline-ports.ts';
import { enqueue } from '../queue/enqueue.ts';
import type { Database } from '../store/database.ts';
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
}): Queueing {
  const { db, bus, clock, projects } = ports;
  return async (projectIds, asked) => {
    const urgencies = projectIds.map((id) => urgencyOf(projects.get(id), asked.priority, clock.now()));
    const queued = await enqueue(db, { ...asked, projectIds, priority: Math.max(0, ...urgencies) });
    bus.notify();
    ports.wake();
    return queued;
  };
}
