// The tracked children of one folder, taken from the index without decoding what lies deeper.

import type { IndexEntry, IndexFile } from '../index/index-file.ts';
import type { RepoPath } from '../paths.ts';

/** Positions in the index, `to` excluded. */
export type IndexRange = { readonly from: number; readonly to: number };

export type IndexChildren = {
  /** By name; submodules are among them. */
  readonly files: Map<string, IndexEntry>;
  readonly folders: Map<string, IndexRange>;
};

export const NO_ENTRIES: IndexRange = { from: 0, to: 0 };

/** `folder` is the empty string for the top. */
export function rangeOf(index: IndexFile, folder: string): IndexRange {
  return folder === '' ? { from: 0, to: index.count } : index.rangeUnder(folder as RepoPath);
}

/** `range` is that of `folder`. Of a path in conflict only the first stage is kept. */
export function childrenOf(index: IndexFile, folder: string, range: IndexRange): IndexChildren {
  const files = new Map<string, IndexEntry>();
  const folders = new Map<string, IndexRange>();
  const start = folder === '' ? 0 : folder.length + 1;
  for (let at = range.from; at < range.to; ) {
    const entry = index.entryAt(at);
    const slash = entry.path.indexOf('/', start);
    if (slash < 0) {
      const name = entry.path.slice(start);
      if (!files.has(name)) files.set(name, entry);
      at += 1;
    } else {
      const { to } = index.rangeUnder(entry.path.slice(0, slash) as RepoPath);
      folders.set(entry.path.slice(start, slash), { from: at, to });
      at = to;
    }
  }
  return { files, folders };
}

/** The path of a child; both are byte strings. */
export function childPath(folder: string, name: string): RepoPath {
  return (folder === '' ? name : `${folder}/${name}`) as RepoPath;
}
