// Takes one changed file of the work tree into the object store, making sure that it is the content that was looked
// at, whole and still. Knows nothing of the index, trees or locks.

import { type BigIntStats, constants } from 'node:fs';
import { openFile } from '../../host/open-file.ts';
import { lstat, readlink } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import type { IndexChange } from '../index/index-write.ts';
import { errorCode, isAbsent, readFailure } from '../io-failure.ts';
import { objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type FileStat, type ObjectStore } from '../types.ts';

// Larger files are streamed.
const WHOLE_LIMIT_BYTES = 1024 * 1024;
// A link that takes the file's place meanwhile must not lead us out of the work tree.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/** Where blobs are written to. */
export type BlobTarget = Pick<ObjectStore, 'write' | 'writeBlobFile'>;

/** Remembers which folders were found to be real ones, for the time of one commit. */
export type WorkTree = { readonly root: string; readonly folders: Map<string, Promise<boolean>> };

export function openWorkTree(root: string): WorkTree {
  return { root, folders: new Map() };
}

/**
 * Writes the blob of a change (nothing for a deletion) and answers the index entry it leads to.
 * @throws Failure `file-changing` when the work tree no longer shows this change, `file-unreadable`,
 *   `disk-full`, `write-refused`
 */
export async function storeChange(
  tree: WorkTree,
  objects: BlobTarget,
  change: FileChange,
): Promise<IndexChange> {
  refuseUnsafe(change.path);
  if (change.kind === 'deleted') {
    await expectGone(tree, change.path);
    return { path: change.path, entry: null };
  }
  const { path, mode, oid } = change;
  const [inside, before] = await Promise.all([isInside(tree, path), statOf(tree, path)]);
  if (!inside) throw changed(path);
  if (mode === FILE_MODE.submodule) {
    // Its commit is in its own repository.
    if (!before.isDirectory()) throw changed(path);
    return { path, entry: { mode, oid, stat: toFileStat(before) } };
  }
  const kindFits = mode === FILE_MODE.symlink ? before.isSymbolicLink() : before.isFile();
  if (!kindFits) throw changed(path);
  await storeContent(tree, objects, { path, oid, mode, sizeBytes: Number(before.size) });
  const after = await statOf(tree, path);
  if (!isSame(before, after)) throw changed(path);
  return { path, entry: { mode, oid, stat: toFileStat(after) } };
}

/** The part of node's stat that the index keeps. */
function toFileStat(stats: BigIntStats): FileStat {
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  return { ctimeNs, mtimeNs, dev, ino, uid, gid, size };
}

async function storeContent(
  tree: WorkTree,
  objects: BlobTarget,
  file: { path: RepoPath; oid: string; mode: number; sizeBytes: number },
): Promise<void> {
  const path = diskPath(tree.root, file.path);
  const name = displayPath(file.path);
  if (file.mode !== FILE_MODE.symlink && file.sizeBytes > WHOLE_LIMIT_BYTES) {
    await objects.writeBlobFile({ path, name, sizeBytes: file.sizeBytes, oid: file.oid, flags: READ_FLAGS });
    return;
  }
  let content: Buffer;
  try {
    content =
      file.mode === FILE_MODE.symlink ? await readlink(path, { encoding: 'buffer' }) : await readWhole(path);
  } catch (error) {
    throw readFailure(error, name);
  }
  if (objectId('blob', content) !== file.oid) throw changed(file.path);
  await objects.write('blob', content);
}

async function readWhole(path: string | Buffer): Promise<Buffer> {
  const file = await openFile(path, READ_FLAGS);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function expectGone(tree: WorkTree, path: RepoPath): Promise<void> {
  let stats: BigIntStats;
  try {
    stats = await lstat(diskPath(tree.root, path), { bigint: true });
  } catch (error) {
    // ELOOP: a link that leads to itself took the place of a folder on the way.
    if (isAbsent(error) || errorCode(error) === 'ELOOP') return;
    throw readFailure(error, displayPath(path));
  }
  // A folder in its place, or a link on the way that leads elsewhere: the tracked file itself is gone.
  if (stats.isDirectory() || !(await isInside(tree, path))) return;
  throw changed(path);
}

/** Whether every folder on the way is a real one; behind a link the path lies outside of the work tree. */
async function isInside(tree: WorkTree, path: RepoPath): Promise<boolean> {
  const looks: Promise<boolean>[] = [];
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash);
    const real = tree.folders.get(folder) ?? isRealFolder(tree, folder);
    tree.folders.set(folder, real);
    looks.push(real);
  }
  // The topmost decides: what lies behind a link may be anything.
  for (const look of await Promise.allSettled(looks)) {
    if (look.status === 'rejected') throw look.reason;
    if (!look.value) return false;
  }
  return true;
}

async function isRealFolder(tree: WorkTree, folder: string): Promise<boolean> {
  try {
    return (await lstat(diskPath(tree.root, folder))).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw readFailure(error, displayPath(folder as RepoPath));
  }
}

async function statOf(tree: WorkTree, path: RepoPath): Promise<BigIntStats> {
  try {
    return await lstat(diskPath(tree.root, path), { bigint: true });
  } catch (error) {
    throw readFailure(error, displayPath(path));
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.size === b.size && a.ino === b.ino;
}

function refuseUnsafe(path: RepoPath): void {
  const bad = path
    .split('/')
    .some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part));
  if (bad || path.includes('\0'))
    throw new Error(`${JSON.stringify(displayPath(path))} must never be committed.`);
}

function changed(path: RepoPath): Failure {
  const name = displayPath(path);
  return new Failure('file-changing', `${name} changed since it was looked at.`, { data: { path: name } });
}
