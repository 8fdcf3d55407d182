// Tells the feed when a project's state changes. The state itself is derived wherever it is read;
// this only remembers what was told last, so that nothing is told twice.

import type { EventBus, NewEvent } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { ProjectId } from '../model/ids.ts';
import { needsAttention, type ProjectState } from '../model/project.ts';
import type { Database } from '../store/database.ts';
import { findProjectViews, type ProjectView, type Unsure } from '../store/project-views.ts';

export type StatePublisher = {
  /**
   * Looks at these projects now and publishes `project.state` for those that changed; `again`: for the others too,
   * because what is told beside the state is new.
   */
  publish(projectIds: readonly ProjectId[], again?: boolean): Promise<void>;
  /**
   * Publishes in a moment: what is under way goes first. The answered function takes it back, or waits for it where it
   * has begun; what is over by then is told by its end alone. It does not reject: the end is told in any case.
   */
  publishSoon(projectIds: readonly ProjectId[]): () => Promise<void>;
  forget(projectId: ProjectId): void;
};

/**
 * When it is told that something is under way. Shorter than anybody sees; asking for a state and telling it takes 1 to 2 ms
 * of what a save waits for.
 */
export const TOLD_AFTER_MS = 40;

/** What comes of these is not known yet. */
const ON_THE_WAY: ReadonlySet<ProjectState> = new Set([
  ...(['syncing', 'pending', 'retrying', 'offline', 'rate-limited'] as const),
]);

export function createStatePublisher(ports: {
  db: Database;
  bus: EventBus;
  unsure: Unsure;
  clock: Pick<Clock, 'timer'>;
  log: Log;
}): StatePublisher {
  const told = new Map<ProjectId, string>();
  const troubles = new Map<ProjectId, string>();

  /** A sync that finds the same again is no news for a person. */
  function isNewTrouble({ projectId, state, stateReason }: ProjectView, key: string): boolean {
    if (!needsAttention(state, stateReason)) {
      if (!ON_THE_WAY.has(state)) troubles.delete(projectId);
      return false;
    }
    const isNew = troubles.get(projectId) !== key;
    troubles.set(projectId, key);
    return isNew;
  }

  async function publish(projectIds: readonly ProjectId[], again = false): Promise<void> {
    const news: NewEvent[] = [];
    for (const view of await findProjectViews(ports.db, projectIds, { unsure: ports.unsure })) {
      const { projectId } = view;
      const key = `${view.state} ${view.stateReason?.code ?? ''} ${view.stateReason?.detail ?? ''}`;
      if (told.get(projectId) === key && !again) continue;
      told.set(projectId, key);
      if (isNewTrouble(view, key)) {
        ports.log.warn({ projectId, state: view.state, ...view.stateReason }, 'a project needs you');
      }
      news.push({ type: 'project.state', projectId, data: stateData(view) });
    }
    try {
      await ports.bus.publish(news);
    } catch (error) {
      // Not told: whoever looks next tells it.
      for (const { projectId } of news) if (projectId) told.delete(projectId);
      throw error;
    }
  }

  return {
    publish,
    publishSoon(projectIds) {
      let begun: Promise<void> = Promise.resolve();
      const cancel = ports.clock.timer(TOLD_AFTER_MS, () => {
        begun = publish(projectIds).catch((error: unknown) => {
          ports.log.warn({ err: error, projectIds }, 'the state of what is under way was not told');
        });
      });
      return () => {
        cancel();
        return begun;
      };
    },
    forget(projectId) {
      told.delete(projectId);
      troubles.delete(projectId);
    },
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
