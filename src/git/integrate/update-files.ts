// Brings single files of the work tree from one version to another: written beside git's own files first, then put in
// place by one rename or link, each looked at again in the last moment. Knows no index and no refs.

import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, readdir, rename, rm, rmdir, symlink, unlink } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { TreeFile } from '../objects/trees.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type FileStat, type ObjectStore } from '../types.ts';
import { blocked, type Step } from './update-steps.ts';
import type { NewFiles } from './work-tree-tools.ts';

export type FilesInput = {
  worktree: string;
  objects: ObjectStore;
  /** A folder on the work tree's file system, for files that are not in place yet. */
  temporary: string;
  /** Whole files to be moved from there. */
  newFiles: NewFiles;
};

/** Nobody vouches for the content: it is to be hashed. */
export const UNKNOWN_STAT: FileStat = {
  ctimeNs: 0n,
  mtimeNs: 0n,
  dev: 0n,
  ino: 0n,
  uid: 0n,
  gid: 0n,
  size: 0n,
};
/** File systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/**
 * Removes the file and the folders that this leaves empty. The step says how the file looked.
 * @throws Failure `integrate-blocked-by-local-changes` when it changed since
 */
export async function removeFile({ worktree }: FilesInput, step: Step): Promise<void> {
  const place = diskPath(worktree, step.path);
  try {
    if (step.before?.mode !== FILE_MODE.submodule) {
      await expectUnchanged(worktree, step);
      await unlink(place);
    } else {
      await removeIfEmpty(place);
    }
    for (let slash = step.path.lastIndexOf('/'); slash > 0; slash = step.path.lastIndexOf('/', slash - 1)) {
      if (!(await removeIfEmpty(diskPath(worktree, step.path.slice(0, slash))))) return;
    }
  } catch (error) {
    throw writeFailure(error, displayPath(step.path));
  }
}

/**
 * Puts the new version in place; answers its stat for the index.
 * @throws Failure `integrate-blocked-by-local-changes` when the place changed since, `disk-full`, `write-refused`,
 *   `needs-system-git` when the work tree spreads over file systems
 */
export async function placeFile(input: FilesInput, step: Step, after: TreeFile): Promise<FileStat> {
  const { worktree } = input;
  const place = diskPath(worktree, step.path);
  try {
    await makeFolders(worktree, step.path);
    if (after.mode === FILE_MODE.submodule) {
      await mkdir(place, { recursive: true });
      return UNKNOWN_STAT;
    }
    if (step.before === null) await removeEmptyFolders(place);
    if (after.mode !== FILE_MODE.symlink) {
      return await putInPlace(input, step, await input.newFiles.pathOf(step.path, after));
    }
    const target = targetOf((await input.objects.read(after.oid)).content);
    if (step.before !== null) return await putInPlace(input, step, await writeLink(input, after, target));
    await symlink(target, place);
    return toFileStat(await lstat(place, { bigint: true }));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENOTEMPTY') {
      throw blocked(step.path, 'was put here meanwhile');
    }
    if (code === 'EXDEV') {
      const text = `${displayPath(step.path)} and .git lie on different file systems.`;
      throw new Failure('needs-system-git', text, { cause: error });
    }
    throw writeFailure(error, displayPath(step.path));
  }
}

async function writeLink(
  { temporary }: FilesInput,
  { oid }: TreeFile,
  target: string | Buffer,
): Promise<string> {
  const path = `${temporary}/${oid}`;
  await rm(path, { force: true });
  await symlink(target, path);
  return path;
}

/** Text where it can be: not every runtime takes bytes here. */
function targetOf(content: Buffer): string | Buffer {
  return isUtf8(content) ? content.toString('utf8') : content;
}

async function putInPlace(
  { worktree }: FilesInput,
  step: Step,
  temporary: string | Buffer,
): Promise<FileStat> {
  const place = diskPath(worktree, step.path);
  const written = await lstat(temporary, { bigint: true });
  if (step.before !== null) {
    await expectUnchanged(worktree, step);
    await rename(temporary, place);
  } else {
    // A link never replaces what somebody put there meanwhile.
    await link(temporary, place).catch(async (error: unknown) => {
      if (!NO_LINKS.has(errorCode(error))) throw error;
      if (await isThere(place)) throw blocked(step.path, 'was put here meanwhile');
      await rename(temporary, place);
    });
    await rm(temporary, { force: true });
  }
  const found = await lstat(place, { bigint: true });
  const isOurs =
    found.ino === written.ino && found.mtimeNs === written.mtimeNs && found.size === written.size;
  return isOurs ? toFileStat(found) : UNKNOWN_STAT;
}

/** @throws Failure `integrate-blocked-by-local-changes` */
async function expectUnchanged(worktree: string, step: Step): Promise<void> {
  const { path, stats } = step;
  const now = await lstat(diskPath(worktree, path), { bigint: true }).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  if (now !== null && stats !== null && isSame(now, stats) && (await isInside(worktree, path))) return;
  throw blocked(path, 'changed meanwhile');
}

async function makeFolders(worktree: string, path: RepoPath): Promise<void> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash);
    await mkdir(diskPath(worktree, folder)).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    if (!(await isRealFolder(worktree, folder))) throw blocked(folder as RepoPath, 'is no folder here');
  }
}

async function isInside(worktree: string, path: RepoPath): Promise<boolean> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    if (!(await isRealFolder(worktree, path.slice(0, slash)))) return false;
  }
  return true;
}

async function isRealFolder(worktree: string, folder: string): Promise<boolean> {
  return (await lstat(diskPath(worktree, folder))).isDirectory();
}

async function removeEmptyFolders(place: string | Buffer): Promise<void> {
  if (!(await isThere(place)) || !(await lstat(place)).isDirectory()) return;
  for (const item of await readdir(place, { encoding: 'buffer' })) {
    await removeEmptyFolders(Buffer.concat([Buffer.from(place), Buffer.from('/'), item]));
  }
  await rmdir(place);
}

async function removeIfEmpty(place: string | Buffer): Promise<boolean> {
  try {
    await rmdir(place);
    return true;
  } catch (error) {
    if (isAbsent(error) || ['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM'].includes(errorCode(error)))
      return false;
    throw error;
  }
}

async function isThere(place: string | Buffer): Promise<boolean> {
  try {
    await lstat(place);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.mode === b.mode
  );
}

export function toFileStat(stats: BigIntStats): FileStat {
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  return { ctimeNs, mtimeNs, dev, ino, uid, gid, size };
}
