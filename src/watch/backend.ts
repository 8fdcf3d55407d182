// What the watcher and its two backends (folder by folder, the runtime's tree watch) hand each other.

import type { Log } from '../host/log.ts';
import type { ProjectId } from '../model/ids.ts';

/** All absolute. `gitDir` and `commonDir` lie outside `path` in a linked worktree or submodule. */
export type WatchedProject = {
  readonly projectId: ProjectId;
  readonly path: string;
  readonly gitDir: string;
  readonly commonDir: string;
};

/** `path` is relative to the project, `/` between parts. */
export type IsIgnored = (projectId: ProjectId, path: string, isFolder: boolean) => Promise<boolean> | boolean;

/** Where a backend tells what it noticed in one project. Nothing is told after the watch was closed. */
export type WatchSink = {
  onPaths(paths: ReadonlySet<string> | 'all'): void;
  /** HEAD, the index, a branch or the state of a merge changed. */
  onGit(): void;
  /** The project's folder is no longer there; the watch sees nothing more. */
  onGone(): void;
  onError(error: unknown): void;
};

export type ProjectWatch = {
  /** Folders watched one by one; null when the runtime watches the tree as a whole. */
  folders(): number | null;
  /** Starts over: reports everything as changed and watches what is there now. */
  recheck(): void;
  /** Resolves when nothing of the watch runs any more. */
  close(): Promise<void>;
};

export type BackendDeps = { isIgnored: IsIgnored; log: Log };

/** Rejects with the system's error when the project cannot be watched. */
export type WatchBackend = (
  project: WatchedProject,
  sink: WatchSink,
  deps: BackendDeps,
) => Promise<ProjectWatch>;

/** More changed paths than this in one go are told as "all". */
export const MOST_PATHS_AT_ONCE = 500;

/** Events that wait to be settled; above it comparing everything is cheaper than remembering them. */
export const MOST_WAITING = 20_000;

/** Folder names that are never looked into, whatever git's rules say. */
export const NEVER_WATCHED: ReadonlySet<string> = new Set(['.git', 'node_modules']);
