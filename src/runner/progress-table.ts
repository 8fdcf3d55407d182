// How far each running sync of this process has come. A sync reports by itself and may be asked for at any time.

import type { ProjectId } from '../model/ids.ts';
import type { ReportProgress, SyncProgress } from '../model/progress.ts';

export type ProgressTable = {
  /** Null while nothing of the project runs here. */
  get(projectId: ProjectId): SyncProgress | null;
  /** For one run; what it reports after `end` is not heard. */
  begin(projectId: ProjectId): { report: ReportProgress; end(): void };
};

export function createProgressTable(): ProgressTable {
  const running = new Map<ProjectId, { now: SyncProgress | null }>();
  return {
    get: (projectId) => running.get(projectId)?.now ?? null,
    begin(projectId) {
      const run: { now: SyncProgress | null } = { now: null };
      running.set(projectId, run);
      return {
        report(progress) {
          run.now = progress;
        },
        end() {
          if (running.get(projectId) === run) running.delete(projectId);
        },
      };
    },
  };
}
