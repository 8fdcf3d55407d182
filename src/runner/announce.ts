// What the pipeline tells beside its work: that changes were noticed, and that it has stopped.

import type { EventBus, NewEvent } from '../events/types.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import { stopWorker } from '../queue/workers.ts';
import type { Database } from '../store/database.ts';
import { noteActivity } from '../store/projects.ts';
import type { StatePublisher } from './publish-states.ts';

export async function tellQueued(
  projectIds: readonly ProjectId[],
  { db, bus, states }: { db: Database; bus: EventBus; states: StatePublisher },
): Promise<void> {
  await bus.publish(
    projectIds.map((projectId): NewEvent => ({ type: 'change.detected', projectId, data: {} })),
  );
  await noteActivity(db, projectIds);
  await states.publish(projectIds);
}

type StoppedPorts = { db: Database; bus: EventBus; log: Log; workerId: string; machineId: string };

export async function tellStopped(ports: StoppedPorts): Promise<void> {
  await markStopped(ports);
  await unlessAway(ports, () =>
    ports.bus.publish([{ type: 'service.stopped', data: { machineId: ports.machineId } }]),
  );
}

/** Says that this process takes no more jobs. Idempotent; a server that is away keeps nobody from stopping. */
export function markStopped(ports: { db: Database; log: Log; workerId: string }): Promise<void> {
  return unlessAway(ports, () => stopWorker(ports.db, ports));
}

async function unlessAway({ log }: { log: Log }, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'database-unreachable') throw error;
    log.warn(
      { code: error.code },
      'the database server is away: the other machines see later that this one stopped',
    );
  }
}
