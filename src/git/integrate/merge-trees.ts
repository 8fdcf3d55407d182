// Merges two trees against their common base, in memory. Renames are not followed: what git could only merge by
// finding a rename is a conflict here (changed on one side, deleted on the other). Knows no work tree.

import type { TreeFile } from '../objects/trees.ts';
import type { RepoPath } from '../paths.ts';
import { FILE_MODE, type ObjectStore, type TreeEntry } from '../types.ts';
import type { KeepsWhole } from './merge-rules.ts';
import { mergeText } from './merge-text.ts';

/** Sides are null where nothing stands; a folder (mode 40000) where one stands in a file's way. */
export type TreeConflict = {
  readonly path: RepoPath;
  readonly base: TreeFile | null;
  readonly ours: TreeFile | null;
  readonly theirs: TreeFile | null;
};

/** `changes` lead from our tree to the merged one; conflicting paths are not among them. */
export type TreeMerge = {
  readonly changes: { path: RepoPath; file: TreeFile | null }[];
  readonly conflicts: TreeConflict[];
};

export type TreeMergeInput = {
  objects: ObjectStore;
  /** Null: an empty tree. */
  base: string | null;
  ours: string | null;
  theirs: string | null;
  /** Paths whose base is not known: there every difference of the two sides is a conflict. `all`: every path. */
  doubtful?: ReadonlySet<string> | 'all';
  keepsWhole: KeepsWhole;
  signal: AbortSignal;
};

type Sides<T> = { base: T; ours: T; theirs: T };
type Entry = TreeEntry | undefined;

/** @throws Failure `object-missing`, `object-corrupt` */
export async function mergeTrees(input: TreeMergeInput): Promise<TreeMerge> {
  const merge: TreeMerge = { changes: [], conflicts: [] };
  const { base, ours, theirs } = input;
  await mergeFolder(input, { base, ours, theirs }, '', merge);
  return merge;
}

/** Answers whether anything stands in the folder after the merge. */
async function mergeFolder(
  input: TreeMergeInput,
  folders: Sides<string | null>,
  prefix: string,
  merge: TreeMerge,
): Promise<boolean> {
  input.signal.throwIfAborted();
  const [base, ours, theirs] = await Promise.all(
    [folders.base, folders.ours, folders.theirs].map((oid) => entriesOf(input.objects, oid)),
  );
  const names = new Set([base, ours, theirs].flatMap((entries) => [...(entries?.keys() ?? [])]));
  let stands = false;
  for (const name of names) {
    const sides = { base: base?.get(name), ours: ours?.get(name), theirs: theirs?.get(name) };
    if (await mergeEntry(input, sides, `${prefix}${name}` as RepoPath, merge)) stands = true;
  }
  return stands;
}

async function mergeEntry(
  input: TreeMergeInput,
  sides: Sides<Entry>,
  path: RepoPath,
  merge: TreeMerge,
): Promise<boolean> {
  const { base, ours, theirs } = sides;
  if (isSame(ours, theirs)) return ours !== undefined;
  const doubt = doubtAt(input, path);
  if (doubt === 'none' && isSame(base, theirs)) return ours !== undefined;
  if (doubt === 'none' && isSame(base, ours)) {
    await replace(input.objects, ours, theirs, path, merge);
    return theirs !== undefined;
  }
  const files = mapSides(sides, (entry) => (isFolder(entry) ? null : fileOf(entry)));
  const folders = mapSides(sides, (entry) => (isFolder(entry) ? entry.oid : null));
  // Collected apart: when a file and a folder claim the name, neither's part holds.
  const part: TreeMerge = { changes: [], conflicts: [] };
  const hasFile = await mergeFile(input, files, path, part, doubt === 'here' || input.doubtful === 'all');
  const hasFolder = await mergeFolder(input, folders, `${path}/`, part);
  if (hasFile && hasFolder) {
    merge.conflicts.push({ path, base: fileOf(base), ours: fileOf(ours), theirs: fileOf(theirs) });
    return true;
  }
  merge.changes.push(...part.changes);
  merge.conflicts.push(...part.conflicts);
  return hasFile || hasFolder;
}

