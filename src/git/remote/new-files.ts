// Which contents a remote would get by a push, and at which paths: what commits bring that their parents lack.
// Reads objects only; what becomes of the files is the caller's business.

import type { RepoPath } from '../paths.ts';
import { FILE_MODE, type ObjectStore, type TreeEntry } from '../types.ts';
import { walkAhead } from './commit-walk.ts';

/** `commit` is the oldest one that has this content at this path. */
export type NewFile = {
  readonly commit: string;
  readonly path: RepoPath;
  readonly oid: string;
  readonly mode: number;
};

/**
 * The files of `tip` and its history that whoever has `known` lacks, commit by commit, the oldest first. A file that
 * was renamed is not new. Known commits that are not here are left out; `skip` names commits that need no look.
 * @throws Failure `object-missing`, and the signal's reason when it is aborted
 */
export async function* newFiles(input: {
  objects: ObjectStore;
  tip: string;
  known: readonly string[];
  skip: ReadonlySet<string>;
  signal: AbortSignal;
}): AsyncGenerator<NewFile[]> {
  const { objects, tip, known, skip, signal } = input;
  const walk = await walkAhead({ objects, tip, known, limit: Number.POSITIVE_INFINITY });
  const seen = new Set<string>();
  for (const { oid: commit, tree, parents } of walk.ahead.reverse()) {
    signal.throwIfAborted();
    if (skip.has(commit)) continue;
    // The parent of a shallow clone's last commit is not here.
    const before = parents.flatMap((parent) => walk.treeOf(parent) ?? []);
    const difference: Difference = { arrived: [], left: new Set() };
    await compareTree(objects, { tree, before, prefix: '' }, difference);
    const files = difference.arrived
      .filter(({ oid, path }) => !difference.left.has(oid) && !seen.has(`${oid} ${path}`))
      .map((file) => ({ ...file, commit }));
    for (const { oid, path } of files) seen.add(`${oid} ${path}`);
    if (files.length > 0) yield files;
  }
}

/** `left`: contents that stood, in a parent, where now stands another one or none. */
type Difference = { arrived: Omit<NewFile, 'commit'>[]; left: Set<string> };

async function compareTree(
  objects: ObjectStore,
  { tree, before, prefix }: { tree: string | null; before: readonly string[]; prefix: string },
  difference: Difference,
): Promise<void> {
  if (tree !== null && before.includes(tree)) return;
  const others = await Promise.all(before.map(async (oid) => byName(await objects.readTree(oid))));
  const here = byName(tree === null ? [] : await objects.readTree(tree));
  const names = new Set([here, ...others].flatMap((each) => [...each.keys()]));
  for (const name of names) {
    const entry = here.get(name);
    const there = others.flatMap((each) => each.get(name) ?? []);
    if (entry !== undefined && there.some(({ oid }) => oid === entry.oid)) continue;
    const path = prefix + name;
    if (entry !== undefined && isFile(entry)) {
      difference.arrived.push({ path: path as RepoPath, oid: entry.oid, mode: entry.mode });
    }
    for (const other of there) if (isFile(other)) difference.left.add(other.oid);
    const below = there.filter(({ mode }) => mode === FILE_MODE.tree).map(({ oid }) => oid);
    const folder = entry?.mode === FILE_MODE.tree ? entry.oid : null;
    if (folder !== null || below.length > 0) {
      await compareTree(objects, { tree: folder, before: below, prefix: `${path}/` }, difference);
    }
  }
}

const isFile = ({ mode }: TreeEntry) => mode !== FILE_MODE.tree && mode !== FILE_MODE.submodule;
const byName = (entries: readonly TreeEntry[]) => new Map(entries.map((entry) => [entry.name, entry]));
