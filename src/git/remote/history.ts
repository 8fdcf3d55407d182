// Questions about history: how far ahead, is it an ancestor, what would a remote lack. Reads objects only.

import { Failure } from '../../model/failure.ts';
import { FILE_MODE, type ObjectStore, type TreeEntry } from '../types.ts';
import { type Walk, walkAhead } from './commit-walk.ts';

/**
 * Counts the commits of `tip` that `base` (null: nothing) does not have, visiting at most `limit` commits.
 * `exact` is false when the limit ended the count or the base is not here.
 */
export async function countAhead(
  objects: ObjectStore,
  tip: string,
  base: string | null,
  limit: number,
): Promise<{ count: number; exact: boolean }> {
  const known = base === null ? [] : [base];
  const walk = await walkAhead({ objects, tip, known, limit });
  const baseIsHere = base === null || (await objects.has(base));
  return { count: walk.ahead.length, exact: walk.complete && walk.missing === null && baseIsHere };
}

/** Also `yes` for equal ids. `unknown`: an object is not here, or `limit` commits did not decide it. */
export async function isAncestor(
  objects: ObjectStore,
  ancestor: string,
  tip: string,
  limit: number,
): Promise<'yes' | 'no' | 'unknown'> {
  if (!(await objects.has(ancestor))) return 'unknown';
  const walk = await walkAhead({ objects, tip, known: [ancestor], limit, until: ancestor });
  if (walk.met) return 'yes';
  return walk.complete && walk.missing === null ? 'no' : 'unknown';
}

/**
 * The objects that whoever has `bases` lacks of `tip`: commits first, then trees and blobs, each once. Bases that are
 * not here are left out; submodule commits are never included. May name a few objects too many (renamed files).
 * @returns `too-many` above `limitCommits` visited commits or `limitObjects` objects
 * @throws Failure `object-missing`
 */
export async function newObjects(
  objects: ObjectStore,
  tip: string,
  bases: readonly string[],
  limitCommits: number,
  limitObjects = Number.POSITIVE_INFINITY,
): Promise<{ oids: string[]; commits: number } | 'too-many'> {
  const walk = await walkAhead({ objects, tip, known: bases, limit: limitCommits });
  if (walk.missing !== null) {
    throw new Failure('object-missing', `The commit ${walk.missing} is missing in the history of ${tip}.`);
  }
  if (!walk.complete) return 'too-many';
  const found = new Set(walk.ahead.map((commit) => commit.oid));
  for (const commit of walk.ahead) {
    // Each parent is either pushed along or on the remote: what it holds needs no second mention.
    const held = commit.parents.map((parent) => treeIn(walk, parent));
    await collectTree(objects, commit.tree, held, found);
    if (found.size > limitObjects) return 'too-many';
  }
  return { oids: [...found], commits: walk.ahead.length };
}

function treeIn(walk: Walk, oid: string): string {
  const tree = walk.treeOf(oid);
  if (tree === undefined) throw new Failure('object-missing', `The commit ${oid} is missing.`);
  return tree;
}

/** Adds the tree and what is below it, leaving out what stands unchanged at the same place in one of `held`. */
async function collectTree(
  objects: ObjectStore,
  tree: string,
  held: readonly string[],
  found: Set<string>,
): Promise<void> {
  if (held.includes(tree)) return;
  // A tree that was met before may have been met beside a parent that held part of it: no reason to stop here. A folder
  // that went back to an earlier state is walked twice, or what it held between would be left out.
  found.add(tree);
  const others = await Promise.all(held.map(async (oid) => byName(await objects.readTree(oid))));
  for (const entry of await objects.readTree(tree)) {
    if (entry.mode === FILE_MODE.submodule) continue;
    const before = others.flatMap((names) => names.get(entry.name) ?? []);
    if (before.some(({ oid }) => oid === entry.oid)) continue;
    if (entry.mode === FILE_MODE.tree) {
      const trees = before.filter(({ mode }) => mode === FILE_MODE.tree).map(({ oid }) => oid);
      await collectTree(objects, entry.oid, trees, found);
    } else {
      found.add(entry.oid);
    }
  }
}

const byName = (entries: readonly TreeEntry[]) => new Map(entries.map((entry) => [entry.name, entry]));
