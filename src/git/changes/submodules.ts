// How submodules differ from HEAD, as `git add --all` would record them, with one exception: a commit that the
// submodule's own remote does not have yet is not recorded, staged or not, because no other clone could check it out.
// What a person has committed is theirs. Looks at where a submodule stands, never at its files.

import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { lstat } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { type IndexFile, readIndex } from '../index/index-file.ts';
import { isAbsent, readFailure } from '../io-failure.ts';
import { openObjects } from '../objects/objects.ts';
import { lookUp } from '../objects/trees.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { listRefs, readHead } from '../refs/refs.ts';
import { walkAhead } from '../remote/commit-walk.ts';
import { openRepository } from '../repository.ts';
import { FILE_MODE, type FileChange, type Head, type ObjectStore, type Repository } from '../types.ts';
import type { FoundChanges } from './changes.ts';
import type { TreeSide } from './head-difference.ts';

const REMOTES = 'refs/remotes/';
/** A history that does not tell within so many commits counts as not pushed. */
const MOST_COMMITS = 20_000;
// Of the mode's four bytes the third is enough: no other kind of entry has this one.
const MODE_BYTE_AT = 26;
const SUBMODULE_BYTE = FILE_MODE.submodule >> 8;

/** `staged` is what the index records of it, `head` what HEAD has at its path, null for nothing. */
export type Submodule = { path: RepoPath; staged: string; head: TreeSide | null };

/** Those that the index has; what was taken out of it is found by `findChanges`. @throws Failure `index-corrupt` */
export async function findSubmoduleChanges(input: {
  repo: Repository;
  objects: ObjectStore;
  head: Head;
}): Promise<FoundChanges> {
  const { repo, objects, head } = input;
  const staged = stagedIn(await readIndex(repo));
  if (staged.length === 0) return { changes: [], unreadable: [] };
  const tree = head.oid === null ? null : (await objects.readCommit(head.oid)).tree;
  const submodules = staged.map(async ({ path, oid }): Promise<Submodule> => {
    return { path, staged: oid, head: await lookUp(objects, tree, path) };
  });
  return compareSubmodules(repo.worktree, await Promise.all(submodules));
}

/** @throws Failure `file-unreadable`, `object-corrupt` */
export async function compareSubmodules(
  worktree: string,
  submodules: readonly Submodule[],
): Promise<FoundChanges> {
  const found: FoundChanges = { changes: [], unreadable: [] };
  for (const submodule of submodules) await compareOne(worktree, submodule, found);
  return found;
}

/** Both, the changes sorted by path. */
export function joinChanges(files: FoundChanges, submodules: FoundChanges): FoundChanges {
  if (submodules.changes.length === 0 && submodules.unreadable.length === 0) return files;
  const changes = [...files.changes, ...submodules.changes].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { ...files, changes, unreadable: [...files.unreadable, ...submodules.unreadable] };
}

export function stagedIn(index: IndexFile): { path: RepoPath; oid: string }[] {
  const { raw, offsets, count } = index;
  const found: { path: RepoPath; oid: string }[] = [];
  // Every sync passes here: nothing is made of entries that do not matter.
  for (let at = 0; at < count; at++) {
    if (raw[(offsets[at] as number) + MODE_BYTE_AT] !== SUBMODULE_BYTE) continue;
    const { path, oid, mode, stage, assumeValid, skipWorktree } = index.entryAt(at);
    if (mode !== FILE_MODE.submodule || stage !== 0 || assumeValid || skipWorktree) continue;
    found.push({ path, oid });
  }
  return found;
}

async function compareOne(worktree: string, submodule: Submodule, found: FoundChanges): Promise<void> {
  const { path, head } = submodule;
  const stats = await statOf(worktree, path);
  if (stats === null) {
    if (head !== null) found.changes.push({ kind: 'deleted', path });
    return;
  }
  // A file in its place: whoever put it there says to git what it is.
  if (!stats.isDirectory()) return;
  const oid = await recorded(worktree, submodule, found);
  if (oid === null || oid === inHead(submodule)) return;
  found.changes.push(changeOf(path, oid, head, stats));
}

/** Where it stands; while its remote lacks that, what is staged; while it lacks both, what HEAD has, null for none. */
async function recorded(worktree: string, submodule: Submodule, found: FoundChanges): Promise<string | null> {
  const { path, staged } = submodule;
  const checkout = await openCheckout(join(worktree, displayPath(path)));
  if (checkout === null) return staged;
  const { repo, oid } = checkout;
  if (oid === inHead(submodule) || (await isOnRemote(repo, oid))) return oid;
  const name = displayPath(path);
  const detail = `${name} stands at ${oid.slice(0, 12)}, which its own remote does not have yet.`;
  found.unreadable.push({ path: name, code: 'submodule-unpushed', detail });
  return staged !== oid && (await isOnRemote(repo, staged)) ? staged : inHead(submodule);
}

function inHead({ head }: Submodule): string | null {
  return head?.mode === FILE_MODE.submodule ? head.oid : null;
}

function changeOf(path: RepoPath, oid: string, head: TreeSide | null, stats: BigIntStats): FileChange {
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  const stat = { ctimeNs, mtimeNs, dev, ino, uid, gid, size };
  const kind = head === null ? 'added' : 'modified';
  return { kind, path, mode: FILE_MODE.submodule, oid, sizeBytes: 0, stat };
}

/** Null when nothing is checked out there, which git takes for unchanged. */
async function openCheckout(folder: string): Promise<{ repo: Repository; oid: string } | null> {
  try {
    const repo = await openRepository(folder);
    const { oid } = await readHead(repo);
    return oid === null ? null : { repo, oid };
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

async function isOnRemote(repo: Repository, oid: string): Promise<boolean> {
  const tips = [...new Set((await listRefs(repo, REMOTES)).values())];
  if (tips.length === 0 || tips.includes(oid)) return tips.length > 0;
  const objects = openObjects(repo, { fsync: false });
  try {
    const walk = await walkAhead({ objects, tip: oid, known: tips, limit: MOST_COMMITS });
    return walk.complete && walk.missing === null && walk.ahead.length === 0;
  } finally {
    await objects.close();
  }
}

async function statOf(worktree: string, path: RepoPath): Promise<BigIntStats | null> {
  try {
    return await lstat(diskPath(worktree, path), { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw readFailure(error, displayPath(path));
  }
}
