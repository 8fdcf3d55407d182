// Looks of a scan that need not be taken again: where a short look shows that the work tree, git's files and the
// settings are as the scans before found them. Remembers of each project only what row its settings were stored in.

import { createHash } from 'node:crypto';
import { PROJECT_FILE } from '../detect/project-file.ts';
import type { ChangeScanner, ScanAim, ScanResult } from '../git/changes/change-scanner.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { Row } from '../store/database.ts';
import type { SavedProject } from '../store/projects.ts';

/** `isRefreshed`: neither the project's files nor its row say anything new about its settings. */
export type KnownLook = { readonly scan: ScanResult; readonly aim: string; readonly isRefreshed: boolean };

export type KnownLooks = {
  /** By path, of those of which a whole look would find the same. */
  recall(saved: readonly SavedProject[], signal: AbortSignal): Promise<ReadonlyMap<string, KnownLook>>;
  /** Its settings were just brought up to date with its files and this row. */
  refreshed(saved: SavedProject): void;
  /** `known` where that is what was asked for, otherwise a whole look; null when it did not come about. */
  look(project: Project, known: KnownLook | undefined, signal: AbortSignal): Promise<ScanResult | null>;
  forget(projectId: ProjectId): void;
};

export function createKnownLooks({ scanner, log }: { scanner: ChangeScanner; log: Log }): KnownLooks {
  const rows = new Map<ProjectId, { path: string; digest: string }>();
  return {
    async recall(saved, signal) {
      const asked = saved.map(({ project }) => ({ worktree: project.path, ...aimOf(project) }));
      const found = new Map<string, KnownLook>();
      const scans = await scanner.recall(asked, signal).catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        if (!signal.aborted)
          log.warn({ code: error.code, detail: error.message }, 'no work tree was found as it was');
        return [];
      });
      for (const [at, { project, row }] of saved.entries()) {
        const scan = scans[at] ?? null;
        if (scan === null) continue;
        // What blocks it may be something else than its files.
        const isRefreshed =
          project.facts.blocked === null && rows.get(project.projectId)?.digest === digestOf(row);
        found.set(project.path, { scan, aim: JSON.stringify(aimOf(project)), isRefreshed });
      }
      return found;
    },
    refreshed({ project: { projectId, path }, row }) {
      rows.set(projectId, { path, digest: digestOf(row) });
    },
    async look(project, known, signal) {
      const aim = aimOf(project);
      if (known?.aim === JSON.stringify(aim)) return known.scan;
      const { projectId, path } = project;
      try {
        return await scanner.scan(path, signal, aim);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const { code, message: detail } = error;
        log.warn({ projectId, code, detail }, 'a project was not scanned');
        return null;
      }
    },
    forget(projectId) {
      const known = rows.get(projectId);
      if (known) scanner.forget(known.path);
      rows.delete(projectId);
    },
  };
}

function aimOf({ github }: Project): ScanAim {
  return { syncBranches: github.syncBranches, alsoRead: [PROJECT_FILE] };
}

function digestOf(row: Row): string {
  return createHash('sha1').update(JSON.stringify(row)).digest('base64');
}
