// Finds where the parts of a repository lie: its own folder, and the common one of a linked worktree.
// Must not judge whether the repository may be touched: that is the probe's part.

import { dirname, join, resolve } from 'node:path';
import { readFile, stat } from '../host/small-files.ts';
import { Failure } from '../model/failure.ts';
import { errorCode, isAbsent } from './io-failure.ts';
import type { Repository } from './types.ts';

const GITDIR_LINE = /^gitdir: (.+?)\s*$/;

/**
 * Opens the repository whose work tree is `worktree` (`.git` folder, or `.git` file with `gitdir:`).
 * @throws Failure `folder-missing`, `folder-unreadable`, `not-a-repository`, `bare-repository`
 */
export async function openRepository(worktree: string): Promise<Repository> {
  const folder = resolve(worktree);
  // All at once, as in an ordinary repository: every sync waits for this.
  const [kind, ordinary] = await Promise.all([kindOf(folder), isOrdinary(join(folder, '.git'))]);
  if (ordinary) return { worktree: folder, gitDir: join(folder, '.git'), commonDir: join(folder, '.git') };
  if (kind === null) throw new Failure('folder-missing', `There is no folder ${folder}.`);
  if (kind === 'file') throw new Failure('not-a-repository', `${folder} is a file.`);
  const gitDir = await findGitDir(folder);
  const commonDir = await findCommonDir(gitDir);
  if (!(await isGitStorage(commonDir))) {
    throw new Failure('not-a-repository', `${gitDir} lacks the objects or refs of a git repository.`);
  }
  return { worktree: folder, gitDir, commonDir };
}

/**
 * Differs for another folder that took the place of this one, for example when a drive is not mounted.
 * @throws Failure `folder-missing`, `folder-unreadable`
 */
export async function folderIdentity(folder: string): Promise<string> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (isAbsent(error)) throw new Failure('folder-missing', `There is no folder ${folder}.`);
    throw unreadable(error, folder);
  }
}

/** A `.git` folder that holds all of the repository. False only means: look closer. */
async function isOrdinary(gitDir: string): Promise<boolean> {
  const looks = [kindOf(join(gitDir, 'commondir')), isGitStorage(gitDir)] as const;
  const [link, isStorage] = await Promise.all(looks);
  return link !== 'file' && isStorage;
}

async function findGitDir(folder: string): Promise<string> {
  const dotGit = join(folder, '.git');
  const kind = await kindOf(dotGit);
  if (kind === 'folder') return dotGit;
  if (kind === 'file') {
    const target = GITDIR_LINE.exec(await readText(dotGit))?.[1];
    const gitDir = target === undefined ? null : resolve(folder, target);
    if (gitDir !== null && (await kindOf(gitDir)) === 'folder') return gitDir;
    throw new Failure('not-a-repository', `${dotGit} does not point to a git folder.`);
  }
  if ((await kindOf(join(folder, 'HEAD'))) === 'file' && (await isGitStorage(folder))) {
    throw new Failure('bare-repository', `${folder} is a bare repository.`);
  }
  throw new Failure('not-a-repository', `${folder} is not the top folder of a git repository.`);
}

async function findCommonDir(gitDir: string): Promise<string> {
  const link = join(gitDir, 'commondir');
  if ((await kindOf(link)) !== 'file') return gitDir;
  return resolve(gitDir, (await readText(link)).trim());
}

async function isGitStorage(folder: string): Promise<boolean> {
  const kinds = await Promise.all([kindOf(join(folder, 'objects')), kindOf(join(folder, 'refs'))]);
  return kinds.every((kind) => kind === 'folder');
}

async function kindOf(path: string): Promise<'folder' | 'file' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (isAbsent(error)) return null;
    throw unreadable(error, path);
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(error, path);
  }
}

function unreadable(error: unknown, path: string): Failure {
  const code = errorCode(error) || 'unknown error';
  return new Failure('folder-unreadable', `Cannot read ${dirname(path)}: ${code} at ${path}.`, {
    cause: error,
  });
}
