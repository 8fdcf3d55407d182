// Walks folders of the work tree side by side with the index and says what is there, what is new and what is
// missing. Compares no contents. Never enters git's own folder, other repositories, submodules or linked folders.

import type { BigIntStats } from 'node:fs';
import { Failure } from '../../model/failure.ts';
import type { IndexEntry, IndexFile } from '../index/index-file.ts';
import { errorCode } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { diskPath, type RepoPath } from '../paths.ts';
import { FILE_MODE } from '../types.ts';
import { namesIn } from './folder-names.ts';
import type { FolderRules, IgnoreRules } from './ignore.ts';
import { childPath, childrenOf, type IndexRange, NO_ENTRIES, rangeOf } from './index-children.ts';
import type { NameRules } from './path-names.ts';
import type { FolderItem, WorktreeFiles } from './worktree-files.ts';

/** Something on disk that is no folder. `entry` is null when it is not tracked, and then it is not ignored. */
export type FoundFile = {
  readonly path: RepoPath;
  readonly entry: IndexEntry | null;
  readonly stats: BigIntStats;
};

export type WalkFindings = {
  onFile(file: FoundFile): void;
  onMissing(entry: IndexEntry): void;
  /** Cannot be looked at: nothing is said of it or of what lies below. */
  onUnreadable(path: RepoPath, error: unknown): void;
};

export type WalkInput = {
  worktree: string;
  index: IndexFile;
  ignore: IgnoreRules;
  files: WorktreeFiles;
  names: NameRules;
  signal: AbortSignal;
};

/** `rules` answers the rules inside, once it is known whether the folder has a file of its own. */
type Folder = {
  readonly path: string;
  readonly range: IndexRange;
  rules(hasFile: boolean): Promise<FolderRules>;
};

/** `range` is what is tracked below it; `kind` is null when the disk has not been asked. `rules` answers its folder's. */
type Item = {
  readonly path: RepoPath;
  readonly name: string;
  readonly kind: FolderItem['kind'] | null;
  readonly entry: IndexEntry | null;
  readonly range: IndexRange;
  rules(): FolderRules | Promise<FolderRules>;
};

/**
 * Looks at everything at and below `unit`; the empty string is the whole work tree. The folders above must be
 * known to be inside (worktree-place.ts).
 * @throws Failure `folder-missing`, `folder-unreadable` for the top, `file-unreadable` for ignore rules
 */
export async function walkWorktree(unit: string, input: WalkInput, findings: WalkFindings): Promise<void> {
  const { index, ignore, files } = input;
  const range = rangeOf(index, unit);
  let level: Folder[] = [{ path: '', range, rules: () => ignore.root() }];
  if (unit !== '') {
    const path = unit as RepoPath;
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    // Only new files and folders are judged by rules; most units are tracked files.
    const rules = async () => {
      let inside = await ignore.root();
      for (const part of parts) inside = await inside.enter(part);
      return inside;
    };
    const item = { path, name, kind: null, entry: index.find(path), range, rules };
    level = await lookAt(item, input, findings);
  }
  while (level.length > 0) {
    const below = await mapConcurrently(level, files.atOnce, (folder) => enter(folder, input, findings));
    level = below.flat();
  }
}

/** Looks at everything in a folder; answers the folders in it that are to be walked. */
async function enter(folder: Folder, input: WalkInput, findings: WalkFindings): Promise<Folder[]> {
  const { worktree, index, files, names, signal } = input;
  const { path, range } = folder;
  signal.throwIfAborted();
  await files.breathe();
  const items = await list(folder, input, findings);
  if (items === 'unreadable') return [];
  if (items === null) {
    allMissing(range, index, findings);
    return [];
  }
  if (path !== '' && items.some((item) => item.name === '.git')) return [];
  const tracked = childrenOf(index, path, range);
  const { onUnreadable } = findings;
  const present = await namesIn({ folder: path, items, tracked, worktree, files, names, onUnreadable });
  const rules = await folder.rules(items.some((item) => item.name === '.gitignore'));
  const below = await mapConcurrently(present, files.atOnce, ({ name, kind }) => {
    const entry = tracked.files.get(name) ?? null;
    const inside = tracked.folders.get(name) ?? NO_ENTRIES;
    const item = { path: childPath(path, name), name, kind, entry, range: inside, rules: () => rules };
    return lookAt(item, input, findings);
  });
  return below.flat();
}

/** Judges one name; answers the folder to walk when it is one. */
async function lookAt(item: Item, input: WalkInput, findings: WalkFindings): Promise<Folder[]> {
  const { path, name, kind, entry, range, rules } = item;
  if (entry?.mode === FILE_MODE.submodule) return [];
  if (kind === 'folder') return asFolder(item, await rules(), findings);
  // A new file that is ignored takes no look at the disk.
  if (kind !== null && entry === null && (await rules()).isIgnored(name, false)) {
    allMissing(range, input.index, findings);
    return [];
  }
  let stats: BigIntStats | null;
  try {
    stats = await input.files.lstat(diskPath(input.worktree, path));
  } catch (error) {
    findings.onUnreadable(path, error);
    return [];
  }
  if (stats?.isDirectory()) return asFolder(item, await rules(), findings);
  allMissing(range, input.index, findings);
  if (stats === null && entry !== null) findings.onMissing(entry);
  if (stats !== null && (entry !== null || !(await rules()).isIgnored(name, false)))
    findings.onFile({ path, entry, stats });
  return [];
}

function asFolder({ path, name, entry, range }: Item, rules: FolderRules, findings: WalkFindings): Folder[] {
  if (entry !== null) findings.onMissing(entry);
  const isEmpty = range.from === range.to;
  if (isEmpty && rules.isIgnored(name, true)) return [];
  return [{ path, range, rules: (hasFile) => rules.enter(name, hasFile) }];
}

async function list(
  { path }: Folder,
  { worktree, files }: WalkInput,
  findings: WalkFindings,
): Promise<FolderItem[] | null | 'unreadable'> {
  try {
    const items = await files.list(path === '' ? worktree : diskPath(worktree, path));
    if (items !== null || path !== '') return items;
  } catch (error) {
    if (path === '') {
      throw new Failure('folder-unreadable', `Cannot list ${worktree}: ${errorCode(error)}.`, {
        cause: error,
      });
    }
    findings.onUnreadable(path as RepoPath, error);
    return 'unreadable';
  }
  throw new Failure('folder-missing', `There is no folder ${worktree}.`);
}

function allMissing(range: IndexRange, index: IndexFile, findings: WalkFindings): void {
  for (let at = range.from; at < range.to; at += 1) findings.onMissing(index.entryAt(at));
}
