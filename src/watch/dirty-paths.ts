// Which paths of which project changed since its last sync. Hints only: too many of them become "all".
// Knows nothing of the file system.

import type { ProjectId } from '../model/ids.ts';

/** Relative paths with `/` between parts, or everything. A folder's path stands for all below it. */
export type DirtyPaths = ReadonlySet<string> | 'all';

export type DirtyPathsStore = {
  add(projectId: ProjectId, paths: Iterable<string> | 'all'): void;
  /** Hands over and forgets; null when nothing is known to have changed. */
  take(projectId: ProjectId): DirtyPaths | null;
  /** Returns what was taken by a sync that did not finish; what came in meanwhile stays. */
  putBack(projectId: ProjectId, taken: DirtyPaths | null): void;
  forget(projectId: ProjectId): void;
  /** The projects of which something is known to have changed. */
  projects(): ProjectId[];
};

/** `limit` is the most paths kept for one project (default 500); above it comparing the whole project is cheaper. */
export function createDirtyPaths({ limit = 500 }: { limit?: number } = {}): DirtyPathsStore {
  const byProject = new Map<ProjectId, Set<string> | 'all'>();

  function add(projectId: ProjectId, paths: Iterable<string> | 'all'): void {
    const known = byProject.get(projectId) ?? new Set();
    if (known === 'all') return;
    if (paths === 'all') {
      byProject.set(projectId, 'all');
      return;
    }
    for (const path of paths) {
      known.add(path);
      if (known.size > limit) {
        byProject.set(projectId, 'all');
        return;
      }
    }
    if (known.size > 0) byProject.set(projectId, known);
  }

  return {
    add,
    take(projectId) {
      const taken = byProject.get(projectId) ?? null;
      byProject.delete(projectId);
      return taken;
    },
    putBack(projectId, taken) {
      if (taken !== null) add(projectId, taken);
    },
    forget(projectId) {
      byProject.delete(projectId);
    },
    projects: () => [...byProject.keys()],
  };
}
