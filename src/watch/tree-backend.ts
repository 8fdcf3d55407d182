// Watches one project through a recursive watch of the runtime (Deno on systems other than Linux), which also sees
// what is ignored: here those paths are filtered out. Paths are only collected when they come; a loop settles them.

import { realpath } from 'node:fs/promises';
import type { WatchTree } from '../host/types.ts';
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
import { kindOf, nameOf, parentOf } from './folder-tree.ts';
import { BRANCHES_FOLDER, isGitSignal } from './git-signals.ts';
import { createSettleLoop, type SettleLoop } from './settle-loop.ts';

export function createTreeBackend(watchTree: WatchTree): WatchBackend {
  return async (project, sink, deps) => {
    const watch = new WholeTree(project, sink, deps);
    try {
      await watch.open(watchTree);
    } catch (error) {
      await watch.close();
      throw error;
    }
    return watch;
  };
}

class WholeTree implements ProjectWatch {
  readonly #project: WatchedProject;
  readonly #sink: WatchSink;
  readonly #isIgnored: BackendDeps['isIgnored'];
  readonly #loop: SettleLoop;
  readonly #watches: { close(): Promise<void> }[] = [];
  #waiting = new Set<string>();
  #everything = false;
  /** Which folder is watched under the project's path; null before `open()`. */
  #identity: string | null = null;

  constructor(project: WatchedProject, sink: WatchSink, { isIgnored }: BackendDeps) {
    this.#project = project;
    this.#sink = sink;
    this.#isIgnored = isIgnored;
    this.#loop = createSettleLoop(
      () => this.#settle(),
      (error) => sink.onError(error),
    );
  }

  async open(watchTree: WatchTree): Promise<void> {
    this.#identity = await identityOf(this.#project.path);
    await this.#watch(watchTree, this.#project.path, (changed) => this.#collect(changed));
    for (const { folder, prefix } of gitFoldersOutside(this.#project)) {
      await this.#watch(watchTree, folder, (changed) => this.#gitChanged(prefix + changed));
    }
  }

  async #watch(watchTree: WatchTree, folder: string, take: (path: string) => void): Promise<void> {
    // Some systems name the paths with symbolic links resolved.
    const roots = [folder, await realpath(folder)];
    const onChange = (paths: string[]) => {
      for (const changed of paths) {
        const path = this.#loop.closed ? null : relativeTo(roots, changed);
        if (path !== null) take(path);
      }
    };
    const onError = (error: unknown) => {
      if (!this.#loop.closed) this.#sink.onError(error);
    };
    this.#watches.push(watchTree(folder, { onChange, onError }));
  }

  folders(): null {
    return null;
  }

  recheck(): void {
    this.#everything = true;
    this.#loop.wake();
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await Promise.all(this.#watches.map((watch) => watch.close()));
  }

  #gitChanged(path: string): void {
    if (isGitSignal(path)) this.#sink.onGit();
  }

  #collect(path: string): void {
    if (path === '.git') this.#sink.onGit();
    else if (path.startsWith('.git/')) this.#gitChanged(path.slice('.git/'.length));
    else this.#waiting.add(path);
    if (this.#waiting.size > MOST_WAITING) {
      this.#everything = true;
      this.#waiting.clear();
    }
    if (this.#everything || this.#waiting.size > 0) this.#loop.wake();
  }

  async #settle(): Promise<boolean> {
    if (!this.#everything && this.#waiting.size === 0) return false;
    const identity = await presentIdentity(this.#project.path);
    if (identity === null) {
      this.#sink.onGone();
      return false;
    }
    if (identity !== this.#identity) throw new Error(`${this.#project.path} was replaced by another folder`);
    const taken = this.#waiting;
    this.#waiting = new Set();
    const paths = this.#everything ? 'all' : await this.#wanted(taken);
    if (paths === 'all') this.#everything = false;
    if (!this.#loop.closed && (paths === 'all' || paths.size > 0)) this.#sink.onPaths(paths);
    return true;
  }

  async #wanted(taken: ReadonlySet<string>): Promise<ReadonlySet<string> | 'all'> {
    const wanted = new Set<string>();
    const outside = new Map<string, Promise<boolean>>([['', Promise.resolve(false)]]);
    for (const path of taken) {
      if (path === '' || NEVER_WATCHED.has(nameOf(path))) continue;
      if (await this.#isOutside(outside, parentOf(path))) continue;
      if (path.includes('\uFFFD')) return 'all';
      const isFolder = (await kindOf(`${this.#project.path}/${path}`)) === 'folder';
      const skipped = isFolder
        ? await this.#isOutside(outside, path)
        : await this.#isIgnored(this.#project.projectId, path, false);
      if (!skipped) wanted.add(path);
      if (wanted.size > MOST_PATHS_AT_ONCE) return 'all';
    }
    return wanted;
  }

  /** Whether a folder is ignored, a repository of its own, or lies in such a folder. */
  #isOutside(known: Map<string, Promise<boolean>>, folder: string): Promise<boolean> {
    const found = known.get(folder);
    if (found) return found;
    const answer = (async () => {
      if (await this.#isOutside(known, parentOf(folder))) return true;
      if (NEVER_WATCHED.has(nameOf(folder))) return true;
      if (await this.#isIgnored(this.#project.projectId, folder, true)) return true;
      return (await kindOf(`${this.#project.path}/${folder}/.git`)) !== 'missing';
    })();
    known.set(folder, answer);
    return answer;
  }
}

/** In a linked worktree or submodule. packed-refs is left out: it would mean watching all objects, too. */
function gitFoldersOutside({ path, gitDir, commonDir }: WatchedProject) {
  if (gitDir.startsWith(`${path}/`)) return [];
  const top = { folder: gitDir, prefix: '' };
  if (commonDir === gitDir) return [top];
  return [top, { folder: `${commonDir}/${BRANCHES_FOLDER}`, prefix: `${BRANCHES_FOLDER}/` }];
}

/** Null for a path outside. */
function relativeTo(roots: readonly string[], path: string): string | null {
  for (const root of roots) {
    if (path === root) return '';
    if (path.startsWith(`${root}/`)) return path.slice(root.length + 1);
  }
  return null;
}
