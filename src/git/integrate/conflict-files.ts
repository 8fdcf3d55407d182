// How a conflict is told to people, and what becomes of its files when they have chosen. Pure but for lookups.

import type { ConflictChoice, ConflictFile } from '../../model/conflict.ts';
import { lookUp, type TreeFile } from '../objects/trees.ts';
import { displayPath, type RepoPath, toRepoPath } from '../paths.ts';
import { FILE_MODE, type ObjectStore } from '../types.ts';
import { safePart } from './conflict-branch.ts';
import type { TreeConflict } from './merge-trees.ts';

export function conflictFileOf({ path, base, ours, theirs }: TreeConflict): ConflictFile {
  return { path: displayPath(path), ours: sideOf(base, ours), theirs: sideOf(base, theirs) };
}

function sideOf(base: TreeFile | null, side: TreeFile | null): ConflictFile['ours'] {
  if (side === null) return 'deleted';
  return base === null ? 'added' : 'modified';
}

type Chosen = { path: RepoPath; file: TreeFile | null }[];

/**
 * The changes of our tree that a choice means. `both`: theirs keeps the name, ours goes beside it as
 * `<name>.<machine>.<ext>`; where only one side still has the file it keeps its name; of a submodule ours stays.
 */
export async function choose(
  conflicts: readonly TreeConflict[],
  choice: ConflictChoice,
  input: { objects: ObjectStore; trees: readonly string[]; machineId: string },
): Promise<Chosen> {
  const chosen: Chosen = [];
  const taken = new Set<string>();
  for (const { path, ours, theirs } of conflicts) {
    if (choice === 'theirs') chosen.push({ path, file: theirs });
    if (choice !== 'both' || theirs === null) continue;
    if (ours?.mode === FILE_MODE.submodule) continue;
    chosen.push({ path, file: theirs });
    if (ours === null) continue;
    const beside = await freeNameBeside(path, input, taken);
    taken.add(beside);
    chosen.push({ path: beside, file: ours });
  }
  return chosen;
}

async function freeNameBeside(
  path: RepoPath,
  { objects, trees, machineId }: { objects: ObjectStore; trees: readonly string[]; machineId: string },
  taken: ReadonlySet<string>,
): Promise<RepoPath> {
  for (let number = 1; ; number += 1) {
    const name = nameBeside(path, number === 1 ? safePart(machineId) : `${safePart(machineId)}-${number}`);
    const found = await Promise.all(trees.map((tree) => lookUp(objects, tree, name)));
    if (!taken.has(name) && found.every((file) => file === null)) return name;
  }
}

/** `notes.md` → `notes.laptop.md`, `Makefile` → `Makefile.laptop`, `.env` → `.env.laptop`. */
function nameBeside(path: RepoPath, machine: string): RepoPath {
  const slash = path.lastIndexOf('/') + 1;
  const dot = path.lastIndexOf('.');
  const at = dot > slash ? dot : path.length;
  return `${path.slice(0, at)}.${toRepoPath(machine)}${path.slice(at)}` as RepoPath;
}
