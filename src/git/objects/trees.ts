// Looks up, builds and compares trees, touching only the folders that differ.
// Knows nothing of the index or the work tree.

import { mapConcurrently } from '../map-concurrently.ts';
import type { RepoPath } from '../paths.ts';
import { FILE_MODE, type ObjectStore, type TreeEntry } from '../types.ts';
import { objectId, serializeTree } from './object-format.ts';

const WRITTEN_AT_ONCE = 8;
/** Trees held in memory before they are written. */
const MOST_WAITING = 64;

/** What stands at a path: never a folder. */
export type TreeFile = { readonly mode: number; readonly oid: string };

/** Put `file` at the path, or remove the path when `file` is null. */
export type TreeChange = { readonly path: RepoPath; readonly file: TreeFile | null };

export type TreeDifference = {
  readonly path: RepoPath;
  readonly before: TreeFile | null;
  readonly after: TreeFile | null;
};

type Node = { files: Map<string, TreeFile | null>; folders: Map<string, Node> };

/** What stands at the path in a tree (a folder, too); null when nothing does. */
export async function lookUp(
  objects: ObjectStore,
  rootTree: string | null,
  path: RepoPath,
): Promise<TreeFile | null> {
  let here: TreeFile | null = rootTree === null ? null : { mode: FILE_MODE.tree, oid: rootTree };
  for (const name of path.split('/')) {
    if (here === null || here.mode !== FILE_MODE.tree) return null;
    const entries: readonly TreeEntry[] = await objects.readTree(here.oid);
    here = entries.find((entry) => entry.name === name) ?? null;
  }
  return here === null ? null : { mode: here.mode, oid: here.oid };
}

/**
 * Writes the trees that result from the changes and answers the root's id. Folders left empty vanish; a file may
 * take the place of a folder and the reverse.
 * @throws Failure as `ObjectStore.write` and `read` do
 */
export async function buildTree(
  objects: ObjectStore,
  rootTree: string | null,
  changes: Iterable<TreeChange>,
): Promise<string> {
  const written = new TreeWrites(objects);
  const root = (await buildFolder({ objects, written }, rootTree, groupByFolder(changes))) ?? [];
  const oid = await written.add(rootTree, root);
  await written.flush();
  return oid;
}

/** Some are written side by side: a tree's id is known before it is on the disk. */
class TreeWrites {
  readonly #objects: ObjectStore;
  #waiting: Buffer[] = [];

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Answers the id; that of `before` when nothing is different. */
  async add(before: string | null, entries: readonly TreeEntry[]): Promise<string> {
    const content = serializeTree(entries);
    const oid = objectId('tree', content);
    if (oid === before) return oid;
    this.#waiting.push(content);
    if (this.#waiting.length >= MOST_WAITING) await this.flush();
    return oid;
  }

  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    await mapConcurrently(waiting, WRITTEN_AT_ONCE, (content) => this.#objects.write('tree', content));
  }
}

/** The files in which two trees differ, folders with equal ids left out unread. A null tree is an empty one. */
export async function* diffTrees(
  objects: ObjectStore,
  before: string | null,
  after: string | null,
): AsyncGenerator<TreeDifference> {
  yield* diffFolders(objects, before, after, '');
}

function groupByFolder(changes: Iterable<TreeChange>): Node {
  const root: Node = { files: new Map(), folders: new Map() };
  for (const { path, file } of changes) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let node = root;
    for (const part of parts) {
      let next = node.folders.get(part);
      if (next === undefined) {
        next = { files: new Map(), folders: new Map() };
        node.folders.set(part, next);
      }
      node = next;
    }
    node.files.set(name, file);
  }
  return root;
}

/** The folder's entries after the changes; null when none is left. */
async function buildFolder(
  tools: { objects: ObjectStore; written: TreeWrites },
  oid: string | null,
  node: Node,
): Promise<TreeEntry[] | null> {
  const entries = new Map<string, TreeEntry>();
  for (const entry of oid === null ? [] : await tools.objects.readTree(oid)) entries.set(entry.name, entry);
  const folderIds = new Map<string, string>();
  for (const name of node.folders.keys()) {
    const entry = entries.get(name);
    if (entry?.mode === FILE_MODE.tree) folderIds.set(name, entry.oid);
  }
  for (const [name, file] of node.files) {
    if (file !== null) entries.set(name, { ...file, name });
    // "The file is gone" says nothing about a folder that has its name.
    else if (entries.get(name)?.mode !== FILE_MODE.tree) entries.delete(name);
  }
  for (const [name, folder] of node.folders) {
    const before = folderIds.get(name) ?? null;
    const built = await buildFolder(tools, before, folder);
    if (built !== null) {
      entries.set(name, { mode: FILE_MODE.tree, name, oid: await tools.written.add(before, built) });
    } else if (entries.get(name)?.mode === FILE_MODE.tree) {
      entries.delete(name);
    }
  }
  return entries.size === 0 ? null : [...entries.values()];
}

async function* diffFolders(
  objects: ObjectStore,
  before: string | null,
  after: string | null,
  folder: string,
): AsyncGenerator<TreeDifference> {
  if (before === after) return;
  const older = await entriesOf(objects, before);
  const newer = await entriesOf(objects, after);
  const names = new Set([...older.keys(), ...newer.keys()]);
  for (const name of names) {
    const a = older.get(name);
    const b = newer.get(name);
    if (a?.oid === b?.oid && a?.mode === b?.mode) continue;
    const path = `${folder}${name}` as RepoPath;
    const fileBefore = fileOf(a);
    const fileAfter = fileOf(b);
    if (fileBefore !== null || fileAfter !== null) yield { path, before: fileBefore, after: fileAfter };
    yield* diffFolders(objects, folderOf(a), folderOf(b), `${path}/`);
  }
}

async function entriesOf(objects: ObjectStore, oid: string | null): Promise<Map<string, TreeEntry>> {
  const entries = oid === null ? [] : await objects.readTree(oid);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function fileOf(entry: TreeEntry | undefined): TreeFile | null {
  if (entry === undefined || entry.mode === FILE_MODE.tree) return null;
  return { mode: entry.mode, oid: entry.oid };
}

function folderOf(entry: TreeEntry | undefined): string | null {
  return entry?.mode === FILE_MODE.tree ? entry.oid : null;
}
