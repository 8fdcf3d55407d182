// Watches all projects and tells which of them changed. What it tells are hints, never the truth: the periodic
// scan finds what no event told. A project that cannot be watched is only scanned, and says why.

import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { OpenFolderEvents, WatchTree } from '../host/types.ts';
import type { ProjectId } from '../model/ids.ts';
import type { WatcherStatus } from '../model/service.ts';
import {
  type IsIgnored,
  MOST_PATHS_AT_ONCE,
  type ProjectWatch,
  type WatchBackend,
  type WatchedProject,
  type WatchSink,
} from './backend.ts';
import { chooseBackend } from './choose-backend.ts';
import { createDirtyPaths, type DirtyPaths } from './dirty-paths.ts';
import { isOverflow, scanOnlyReason, watchLimitOf } from './watch-limits.ts';

/** Relative paths with `/` between parts; a folder's path stands for all below it. The last changed `ageMs` ago. */
export type DirtyHint = { projectId: ProjectId; paths: readonly string[] | 'all'; ageMs: number };

export type WatcherDeps = {
  /** The runtime's own recursive watch. */
  watchTree: WatchTree | null;
  /** Events of single folders. Without both, chokidar gives them. */
  openFolderEvents: OpenFolderEvents | null;
  clock: Pick<Clock, 'monotonic' | 'timer'>;
  log: Log;
  /** Must answer false for what it cannot decide. `.git` and `node_modules` are never asked for. */
  isIgnored: IsIgnored;
  /** At most twenty times a second for a project; must not throw. */
  onDirty(hint: DirtyHint): void;
  /** HEAD, the index or a branch changed; at most ten times a second for a project. */
  onGitChange(projectId: ProjectId): void;
  onDegraded(status: WatcherStatus): void;
};

/** `folders`: watched one by one; null when the runtime watches the tree as a whole. */
type ProjectWatchStatus =
  | { readonly mode: 'events'; readonly folders: number | null }
  | { readonly mode: 'scan-only'; readonly reason: string };

export type Watcher = {
  /** Resolves when its events are being told, or when it is clear that it can only be scanned. Again: starts over. */
  add(project: WatchedProject): Promise<void>;
  remove(projectId: ProjectId): Promise<void>;
  /** `watched` counts projects. `scan-only` when no project is watched though some should be. */
  status(): WatcherStatus;
  /** Null for a project that is to be added (again): it was not, or its folder went away. */
  projectStatus(projectId: ProjectId): ProjectWatchStatus | null;
  close(): Promise<void>;
};

type Mode =
  | { kind: 'opening' }
  | { kind: 'events'; watch: ProjectWatch }
  | { kind: 'scan-only'; reason: string }
  | { kind: 'gone' };

type Entry = {
  readonly project: WatchedProject;
  mode: Mode;
  /** Set while changes are gathered, after some were handed over. */
  cancelHint: (() => void) | null;
  cancelGit: (() => void) | null;
  /** When the last change was gathered, monotonic. */
  changedAt: number;
  failedAt: number;
  /** Resolves when nothing of it is being opened or closed. */
  settled: Promise<void>;
};

// git renames several files for one command, each of which is an event.
const GIT_SPACING_MS = 100;
// The first change is handed over at once, those that follow in a burst together.
const HINT_SPACING_MS = 50;
// A watch that fails again so soon is not worth opening once more.
const FAILS_AGAIN_MS = 60_000;

export function createWatcher(deps: WatcherDeps): Watcher {
  return new ProjectsWatcher(deps);
}

class ProjectsWatcher implements Watcher {
  readonly #deps: WatcherDeps;
  readonly #entries = new Map<ProjectId, Entry>();
  readonly #backend: WatchBackend;
  readonly #gathered = createDirtyPaths({ limit: MOST_PATHS_AT_ONCE });

  constructor(deps: WatcherDeps) {
    this.#deps = deps;
    this.#backend = chooseBackend(deps, () => this.#recheckAll());
  }

  async add(project: WatchedProject): Promise<void> {
    await this.remove(project.projectId);
    const entry: Entry = {
      project,
      mode: { kind: 'opening' },
      cancelHint: null,
      cancelGit: null,
      changedAt: Number.NEGATIVE_INFINITY,
      failedAt: Number.NEGATIVE_INFINITY,
      settled: Promise.resolve(),
    };
    this.#entries.set(project.projectId, entry);
    entry.settled = this.#open(entry);
    await entry.settled;
  }

  async remove(projectId: ProjectId): Promise<void> {
    const entry = this.#entries.get(projectId);
    if (!entry) return;
    this.#entries.delete(projectId);
    endWatch(entry, { kind: 'gone' });
    await entry.settled;
    entry.cancelGit?.();
    entry.cancelHint?.();
    this.#gathered.forget(projectId);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((projectId) => this.remove(projectId)));
  }

