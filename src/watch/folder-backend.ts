// Watches one project folder by folder: joins the events of single folders, the tree of watched folders and the
// git folder, and tells which paths changed. Events are only collected when they come; a loop settles them.

import type { FolderEvent, FolderEvents, OpenFolderEvents } from '../host/types.ts';
import {
  type BackendDeps,
  MOST_PATHS_AT_ONCE,
  MOST_WAITING,
  NEVER_WATCHED,
  type ProjectWatch,
  type WatchBackend,
  type WatchedProject,
  type WatchSink,
} from './backend.ts';

import { identityOf, presentIdentity } from './folder-identity.ts';
import { FolderTree, joinPath } from './folder-tree.ts';
import { createGitDirWatch, type GitDirWatch } from './git-dir-watch.ts';
import { createSettleLoop, type SettleLoop } from './settle-loop.ts';

// Entries looked at together.
const SETTLED_AT_ONCE = 16;

export function createFolderBackend(openFolderEvents: OpenFolderEvents): WatchBackend {
  return async (project, sink, deps) => {
    const watch = new FolderByFolder(project, sink, deps, openFolderEvents);
    try {
      await watch.open();
    } catch (error) {
      await watch.close();
      throw error;
    }
    return watch;
  };
}

class FolderByFolder implements ProjectWatch {
  readonly #project: WatchedProject;
  readonly #sink: WatchSink;
  readonly #isIgnored: BackendDeps['isIgnored'];
  readonly #events: FolderEvents;
  readonly #tree: FolderTree;
  readonly #gitDir: GitDirWatch;
  readonly #loop: SettleLoop;
  /** By folder: the names of changed entries, each with whether it was renamed. */
  #waiting = new Map<string, Map<string, boolean>>();
  #waitingCount = 0;
  #startOver = false;
  /** Which folder is watched under the project's path; null before `open()`. */
  #identity: string | null = null;

  constructor(project: WatchedProject, sink: WatchSink, deps: BackendDeps, openEvents: OpenFolderEvents) {
    const onError = (error: unknown) => {
      if (!this.#loop.closed) sink.onError(error);
    };
    const onGit = () => {
      if (!this.#loop.closed) sink.onGit();
    };
    const { log, isIgnored } = deps;
    this.#project = project;
    this.#sink = sink;
    this.#isIgnored = isIgnored;
    this.#loop = createSettleLoop(() => this.#settle(), onError);
    this.#events = openEvents({ onEvent: (event) => this.#collect(event), onError });
    const watch = (folder: string) => this.#events.watch(folder);
    const isIgnoredFolder = (path: string) => isIgnored(project.projectId, path, true);
    this.#tree = new FolderTree({ root: project.path, watch, isIgnoredFolder, log });
    this.#gitDir = createGitDirWatch({ project, watch, onGit, onError, log });
  }

  async open(): Promise<void> {
    this.#identity = await identityOf(this.#project.path);
    await this.#gitDir.open();
    await this.#tree.grow('');
  }

  folders(): number {
    return this.#tree.size;
  }

  recheck(): void {
    this.#startOver = true;
    this.#loop.wake();
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#gitDir.close();
    this.#tree.prune('');
    await this.#events.close();
  }

  #collect(event: FolderEvent): void {
    if (this.#loop.closed || this.#gitDir.accepts(event)) return;
    const folder = event.folder.slice(this.#project.path.length + 1);
    const names = this.#waiting.get(folder) ?? new Map<string, boolean>();
    this.#waiting.set(folder, names);
    const name = event.name ?? '';
    if (!names.has(name)) this.#waitingCount += 1;
    names.set(name, event.renamed || names.get(name) === true);
    if (this.#waitingCount > MOST_WAITING) {
      this.#startOver = true;
      this.#takeWaiting();
    }
    this.#loop.wake();
  }

  #takeWaiting(): ReadonlyMap<string, ReadonlyMap<string, boolean>> {
    const taken = this.#waiting;
    this.#waiting = new Map();
    this.#waitingCount = 0;
    return taken;
  }

  async #settle(): Promise<boolean> {
    if (!this.#startOver && this.#waiting.size === 0) return false;
    const identity = await presentIdentity(this.#project.path);
    if (identity === null) {
      this.#sink.onGone();
      return false;
    }
    const paths =
      this.#startOver || identity !== this.#identity
        ? await this.#openAgain(identity)
        : await this.#settleWaiting();
    if (!this.#loop.closed && (paths === 'all' || paths.size > 0)) this.#sink.onPaths(paths);
    return true;
  }

  async #openAgain(identity: string): Promise<'all'> {
    this.#startOver = false;
    this.#takeWaiting();
    this.#identity = identity;
    this.#tree.prune('');
    await this.#gitDir.open();
    await this.#tree.grow('');
    return 'all';
  }

  async #settleWaiting(): Promise<ReadonlySet<string> | 'all'> {
    const paths = new Set<string>();
    let rulesChanged = false;
    for (const [folder, names] of this.#takeWaiting()) {
      if (names.has('.git')) await this.#repositoryChanged(folder);
      rulesChanged ||= names.has('.gitignore');
      const entries = [...names];
      while (entries.length > 0) {
        const some = entries.splice(-SETTLED_AT_ONCE);
        const found = await Promise.all(
          some.map(([name, renamed]) => this.#changedPath(folder, name, renamed)),
        );
        if (paths.size > MOST_PATHS_AT_ONCE) continue; // "all" already: only the watches are kept in step
        for (const path of found) if (path !== null) paths.add(path);
      }
    }
    if (rulesChanged) await this.#tree.grow('');
    return paths.has('') || paths.size > MOST_PATHS_AT_ONCE ? 'all' : paths;
  }

  async #repositoryChanged(folder: string): Promise<void> {
    // A folder below that got a `.git` is a repository of its own now.
    if (folder !== '') return this.#tree.prune(folder);
    await this.#gitDir.open();
    if (!this.#loop.closed) this.#sink.onGit();
  }

  /** The path to tell for one entry: null for none, the folder (the root: `''`) when it is unknown which. */
  async #changedPath(folder: string, name: string, renamed: boolean): Promise<string | null> {
    // The parent of a folder that went away tells so; the entries it had need no telling.
    if (!this.#tree.has(folder)) return null;
    // No name, or one that is not UTF-8.
    if (name === '' || name.includes('\uFFFD')) {
      await this.#tree.grow(folder);
      return folder;
    }
    const path = joinPath(folder, name);
    if (renamed) {
      const kind = await this.#tree.settle(folder, name);
      if (kind === 'folder') return path;
      if (kind === 'skipped') return null;
    } else if (this.#tree.has(path) || NEVER_WATCHED.has(name)) {
      return null; // a folder's own attributes, which git does not keep
    }
    return (await this.#isIgnored(this.#project.projectId, path, false)) ? null : path;
  }
}