/** Answers whether a file stands there after the merge; a conflict counts as one. */
async function mergeFile(
  input: TreeMergeInput,
  files: Sides<TreeFile | null>,
  path: RepoPath,
  merge: TreeMerge,
  doubtful: boolean,
): Promise<boolean> {
  const { base, ours, theirs } = files;
  if (isSame(ours, theirs)) return ours !== null;
  if (!doubtful && isSame(base, theirs)) return ours !== null;
  if (!doubtful && isSame(base, ours)) {
    merge.changes.push({ path, file: theirs });
    return theirs !== null;
  }
  const merged = doubtful ? null : await mergeContent(input, files, path);
  if (merged === null) {
    merge.conflicts.push({ path, base, ours, theirs });
    return true;
  }
  if (!isSame(merged, ours)) merge.changes.push({ path, file: merged });
  return true;
}

/** Both sides changed a regular file that was there before; null when they cannot both have their way. */
async function mergeContent(
  { objects, keepsWhole }: TreeMergeInput,
  { base, ours, theirs }: Sides<TreeFile | null>,
  path: RepoPath,
): Promise<TreeFile | null> {
  if (base === null || ours === null || theirs === null) return null;
  if (![base, ours, theirs].every(isRegular)) return null;
  const mode = ours.mode === base.mode ? theirs.mode : ours.mode;
  if (ours.oid === theirs.oid) return { mode, oid: ours.oid };
  if (ours.oid === base.oid) return { mode, oid: theirs.oid };
  if (theirs.oid === base.oid) return { mode, oid: ours.oid };
  if (await keepsWhole(path)) return null;
  const [before, mine, other] = await Promise.all([base, ours, theirs].map(({ oid }) => objects.read(oid)));
  if (!before || !mine || !other) return null;
  const text = mergeText(before.content, mine.content, other.content);
  return text === null ? null : { mode, oid: await objects.write('blob', text) };
}

/** Whole folders go over file by file, so that what leads to the merged tree is a list of files. */
async function replace(
  objects: ObjectStore,
  ours: Entry,
  theirs: Entry,
  path: RepoPath,
  merge: TreeMerge,
): Promise<void> {
  const mine = await filesUnder(objects, ours, path);
  const other = await filesUnder(objects, theirs, path);
  for (const gone of mine.keys()) if (!other.has(gone)) merge.changes.push({ path: gone, file: null });
  for (const [at, file] of other) {
    if (!isSame(mine.get(at) ?? null, file)) merge.changes.push({ path: at, file });
  }
}

async function filesUnder(
  objects: ObjectStore,
  entry: Entry,
  path: RepoPath,
): Promise<Map<RepoPath, TreeFile>> {
  const files = new Map<RepoPath, TreeFile>();
  if (entry === undefined) return files;
  if (entry.mode !== FILE_MODE.tree) return files.set(path, { mode: entry.mode, oid: entry.oid });
  for (const child of await objects.readTree(entry.oid)) {
    for (const [at, file] of await filesUnder(objects, child, `${path}/${child.name}` as RepoPath))
      files.set(at, file);
  }
  return files;
}

/** `here`: of the path itself; `below`: of something in the folder. */
function doubtAt({ doubtful }: TreeMergeInput, path: RepoPath): 'none' | 'here' | 'below' {
  if (doubtful === undefined) return 'none';
  if (doubtful === 'all' || doubtful.has(path)) return 'here';
  for (const each of doubtful) if (each.startsWith(`${path}/`)) return 'below';
  return 'none';
}

async function entriesOf(objects: ObjectStore, oid: string | null): Promise<Map<string, TreeEntry>> {
  const entries = oid === null ? [] : await objects.readTree(oid);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function mapSides<T, Result>({ base, ours, theirs }: Sides<T>, map: (side: T) => Result): Sides<Result> {
  return { base: map(base), ours: map(ours), theirs: map(theirs) };
}

function isFolder(entry: Entry): entry is TreeEntry {
  return entry?.mode === FILE_MODE.tree;
}

function fileOf(entry: Entry): TreeFile | null {
  return entry === undefined ? null : { mode: entry.mode, oid: entry.oid };
}

function isRegular({ mode }: TreeFile): boolean {
  return mode === FILE_MODE.file || mode === FILE_MODE.executable;
}

function isSame(a: TreeFile | null | undefined, b: TreeFile | null | undefined): boolean {
  return a?.oid === b?.oid && a?.mode === b?.mode;
}