  status(): WatcherStatus {
    const modes = [...this.#entries.values()].map((entry) => entry.mode);
    const watched = modes.filter((mode) => mode.kind === 'events').length;
    const reasons = modes.flatMap((mode) => (mode.kind === 'scan-only' ? [mode.reason] : []));
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
    const degradedReason = reasons[0] === undefined ? null : reasons[0] + more;
    return { mode: watched === 0 && degradedReason ? 'scan-only' : 'events', watched, degradedReason };
  }

  projectStatus(projectId: ProjectId): ProjectWatchStatus | null {
    const mode = this.#entries.get(projectId)?.mode;
    return mode && mode.kind !== 'gone' ? statusOf(mode) : null;
  }

  #isCurrent(entry: Entry): boolean {
    return this.#entries.get(entry.project.projectId) === entry;
  }

  async #open(entry: Entry): Promise<void> {
    try {
      const watch = await this.#backend(entry.project, this.#sinkOf(entry), this.#deps);
      if (this.#isCurrent(entry) && entry.mode.kind === 'opening') entry.mode = { kind: 'events', watch };
      else await watch.close();
    } catch (error) {
      if (!this.#isCurrent(entry)) return;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#gone(entry);
      else this.#degrade(entry, error);
    }
  }

  #sinkOf(entry: Entry): WatchSink {
    const { projectId } = entry.project;
    return {
      onPaths: (paths) => this.#gather(entry, paths),
      onGit: () => {
        entry.cancelGit ??= this.#deps.clock.timer(GIT_SPACING_MS, () => {
          entry.cancelGit = null;
          this.#deps.onGitChange(projectId);
        });
      },
      onGone: () => this.#gone(entry),
      onError: (error) => this.#recover(entry, error),
    };
  }

  #gather(entry: Entry, paths: DirtyPaths): void {
    this.#gathered.add(entry.project.projectId, paths);
    entry.changedAt = this.#deps.clock.monotonic();
    if (entry.cancelHint === null) this.#handOver(entry);
  }

  #handOver(entry: Entry): void {
    const { projectId } = entry.project;
    entry.cancelHint = null;
    const paths = this.#gathered.take(projectId);
    if (paths === null || !this.#isCurrent(entry)) return;
    entry.cancelHint = this.#deps.clock.timer(HINT_SPACING_MS, () => this.#handOver(entry));
    const ageMs = this.#deps.clock.monotonic() - entry.changedAt;
    this.#deps.onDirty({ projectId, paths: paths === 'all' ? 'all' : [...paths], ageMs });
  }

  #gone(entry: Entry): void {
    const { projectId, path } = entry.project;
    this.#deps.log.info({ projectId, folder: path }, 'the watched folder is gone');
    endWatch(entry, { kind: 'gone' });
    this.#gather(entry, 'all');
  }

  #recover(entry: Entry, error: unknown): void {
    const { projectId } = entry.project;
    if (!this.#isCurrent(entry) || entry.mode.kind !== 'events') return;
    if (isOverflow(error)) {
      entry.mode.watch.recheck();
      return;
    }
    const now = this.#deps.clock.monotonic();
    const failsAgain = now - entry.failedAt < FAILS_AGAIN_MS;
    entry.failedAt = now;
    this.#gather(entry, 'all');
    if (failsAgain || watchLimitOf(error) !== null) {
      this.#degrade(entry, error);
      return;
    }
    this.#deps.log.warn({ projectId, err: error }, 'watching failed: it is started again');
    endWatch(entry, { kind: 'opening' });
    entry.settled = entry.settled.then(() => this.#open(entry));
  }

  #degrade(entry: Entry, error: unknown): void {
    const reason = scanOnlyReason(entry.project.path, error);
    this.#deps.log.warn({ projectId: entry.project.projectId, reason }, 'project is scanned and not watched');
    endWatch(entry, { kind: 'scan-only', reason });
    this.#deps.onDegraded(this.status());
  }

  #recheckAll(): void {
    this.#deps.log.warn('file events came faster than they could be read: all projects are compared');
    for (const { mode } of this.#entries.values()) if (mode.kind === 'events') mode.watch.recheck();
  }
}

function endWatch(entry: Entry, next: Mode): void {
  const { mode } = entry;
  entry.mode = next;
  if (mode.kind !== 'events') return;
  const before = entry.settled;
  entry.settled = mode.watch.close().then(() => before);
}

function statusOf(mode: Exclude<Mode, { kind: 'gone' }>): ProjectWatchStatus {
  switch (mode.kind) {
    case 'events':
      return { mode: 'events', folders: mode.watch.folders() };
    case 'scan-only':
      return { mode: 'scan-only', reason: mode.reason };
    case 'opening':
      return { mode: 'scan-only', reason: 'watching is being started' };
  }
}
