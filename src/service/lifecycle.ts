// Starting and stopping the pipeline, and what may be said of the projects meanwhile. Knows no single ability of the
// API: whoever needs the running pipeline asks `started`.

import type { EventBus } from '../events/types.ts';
import type { Log } from '../host/log.ts';
import { Failure, type Reason, reasonOf } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { SchedulerStatus, Service, WatcherStatus } from '../model/service.ts';
import type { Pipeline } from '../pipeline-ports.ts';
import { followMachines } from '../runner/follow-machines.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import type { Database } from '../store/database.ts';
import { listProjects } from '../store/projects.ts';

export type Lifecycle = Pick<
  Service,
  'start' | 'stop' | 'unsure' | 'unsureProjects' | 'scheduler' | 'watcher'
> & {
  /** Null while it is stopped. */
  pipeline(): Pipeline | null;
  /** @throws Failure `service-stopped` */
  started(): Pipeline;
};

const STOPPED_WATCHER: WatcherStatus = {
  mode: 'scan-only',
  watched: 0,
  degradedReason: 'The service is stopped.',
};
const STOPPED: SchedulerStatus = {
  running: false,
  startedAt: null,
  lastScanAt: null,
  nextScanAt: null,
  activeSyncs: 0,
  tickAgeMs: null,
  owed: [],
};

export function createLifecycle(ports: {
  db: Database;
  bus: EventBus;
  log: Log;
  machineId: string;
  projects: ProjectTable;
  createPipeline(): Pipeline;
}): Lifecycle {
  const { db, machineId, projects } = ports;
  let pipeline: Pipeline | null = null;
  let unfollow = () => {};
  const inTurn = createTurns();

  function unsure(projectId: ProjectId): Reason | null {
    // Another machine's projects are that machine's to judge.
    if (projects.get(projectId) === undefined) return null;
    if (pipeline === null) return reasonOf('not-compared', 'The service is stopped: nothing is watched.');
    return pipeline.unsure(projectId);
  }

  return {
    start: () =>
      inTurn(async () => {
        if (pipeline !== null) return false;
        for (const project of await listProjects(db, { machineId })) projects.put(project);
        pipeline = ports.createPipeline();
        await pipeline.start();
        unfollow = followMachines({ ...ports, pipeline });
        return true;
      }),
    stop: () =>
      inTurn(async () => {
        const ending = pipeline;
        pipeline = null;
        unfollow();
        await ending?.stop();
        return ending !== null;
      }),
    unsure,
    unsureProjects: () =>
      projects
        .all()
        .map(({ projectId }) => projectId)
        .filter((projectId) => unsure(projectId) !== null),
    scheduler: () => pipeline?.scheduler() ?? STOPPED,
    watcher: () => pipeline?.watcher() ?? STOPPED_WATCHER,
    pipeline: () => pipeline,
    started() {
      if (pipeline !== null) return pipeline;
      throw new Failure('service-stopped', 'The service is stopped; nothing is synced.');
    },
  };
}

/** Start and stop wait for each other: two of them at once must not leave half a pipeline. */
function createTurns(): <T>(change: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const result = last.then(change);
    last = result.catch(() => undefined);
    return result;
  };
}
