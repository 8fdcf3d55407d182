// Whether a project that looks safe in the database is known to be: not before it was compared with the disk in
// this life of the service, and not while a change could not be queued. Kept in memory, because it is about now.

import { type Reason, reasonOf } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';

export type Certainty = {
  /** The whole work tree was compared, by a scan or a sync. */
  compared(projectId: ProjectId): void;
  /** Something is known to be outstanding until the answered function is called. */
  doubt(projectId: ProjectId, why: string): () => void;
  /** Whether the work is other than at the last such look; at the first in this life it is. Null: cannot be told. */
  isNews(projectId: ProjectId, work: string | null): boolean;
  /** Why the project may not be called safe; null when nothing speaks against it. */
  reasonOf(projectId: ProjectId): Reason | null;
  forget(projectId: ProjectId): void;
};

export function createCertainty(): Certainty {
  const seen = new Set<ProjectId>();
  const works = new Map<ProjectId, string | null>();
  const doubts = new Map<ProjectId, Set<{ why: string }>>();
  return {
    compared: (projectId) => void seen.add(projectId),
    doubt(projectId, why) {
      const own = { why };
      const all = doubts.get(projectId) ?? new Set();
      doubts.set(projectId, all.add(own));
      return () => {
        all.delete(own);
        if (all.size === 0 && doubts.get(projectId) === all) doubts.delete(projectId);
      };
    },
    isNews(projectId, work) {
      const isFirst = !works.has(projectId);
      const isOther = work !== null && works.get(projectId) !== work;
      if (isFirst || isOther) works.set(projectId, work);
      return isFirst || isOther;
    },
    reasonOf(projectId) {
      const [first] = doubts.get(projectId) ?? [];
      if (first) return reasonOf('not-compared', first.why);
      return seen.has(projectId)
        ? null
        : reasonOf('not-compared', 'Not compared with the disk since the start yet.');
    },
    forget(projectId) {
      seen.delete(projectId);
      works.delete(projectId);
      doubts.delete(projectId);
    },
  };
}
