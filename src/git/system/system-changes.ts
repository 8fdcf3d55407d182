// How the work tree differs from HEAD, by the system's git: as the built-in engine answers it, with ids taken behind
// filters and end-of-line rules. Only looks.

import type { BigIntStats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import type { FoundChanges } from '../changes/changes.ts';
import { compareSubmodules, joinChanges } from '../changes/submodules.ts';
import { isAbsent, readFailure } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { FILE_MODE, type FileChange } from '../types.ts';
import type { RunGit } from './run-git.ts';
import { readStatus, type StatusLines, type TrackedLine } from './status-lines.ts';
import { findLfsPaths, hashFiles } from './stored-content.ts';

const FILES_AT_ONCE = 16;
const STATUS = [
  ...['--no-optional-locks', 'status', '--porcelain=v2', '-z', '--untracked-files=all'],
  ...['--no-renames', '--ignored=no'],
];

type LookedAt = Pick<ProbedRepository, 'repo' | 'config' | 'fileMode'>;

/** `lfs` holds the paths whose content goes to LFS. */
export type SystemChanges = FoundChanges & { lfs: ReadonlySet<RepoPath> };

type Candidate = { path: RepoPath; head: TrackedLine['head']; mode: number; stats: BigIntStats };

/**
 * Compares the whole work tree with HEAD; submodules are left alone unless `withSubmodules`.
 * @throws Failure `file-changing`, `unmerged-entries`, `lfs-missing`, `filter-failed`, `git-failed`
 */
export async function findSystemChanges(
  probe: LookedAt,
  git: RunGit,
  { withSubmodules = false } = {},
): Promise<SystemChanges> {
  const { worktree } = probe.repo;
  const { code, out, err } = await git([
    ...STATUS,
    `--ignore-submodules=${withSubmodules ? 'dirty' : 'all'}`,
  ]);
  if (code !== 0) throw new Failure('git-failed', `git status failed in ${worktree}: ${err.trim()}`);
  const unreadable = unreadableIn(err);
  const lines = readStatus(out);
  const { deleted, candidates } = await lookAtAll(lines, probe);
  const lfs = await findLfsPaths(
    git,
    candidates.map(({ path }) => path),
    isLfsSetUp(probe),
  );
  const oids = await contentIds(candidates, worktree, git);
  const changes: FileChange[] = deleted.map((path) => ({ kind: 'deleted', path }));
  await mapConcurrently(candidates, FILES_AT_ONCE, async (candidate) => {
    const change = await changeOf(candidate, oids.get(candidate.path), lfs, worktree);
    if (change !== null) changes.push(change);
  });
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  const submodules = await compareSubmodules(worktree, withSubmodules ? lines.submodules : []);
  return { ...joinChanges({ changes, unreadable }, submodules), lfs };
}

function isLfsSetUp({ config }: LookedAt): boolean {
  return config.get('filter.lfs.process') !== undefined || config.get('filter.lfs.clean') !== undefined;
}

async function lookAtAll({ tracked, untracked }: StatusLines, probe: LookedAt) {
  const { worktree } = probe.repo;
  const deleted: RepoPath[] = [];
  const candidates: Candidate[] = [];
  // Taken out of git and kept on disk: the person wants it so.
  const keptOut = new Set(tracked.filter((line) => !line.isInIndex).map((line) => line.path));
  await mapConcurrently(tracked, FILES_AT_ONCE, async ({ path, head, worktreeMode, isInIndex }) => {
    if (!isInIndex) {
      const stats = await statOf(worktree, path);
      const isKept = head?.mode === FILE_MODE.submodule && stats !== null;
      if ((stats === null || stats.isDirectory()) && head !== null && !isKept) deleted.push(path);
      return;
    }
    if (worktreeMode === null) {
      if (head !== null) deleted.push(path);
      return;
    }
    const stats = await statOf(worktree, path);
    if (stats === null) throw changed(path);
    candidates.push({ path, head, mode: worktreeMode, stats });
  });
  await mapConcurrently(untracked, FILES_AT_ONCE, async (path) => {
    if (keptOut.has(path)) return;
    const stats = await statOf(worktree, path);
    if (stats === null || !(stats.isFile() || stats.isSymbolicLink())) return;
    candidates.push({ path, head: null, mode: modeOf(stats, probe), stats });
  });
  return { deleted, candidates };
}

function modeOf(stats: BigIntStats, { fileMode }: LookedAt): number {
  if (stats.isSymbolicLink()) return FILE_MODE.symlink;
  return fileMode && (stats.mode & 0o100n) !== 0n ? FILE_MODE.executable : FILE_MODE.file;
}

/** git's own reading would follow a link, so links are read here. */
async function contentIds(
  candidates: readonly Candidate[],
  worktree: string,
  git: RunGit,
): Promise<Map<RepoPath, string>> {
  const files = candidates.filter(({ stats }) => stats.isFile()).map(({ path }) => path);
  const oids = await hashFiles(git, files, { write: false });
  const found = new Map(files.map((path, at) => [path, oids[at] as string]));
  for (const { path, stats } of candidates) {
    if (stats.isSymbolicLink()) found.set(path, objectId('blob', await targetOf(worktree, path)));
  }
  return found;
}

/** Null when it is what HEAD has: staged once, and taken back in the work tree. */
async function changeOf(
  { path, head, mode, stats }: Candidate,
  oid: string | undefined,
  lfs: ReadonlySet<RepoPath>,
  worktree: string,
): Promise<FileChange | null> {
  const now = await statOf(worktree, path);
  if (oid === undefined || now === null || !isSameStat(now, stats)) throw changed(path);
  if (head?.oid === oid && head.mode === mode) return null;
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  return {
    kind: head === null ? 'added' : 'modified',
    ...{ path, mode, oid },
    // What git keeps of such a file is a pointer of a few lines.
    sizeBytes: lfs.has(path) ? Math.min(Number(size), LFS_POINTER_BYTES) : Number(size),
    stat: { ctimeNs, mtimeNs, dev, ino, uid, gid, size },
  };
}

const LFS_POINTER_BYTES = 1024;

export async function statOf(worktree: string, path: RepoPath): Promise<BigIntStats | null> {
  try {
    return await lstat(diskPath(worktree, path), { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw readFailure(error, displayPath(path));
  }
}

export function isSameStat(
  a: Pick<BigIntStats, 'ctimeNs' | 'mtimeNs' | 'ino' | 'size'>,
  b: Pick<BigIntStats, 'ctimeNs' | 'mtimeNs' | 'ino' | 'size'>,
): boolean {
  return a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.size === b.size && a.ino === b.ino;
}

async function targetOf(worktree: string, path: RepoPath): Promise<Buffer> {
  try {
    return await readlink(diskPath(worktree, path), { encoding: 'buffer' });
  } catch (error) {
    throw readFailure(error, displayPath(path));
  }
}

function changed(path: RepoPath): Failure {
  return new Failure('file-changing', `${displayPath(path)} changed while it was looked at.`);
}

/** git goes on past folders that it cannot open, and says so. */
function unreadableIn(err: string): FoundChanges['unreadable'] {
  const found = err.matchAll(/^warning: could not open directory '(.*?)\/?': (.*)$/gm);
  return [...found].map(([, path = '', detail = '']) => ({ path, detail, code: 'file-unreadable' }));
}
