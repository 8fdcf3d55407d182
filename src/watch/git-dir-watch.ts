// Watches what of a project's git folder tells of a person's doing: its top level and the branches. Never objects.

import type { Log } from '../host/log.ts';
import type { FolderEvent } from '../host/types.ts';
import type { WatchedProject } from './backend.ts';
import { FolderTree } from './folder-tree.ts';
import { BRANCHES_FOLDER, isGitSignal } from './git-signals.ts';

export type GitDirWatch = {
  /** Takes the event when it comes from a git folder; false when it is not ours. */
  accepts(event: FolderEvent): boolean;
  /** Watches what is there now, also after the folder was replaced. */
  open(): Promise<void>;
  /** Resolves when no folder of branches is being looked at. */
  close(): Promise<void>;
};

type Deps = {
  project: WatchedProject;
  /** See FolderEvents.watch. */
  watch(folder: string): (() => void) | null;
  onGit(): void;
  onError(error: unknown): void;
  log: Log;
};

export function createGitDirWatch({ project, watch, onGit, onError, log }: Deps): GitDirWatch {
  const tops = new Map<string, () => void>();
  const branches = `${project.commonDir}/${BRANCHES_FOLDER}`;
  const tree = new FolderTree({ root: branches, watch, isIgnoredFolder: () => false, log });
  let last: Promise<void> = Promise.resolve();
  let closed = false;

  function unwatchAll(): void {
    for (const unwatch of tops.values()) unwatch();
    tops.clear();
    tree.prune('');
  }

  /** One step at a time: branch folders come and go in a row. */
  function next(step: () => Promise<unknown>): Promise<void> {
    const done = last.then(async () => {
      if (!closed) await step();
    });
    last = done.catch(() => {}); // the caller gets `done` and its error
    return done;
  }

  function branchesChanged(folder: string, { name, renamed }: FolderEvent): void {
    if (name?.endsWith('.lock')) return;
    onGit();
    if (renamed && name !== null) next(() => tree.settle(folder, name)).catch(onError);
  }

  return {
    accepts(event) {
      if (event.folder === branches || event.folder.startsWith(`${branches}/`)) {
        branchesChanged(event.folder.slice(branches.length + 1), event);
        return true;
      }
      if (!tops.has(event.folder)) return false;
      if (event.name === null || isGitSignal(event.name)) onGit();
      return true;
    },
    open: () =>
      next(async () => {
        unwatchAll();
        for (const folder of new Set([project.gitDir, project.commonDir])) {
          const unwatch = watch(folder);
          if (unwatch) tops.set(folder, unwatch);
        }
        await tree.grow('');
      }),
    async close() {
      closed = true;
      await last;
      unwatchAll();
    },
  };
}
