// The folders of one tree that are being watched, kept in step with the disk. Each folder is watched before it is
// listed, so that nothing created in between is missed. Knows nothing of hints or of git.

import { lstat, readdir } from 'node:fs/promises';
import type { Log } from '../host/log.ts';
import { NEVER_WATCHED } from './backend.ts';

/** What an entry that appeared, vanished or was replaced is now. `skipped`: not ours (ignored, a nested repository). */
export type EntryKind = 'file' | 'folder' | 'missing' | 'skipped';

export type FolderTreeDeps = {
  /** Absolute; must not change. */
  root: string;
  /** See FolderEvents.watch. */
  watch(folder: string): (() => void) | null;
  isIgnoredFolder(path: string): Promise<boolean> | boolean;
  log: Log;
};

type Folder = { unwatch: () => void; children: Set<string> };

// Listings at the same time: more does not help a disk and starves what else the service reads.
const LISTINGS_AT_ONCE = 16;

export const joinPath = (folder: string, name: string) => (folder === '' ? name : `${folder}/${name}`);
export const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
export const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Paths are relative to the root, which is `''`. */
export class FolderTree {
  readonly #deps: FolderTreeDeps;
  readonly #folders = new Map<string, Folder>();

  constructor(deps: FolderTreeDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#folders.size;
  }

  has(path: string): boolean {
    return this.#folders.has(path);
  }

  /** Watches the folder and all below it; leaves out and forgets what is gone or ignored now. */
  async grow(path: string): Promise<void> {
    const waiting = [path];
    while (waiting.length > 0) {
      const found = await Promise.all(waiting.splice(-LISTINGS_AT_ONCE).map((next) => this.#visit(next)));
      for (const paths of found) waiting.push(...paths);
    }
  }

  /** Ends the watches of the folder and all below it. */
  prune(path: string): void {
    const folder = this.#folders.get(path);
    if (!folder) return;
    folder.unwatch();
    this.#folders.delete(path);
    if (path !== '') this.#folders.get(parentOf(path))?.children.delete(nameOf(path));
    for (const name of folder.children) this.prune(joinPath(path, name));
  }

  /** Settles an entry of `folder` that the system reported as renamed, and says what it is. */
  async settle(folder: string, name: string): Promise<EntryKind> {
    if (NEVER_WATCHED.has(name)) return 'skipped';
    const path = joinPath(folder, name);
    const kind = await kindOf(this.#absolute(path));
    const wasFolder = this.has(path);
    // Even when a folder of this name is there, it may be another one than the one that is watched.
    this.prune(path);
    if (kind === 'missing') return wasFolder ? 'folder' : 'missing';
    if (kind === 'file') return 'file';
    if (await this.#deps.isIgnoredFolder(path)) return 'skipped';
    await this.grow(path);
    if (this.has(path)) return 'folder';
    return (await kindOf(this.#absolute(path))) === 'missing' ? 'missing' : 'skipped';
  }

  #absolute(path: string): string {
    return path === '' ? this.#deps.root : `${this.#deps.root}/${path}`;
  }

  /** Watches one folder and answers the folders in it that are to be looked at next. */
  async #visit(path: string): Promise<string[]> {
    if (!this.#ensureWatched(path)) return [];
    const entries = await this.#list(path);
    const nested = path !== '' && entries?.some((entry) => entry.name === '.git');
    if (entries === null || nested) {
      this.prune(path);
      return [];
    }
    const wanted: string[] = [];
    for (const { name, isFolder } of entries) {
      if (!isFolder || NEVER_WATCHED.has(name)) continue;
      const child = joinPath(path, name);
      if (!(await this.#deps.isIgnoredFolder(child))) wanted.push(child);
    }
    const kept = new Set(wanted.map(nameOf));
    for (const name of [...(this.#folders.get(path)?.children ?? [])]) {
      if (!kept.has(name)) this.prune(joinPath(path, name));
    }
    return wanted;
  }

  /** False when the folder is gone, or its parent is no longer ours. */
  #ensureWatched(path: string): boolean {
    if (this.has(path)) return true;
    const parent = this.#folders.get(parentOf(path));
    if (path !== '' && !parent) return false;
    const unwatch = this.#watch(path);
    if (!unwatch) return false;
    this.#folders.set(path, { unwatch, children: new Set() });
    parent?.children.add(nameOf(path));
    return true;
  }

  #watch(path: string): (() => void) | null {
    try {
      return this.#deps.watch(this.#absolute(path));
    } catch (error) {
      if (isAbsence(error)) return null;
      this.#passUnreadable(error, path);
      return null;
    }
  }

  /** Null when the folder is not there. */
  async #list(path: string): Promise<{ name: string; isFolder: boolean }[] | null> {
    try {
      const entries = await readdir(this.#absolute(path), { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
    } catch (error) {
      if (isAbsence(error)) return null;
      this.#passUnreadable(error, path);
      return [];
    }
  }

  #passUnreadable(error: unknown, path: string): void {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    this.#deps.log.debug({ folder: this.#absolute(path) }, 'folder is not watched: no permission to read it');
  }
}

/** ELOOP: a link that leads to itself took its place. */
const isAbsence = (error: unknown) => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
};

/** What is at an absolute path; a fault other than absence counts as a file: the sync looks and says so. */
export async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    return isAbsence(error) ? 'missing' : 'file';
  }
}
