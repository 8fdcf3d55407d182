// What other machines on the same queue do with this machine's projects: asked for there, a sync begins here at once;
// removed there, a project is watched no longer. The feed tells of both; the database decides.

import type { EventBus } from '../events/types.ts';
import type { Log } from '../host/log.ts';
import type { FeedEvent } from '../model/event.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Pipeline } from '../pipeline-ports.ts';
import type { Database } from '../store/database.ts';
import { findProject } from '../store/projects.ts';
import type { ProjectTable } from './project-table.ts';

type FollowPorts = {
  db: Database;
  bus: EventBus;
  log: Log;
  projects: ProjectTable;
  pipeline: Pick<Pipeline, 'wake' | 'exclude'>;
};

const TYPES = ['job.scheduled', 'job.ready', 'project.removed'];

/** Nothing to follow in a local file: it belongs to one service. The answered function ends it. */
export function followMachines(ports: FollowPorts): () => void {
  const { db, bus, log, projects, pipeline } = ports;
  if (db.kind === 'local') return () => {};

  const isOurs = ({ projectId }: FeedEvent) => projectId !== null && projects.get(projectId) !== undefined;

  async function leaveRemoved(projectId: ProjectId): Promise<void> {
    // It may have been added again since.
    if ((await findProject(db, projectId)) === null) await pipeline.exclude(projectId);
  }

  const tryToLeave = (projectId: ProjectId) =>
    leaveRemoved(projectId).catch((error: unknown) => {
      log.warn({ err: error, projectId }, 'a project was removed elsewhere and could not be left yet');
    });

  async function hear(events: readonly FeedEvent[]): Promise<void> {
    const ours = events.filter(isOurs);
    if (ours.some(({ type }) => type !== 'project.removed')) pipeline.wake();
    for (const { type, projectId } of ours) {
      if (type !== 'project.removed' || projectId === null) continue;
      await tryToLeave(projectId);
    }
  }

  const subscription = bus.follow({
    isOwn: true,
    types: TYPES,
    onEvents: hear,
    onReset: () => pipeline.wake(),
    onMissed() {
      log.warn('what other machines ask for is noticed late: too much happens at once');
      pipeline.wake();
      for (const { projectId } of projects.all()) void tryToLeave(projectId);
    },
  });
  return () => subscription.close();
}
