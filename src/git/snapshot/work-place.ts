// One place in the work tree during a restore: is it what the snapshot of now says? Put a file there, or take it away.
// Never goes through links, never into another repository, never over what nobody saved.

import { type BigIntStats, constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, rename, rm, rmdir, symlink, unlink } from 'node:fs/promises';
import type { Random } from '../../host/clock.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type Repository } from '../types.ts';
import type { FileSource } from './snapshot-engine.ts';

/** What the disk can hold (core.fileMode, core.symlinks). */
export type DiskRules = { fileMode: boolean; symlinks: boolean };
/** What was found at a path: its stat, or null for nothing. */
export type Found = BigIntStats | null;

const EXECUTE_BIT = 0o100n;
const NOT_EMPTIED = new Set(['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM']);

/** Why nothing may be written at a path, in words; null when all folders on the way are real ones or missing. */
export async function obstacleOnTheWay(repo: Repository, path: RepoPath): Promise<string | null> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash) as RepoPath;
    const stats = await lookAt(repo, folder);
    if (stats === null) return null;
    const name = displayPath(folder);
    if (stats.isSymbolicLink()) return `${name} is a link`;
    if (!stats.isDirectory()) return `${name} is a file`;
    if ((await lookAt(repo, `${folder}/.git` as RepoPath)) !== null) return `${name} is another repository`;
  }
  return null;
}

export async function lookAt({ worktree }: Repository, path: RepoPath): Promise<Found> {
  try {
    return await lstat(diskPath(worktree, path), { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Whether nobody has been there since it was looked at. */
export function isUntouched(before: Found, after: Found): boolean {
  if (before === null || after === null) return before === after;
  return (
    before.mtimeNs === after.mtimeNs &&
    before.ctimeNs === after.ctimeNs &&
    before.size === after.size &&
    before.ino === after.ino
  );
}

/** As far as the disk can hold it. */
export function hasMode(stats: BigIntStats, mode: number, { fileMode, symlinks }: DiskRules): boolean {
  if (mode === FILE_MODE.symlink && symlinks) return stats.isSymbolicLink();
  if (!stats.isFile()) return false;
  if (mode === FILE_MODE.symlink || !fileMode) return true;
  return (mode === FILE_MODE.executable) === ((stats.mode & EXECUTE_BIT) !== 0n);
}

export type NewFile = {
  path: RepoPath;
  mode: number;
  source: Exclude<FileSource, { kind: 'refused' }>;
  fsync: boolean;
  random: Random;
  /** Between the whole file beside its place, and its name. Answers whether it may take the place. */
  mayTakePlace(): Promise<boolean>;
};

/**
 * Writes a file beside its place and renames it there; answers false when it may not take the place any more.
 * @throws Failure `disk-full`, `write-refused`
 */
export async function putFile(repo: Repository, file: NewFile, rules: DiskRules): Promise<boolean> {
  const target = diskPath(repo.worktree, file.path);
  // In git's folder a forgotten file is nobody's work; only where that is another disk it stands beside its place.
  const name = `gitferry-restore-${Math.floor(file.random() * 2 ** 48).toString(36)}`;
  const { source } = file;
  const aside = source.kind === 'file' ? source.path : `${repo.gitDir}/${name}`;
  try {
    await makeFolders(repo, file.path);
    if (source.kind === 'content') await writeAside(aside, { ...file, content: source.content }, rules);
    else if (file.fsync) await flush(aside);
    if (!(await file.mayTakePlace())) return false;
    await rename(aside, target);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw writeFailure(error, displayPath(file.path));
    return await putBeside(target, `.${name}`, file, rules);
  } finally {
    await rm(aside, { force: true });
  }
}

async function putBeside(
  target: string | Buffer,
  name: string,
  file: NewFile,
  rules: DiskRules,
): Promise<boolean> {
  const bytes = Buffer.from(target);
  const aside = Buffer.concat([bytes.subarray(0, bytes.lastIndexOf(0x2f) + 1), Buffer.from(name)]);
  const { source } = file;
  try {
    if (source.kind === 'content') await writeAside(aside, { ...file, content: source.content }, rules);
    else await copyFile(source.path, aside, constants.COPYFILE_EXCL);
    if (source.kind === 'file' && file.fsync) await flush(aside);
    if (!(await file.mayTakePlace())) return false;
    await rename(aside, target);
    return true;
  } catch (error) {
    throw writeFailure(error, displayPath(file.path));
  } finally {
    await rm(aside, { force: true });
  }
}

async function writeAside(
  path: string | Buffer,
  { mode, content, fsync }: Pick<NewFile, 'mode' | 'fsync'> & { content: Buffer },
  { symlinks }: DiskRules,
): Promise<void> {
  if (mode === FILE_MODE.symlink && symlinks) {
    await symlink(content, path);
    return;
  }
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  // The person's umask takes away what they do not grant, as with git.
  const file = await open(path, flags, mode === FILE_MODE.executable ? 0o777 : 0o666);
  try {
    await file.writeFile(content);
    if (fsync) await file.sync();
  } finally {
    await file.close();
  }
}

async function flush(path: string | Buffer): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function makeFolders(repo: Repository, path: RepoPath): Promise<void> {
  const slash = path.lastIndexOf('/');
  if (slash > 0) await mkdir(diskPath(repo.worktree, path.slice(0, slash)), { recursive: true });
}

/** Removes a file and the folders that are empty without it. @throws Failure `write-refused` */
export async function takeAway(repo: Repository, path: RepoPath): Promise<void> {
  try {
    await unlink(diskPath(repo.worktree, path));
  } catch (error) {
    if (!isAbsent(error)) throw writeFailure(error, displayPath(path));
  }
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    if (!(await removeEmpty(diskPath(repo.worktree, path.slice(0, slash))))) return;
  }
}

/** Removes a folder that holds nothing but empty folders. True when nothing is left there. */
export async function removeIfEmpty(folder: string | Buffer): Promise<boolean> {
  try {
    for (const item of await readdir(folder, { withFileTypes: true, encoding: 'latin1' })) {
      if (!item.isDirectory() || !(await removeIfEmpty(below(folder, item.name)))) return false;
    }
    return await removeEmpty(folder);
  } catch (error) {
    if (isAbsent(error)) return errorCode(error) === 'ENOENT';
    if (NOT_EMPTIED.has(errorCode(error))) return false;
    throw error;
  }
}

async function removeEmpty(folder: string | Buffer): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (isAbsent(error)) return errorCode(error) === 'ENOENT';
    if (NOT_EMPTIED.has(errorCode(error))) return false;
    throw error;
  }
}

function below(folder: string | Buffer, name: string): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), Buffer.from(name, 'latin1')]);
}
