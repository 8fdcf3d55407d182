// Tells the feed when a project's state changes. The state itself is derived wherever it is read;
// this only remembers what was told last, so that nothing is told twice.

import type { EventBus } from '../events/types.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { findProjectView, type ProjectView, type Unsure } from '../store/project-views.ts';

export type StatePublisher = {
  /** Looks at these projects now and publishes `project.state` for those that changed. */
  publish(projectIds: readonly ProjectId[]): Promise<void>;
  forget(projectId: ProjectId): void;
};

export function createStatePublisher(ports: { db: Database; bus: EventBus; unsure: Unsure }): StatePublisher {
  const told = new Map<ProjectId, string>();
  return {
    async publish(projectIds) {
      for (const projectId of projectIds) {
        const view = await findProjectView(ports.db, projectId, { unsure: ports.unsure });
        if (view === null) continue;
        const key = `${view.state} ${view.stateReason?.code ?? ''} ${view.stateReason?.detail ?? ''}`;
        if (told.get(projectId) === key) continue;
        told.set(projectId, key);
        await ports.bus.publish([{ type: 'project.state', projectId, data: stateData(view) }]);
      }
    },
    forget: (projectId) => void told.delete(projectId),
  };
}

function stateData(view: ProjectView): Record<string, unknown> {
  const { facts } = view;
  return {
    state: view.state,
    stateReason: view.stateReason,
    branch: facts.branch,
    hasPendingChanges: facts.pendingFiles > 0,
    pendingFiles: facts.pendingFiles,
    unpushedCommits: facts.unpushedCommits,
    lastSafeAt: facts.lastSafeAt === null ? null : new Date(facts.lastSafeAt).toISOString(),
  };
}
