// Matches what a folder holds on disk with what is tracked in it: one list of names, each once.

import { isUtf8 } from 'node:buffer';
import { bytesOf, diskPath, type RepoPath } from '../paths.ts';
import { childPath, type IndexChildren } from './index-children.ts';
import { isGitFolderName, LOST_CHARACTER, type NameRules, newSpelling, spellingsOf } from './path-names.ts';
import type { FolderItem, WorktreeFiles } from './worktree-files.ts';

/** `kind` is null for a tracked name that the disk did not list. */
export type NamedItem = { readonly name: string; readonly kind: FolderItem['kind'] | null };

type NamesInput = {
  folder: string;
  items: readonly FolderItem[];
  tracked: IndexChildren;
  worktree: string;
  files: WorktreeFiles;
  names: NameRules;
  /** A name that this runtime cannot hold. */
  onUnreadable(path: RepoPath, error: unknown): void;
};

/** Git's own folders are left out. A tracked name wins over another spelling when the disk finds it so. */
export async function namesIn(input: NamesInput): Promise<NamedItem[]> {
  const { folder, tracked, names } = input;
  const all = [...tracked.files.keys(), ...tracked.folders.keys()];
  const isTracked = (name: string) => tracked.files.has(name) || tracked.folders.has(name);
  const isThere = async (name: string) =>
    (await input.files.lstat(diskPath(input.worktree, childPath(folder, name)))) !== null;
  let spelling: ((name: string) => string | null) | null = null;
  const listed = new Set(input.items.map((item) => item.name));
  const found = new Map<string, FolderItem['kind'] | null>();
  for (const { name, kind } of input.items) {
    if (isGitFolderName(name)) continue;
    if (isTracked(name)) {
      found.set(name, kind);
      continue;
    }
    if (name.includes(LOST_CHARACTER) && !(await isThere(name))) {
      // A tracked name of raw bytes is found unreadable by itself; this is only its shadow.
      if (all.every((other) => isUtf8(bytesOf(other)))) {
        input.onUnreadable(childPath(folder, name), new Error('its name is not UTF-8'));
      }
      continue;
    }
    spelling ??= spellingsOf(all, names);
    const other = spelling(name);
    // Listed by itself, the other spelling is another file.
    if (other !== null && !listed.has(other) && (await isThere(other))) found.set(other, kind);
    else found.set(newSpelling(name, names), kind);
  }
  for (const name of all) if (!found.has(name)) found.set(name, null);
  return [...found].map(([name, kind]) => ({ name, kind }));
}
