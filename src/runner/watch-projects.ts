// Watching as the pipeline needs it: by project, switched off by setting, started once for each.

import { openRepository } from '../git/repository.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { WatcherStatus } from '../model/service.ts';
import { createWatcher, type DirtyHint } from '../watch/watcher.ts';
import type { IgnoreCache } from './ignore-cache.ts';
import type { ProjectTable } from './project-table.ts';

export type WatchPorts = Pick<Host, 'watchTree' | 'openFolderEvents'> & { ignores: IgnoreCache };

export type ProjectWatcher = {
  /** What is watched stays as it is; what fell back to scanning is tried again; disabled, it is watched no longer. */
  add(project: Project): Promise<void>;
  remove(projectId: ProjectId): Promise<void>;
  status(): WatcherStatus;
  close(): Promise<void>;
};

type Hear = { onDirty(hint: DirtyHint): void; onGitChange(projectId: ProjectId): void };

export function openWatch(
  ports: { watch: WatchPorts | null; clock: Clock; log: Log; projects: ProjectTable },
  hear: Hear,
): ProjectWatcher {
  const { watch, clock, log, projects } = ports;
  if (watch === null) return SWITCHED_OFF;
  const watcher = createWatcher({
    ...hear,
    watchTree: watch.watchTree,
    openFolderEvents: watch.openFolderEvents,
    clock,
    log,
    async isIgnored(projectId, path, isFolder) {
      const project = projects.get(projectId);
      return project === undefined || watch.ignores.isIgnored(project, path, isFolder);
    },
    onDegraded: (status) => log.warn({ ...status }, 'changes of some projects are found by scanning only'),
  });
  async function remove(projectId: ProjectId): Promise<void> {
    await watcher.remove(projectId);
    watch?.ignores.forget(projectId);
  }

  return {
    async add({ projectId, path, github }) {
      if (!github.enabled) return remove(projectId);
      if (watcher.projectStatus(projectId)?.mode === 'events') return;
      try {
        const { gitDir, commonDir } = await openRepository(path);
        await watcher.add({ projectId, path, gitDir, commonDir });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        log.debug({ projectId, code: error.code }, 'not watched yet; the next scan tries again');
      }
    },
    remove,
    status: () => watcher.status(),
    close: () => watcher.close(),
  };
}

const SWITCHED_OFF: ProjectWatcher = {
  add: async () => undefined,
  remove: async () => undefined,
  status: () => ({ mode: 'scan-only', watched: 0, degradedReason: 'Watching is switched off (SYNC_WATCH).' }),
  close: async () => undefined,
};
