// Which paths of which project changed since its last sync. Hints only: too many of them become "all".
// Knows nothing of the file system.

import { type Clock, systemClock } from '../host/clock.ts';
import type { ProjectId } from '../model/ids.ts';

/** Relative paths with `/` between parts, or everything. A folder's path stands for all below it. */
export type DirtyPaths = ReadonlySet<string> | 'all';

export type DirtyPathsStore = {
  add(projectId: ProjectId, paths: Iterable<string> | 'all'): void;
  /** Hands over and forgets; null when nothing is known to have changed. */
  take(projectId: ProjectId): DirtyPaths | null;
  /** When the first of what was taken last had come in, epoch milliseconds; null when nothing was known. */
  takenSince(projectId: ProjectId): number | null;
  /** Returns what was taken by a sync that did not finish; what came in meanwhile stays. */
  putBack(projectId: ProjectId, taken: DirtyPaths | null): void;
  forget(projectId: ProjectId): void;
  has(projectId: ProjectId): boolean;
  /** The projects of which something is known to have changed. */
  projects(): ProjectId[];
};

type DirtyPathsInput = { limit?: number; clock?: Pick<Clock, 'now'> };

/** `limit` is the most paths kept for one project (default 500); above it comparing the whole project is cheaper. */
export function createDirtyPaths({
  limit = 500,
  clock = systemClock,
}: DirtyPathsInput = {}): DirtyPathsStore {
  const byProject = new Map<ProjectId, Set<string> | 'all'>();
  const since = new Map<ProjectId, number>();
  const takenSince = new Map<ProjectId, number>();

  function keep(projectId: ProjectId, known: Set<string> | 'all'): void {
    byProject.set(projectId, known);
    if (!since.has(projectId)) since.set(projectId, clock.now());
  }

  function add(projectId: ProjectId, paths: Iterable<string> | 'all'): void {
    const known = byProject.get(projectId) ?? new Set();
    if (known === 'all') return;
    if (paths === 'all') {
      keep(projectId, 'all');
      return;
    }
    for (const path of paths) {
      known.add(path);
      if (known.size > limit) {
        keep(projectId, 'all');
        return;
      }
    }
    if (known.size > 0) keep(projectId, known);
  }

  return {
    add,
    take(projectId) {
      const taken = byProject.get(projectId) ?? null;
      const began = since.get(projectId);
      if (began === undefined) takenSince.delete(projectId);
      else takenSince.set(projectId, began);
      byProject.delete(projectId);
      since.delete(projectId);
      return taken;
    },
    takenSince: (projectId) => takenSince.get(projectId) ?? null,
    putBack(projectId, taken) {
      if (taken === null) return;
      add(projectId, taken);
      // It waits on; what came in meanwhile came later.
      const began = takenSince.get(projectId);
      if (began !== undefined) since.set(projectId, began);
    },
    forget(projectId) {
      for (const known of [byProject, since, takenSince]) known.delete(projectId);
    },
    has: (projectId) => byProject.has(projectId),
    projects: () => [...byProject.keys()],
  };
}
