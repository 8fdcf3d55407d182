// Where snapshots lie: `auto/<branch>`, and from the second month on `auto/<branch>@<year>-<month>`. Each such
// generation only ever grows, so every push of it is a fast-forward; an old one can be let go as a whole.

import { readdir } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import { followRef } from '../refs/read-ref.ts';
import { listRefs } from '../refs/refs.ts';
import type { Head, ObjectStore, Repository } from '../types.ts';
import { parseSnapshot, type Snapshot } from './snapshot-commit.ts';

const SNAPSHOT_REFS = 'refs/heads/auto/';
const DATED = /^(.+)@(\d{4}-\d{2})$/;
const DETACHED_DIGITS = 12;

/** One branch of snapshots. `branch` is the person's branch; `month` is empty for the first generation. */
export type Generation = {
  readonly ref: string;
  readonly branch: string;
  readonly month: string;
  readonly tip: Snapshot;
};

/** The name under which the work on this HEAD is kept. */
export function branchOf(head: Head): string {
  return head.kind === 'branch' ? head.branch : `detached-${head.oid.slice(0, DETACHED_DIGITS)}`;
}

/** The month (UTC) of an instant, `2026-11`. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

/** The ref of a branch's generation; without a month the first one. */
export function generationRef(branch: string, month = ''): string {
  return `${SNAPSHOT_REFS}${branch}${month === '' ? '' : `@${month}`}`;
}

/**
 * Every generation there is, oldest first within a branch. Refs below `auto/` whose tip is no snapshot are a
 * person's own and left out.
 */
export async function listGenerations(repo: Repository, objects: ObjectStore): Promise<Generation[]> {
  const found: Generation[] = [];
  for (const [ref, oid] of await listRefs(repo, SNAPSHOT_REFS)) {
    const tip = await readSnapshot(objects, oid);
    const generation = tip && asGeneration(ref, tip);
    if (generation) found.push(generation);
  }
  return found.sort((a, b) => compare(a.branch, b.branch) || compare(a.month, b.month));
}

/** Null when the commit is no snapshot. @throws Failure `object-missing`, `object-corrupt` */
export async function readSnapshot(objects: ObjectStore, oid: string): Promise<Snapshot | null> {
  const { type, content } = await objects.read(oid);
  return type === 'commit' ? parseSnapshot(oid, content) : null;
}

/**
 * The generation that goes on, null when the branch has none.
 * @throws Failure `snapshot-branch-foreign` when a person's commits or another name stand in its place
 */
export async function newestGeneration(
  repo: Repository,
  objects: ObjectStore,
  branch: string,
): Promise<Generation | null> {
  let newest: Generation | null = null;
  const own = generationRef(branch);
  for (const [ref, oid] of await listRefs(repo, own)) {
    const month = ref === own ? '' : ref.startsWith(`${own}@`) ? (DATED.exec(ref)?.[2] ?? null) : null;
    if (month === null || (newest !== null && newest.month > month)) continue;
    const tip = await readSnapshot(objects, oid);
    // A branch of a person may be called like a later month of another one.
    if (tip !== null && tip.branch !== branch && month !== '') continue;
    if (tip === null || tip.branch !== branch) throw foreign(ref, oid);
    newest = { ref, branch, month, tip };
  }
  return newest;
}

/**
 * @throws Failure `snapshot-branch-checked-out`, `snapshot-branch-foreign` (a symbolic ref leads to a branch that
 *   must not be moved)
 */
export async function refuseInUse(repo: Repository, ref: string): Promise<void> {
  const { ref: real } = await followRef(repo, ref);
  if (real !== ref) {
    throw new Failure('snapshot-branch-foreign', `${shortName(ref)} is another name of ${shortName(real)}.`);
  }
  for (const gitDir of await gitDirsOf(repo)) {
    const head = await followRef({ ...repo, gitDir }, 'HEAD');
    if (head.ref !== ref) continue;
    throw new Failure('snapshot-branch-checked-out', `${shortName(ref)} is checked out (${gitDir}/HEAD).`);
  }
}

export function shortName(ref: string): string {
  return ref.replace(/^refs\/heads\//, '');
}

function asGeneration(ref: string, tip: Snapshot): Generation | null {
  const name = ref.slice(SNAPSHOT_REFS.length);
  const [, branch, month] = DATED.exec(name) ?? [];
  if (name === tip.branch) return { ref, branch: tip.branch, month: '', tip };
  return branch === tip.branch && month !== undefined ? { ref, branch, month, tip } : null;
}

/** The main work tree's and those of the linked ones. */
async function gitDirsOf({ gitDir, commonDir }: Repository): Promise<Set<string>> {
  const found = new Set([gitDir, commonDir]);
  try {
    for (const name of await readdir(`${commonDir}/worktrees`)) found.add(`${commonDir}/worktrees/${name}`);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return found;
}

function foreign(ref: string, oid: string): Failure {
  return new Failure(
    'snapshot-branch-foreign',
    `${shortName(ref)} ends in ${oid.slice(0, 12)}, which is no snapshot of that branch.`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
