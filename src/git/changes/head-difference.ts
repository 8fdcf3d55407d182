// Where the index and the HEAD tree differ. Costs nothing for folders whose tree the index already knows
// (its TREE extension), so that a clean repository of any size takes no object reads at all.

import type { IndexEntry, IndexFile } from '../index/index-file.ts';
import { lookUp } from '../objects/trees.ts';
import type { RepoPath } from '../paths.ts';
import { FILE_MODE, type ObjectStore, type TreeEntry } from '../types.ts';
import { childPath, childrenOf, type IndexRange, NO_ENTRIES, rangeOf } from './index-children.ts';

export type TreeSide = { readonly mode: number; readonly oid: string };
/** What HEAD has there, null for nothing; and whether the index has an entry. */
export type Difference = { readonly head: TreeSide | null; readonly isTracked: boolean };
export type HeadDifference = Map<RepoPath, Difference>;

/** `tree` is HEAD's root tree, null on a branch without commits. */
export type HeadComparison = { objects: ObjectStore; tree: string | null; index: IndexFile };

/** Compares the whole, or what lies at and below one path (`at`, the empty string for everything). */
export async function compareWithHead(
  comparison: HeadComparison,
  at: string,
  found: HeadDifference,
): Promise<void> {
  const { index, objects, tree } = comparison;
  const walk = createTreeWalk(objects, index, found);
  if (at === '') return walk.compare('', tree, rangeOf(index, ''));
  const path = at as RepoPath;
  const head = tree === null ? null : await lookUp(objects, tree, path);
  const entry = index.find(path);
  const isTree = head?.mode === FILE_MODE.tree;
  walk.compareEntry(path, entry, isTree ? null : head);
  await walk.compare(at, isTree ? head.oid : null, rangeOf(index, at));
}

function createTreeWalk(objects: ObjectStore, index: IndexFile, found: HeadDifference) {
  // Thousands of folders: only taken apart when there is a folder to compare.
  let known: Map<string, string> | null = null;

  const compareEntry = (path: RepoPath, entry: IndexEntry | null, head: TreeSide | null) => {
    const same =
      entry === null
        ? head === null
        : head !== null && !entry.intentToAdd && entry.oid === head.oid && entry.mode === head.mode;
    if (!same) found.set(path, { head, isTracked: entry !== null });
  };

  const compare = async (folder: string, tree: string | null, range: IndexRange): Promise<void> => {
    if (tree === null && range.from === range.to) return;
    known ??= knownTrees(index.extension('TREE'));
    if (tree !== null && known.get(folder) === tree) return;
    const heads = new Map<string, TreeEntry>();
    if (tree !== null) for (const entry of await objects.readTree(tree)) heads.set(entry.name, entry);
    const { files, folders } = childrenOf(index, folder, range);
    for (const name of new Set([...heads.keys(), ...files.keys(), ...folders.keys()])) {
      const path = childPath(folder, name);
      const head = heads.get(name) ?? null;
      const isTree = head?.mode === FILE_MODE.tree;
      compareEntry(path, files.get(name) ?? null, isTree ? null : head && { mode: head.mode, oid: head.oid });
      await compare(path, isTree ? head.oid : null, folders.get(name) ?? NO_ENTRIES);
    }
  };

  return { compare, compareEntry };
}

/** Folders whose tree the index vouches for: name NUL count SP subtrees LF, and the id unless count is negative. */
function knownTrees(extension: Buffer | null): Map<string, string> {
  const trees = new Map<string, string>();
  if (extension === null) return trees;
  let at = 0;
  const readNode = (parent: string | null): boolean => {
    const nameEnd = extension.indexOf(0, at);
    const lineEnd = extension.indexOf(0x0a, nameEnd);
    if (nameEnd < 0 || lineEnd < 0) return false;
    const name = extension.toString('latin1', at, nameEnd);
    const [count = -1, subtrees = 0] = extension
      .toString('latin1', nameEnd + 1, lineEnd)
      .split(' ')
      .map(Number);
    const folder = parent === null ? '' : childPath(parent, name);
    at = lineEnd + 1;
    if (count >= 0) {
      trees.set(folder, extension.toString('hex', at, at + 20));
      at += 20;
    }
    for (let left = subtrees; left > 0; left -= 1) if (!readNode(folder)) return false;
    return true;
  };
  // A damaged extension vouches for nothing.
  return readNode(null) ? trees : new Map();
}
