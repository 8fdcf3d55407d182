// When somebody last worked in each project: noted with every change that was seen, and known over restarts.

import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { readActivity } from '../store/projects.ts';

export type Activity = {
  /** Somebody works there now; `now` is epoch milliseconds. */
  note(projectIds: readonly ProjectId[], now: number): void;
  /** Null when nothing is known. */
  lastOf(projectId: ProjectId): Promise<number | null>;
};

export function createActivity({ db }: { db: Database }): Activity {
  const seen = new Map<ProjectId, number>();
  /** Read once: from then on this process knows more than the database. */
  let stored: ReadonlyMap<ProjectId, number> | null = null;
  return {
    note(projectIds, now) {
      for (const projectId of projectIds) seen.set(projectId, now);
    },
    async lastOf(projectId) {
      stored ??= await readActivity(db);
      return seen.get(projectId) ?? stored.get(projectId) ?? null;
    },
  };
}
