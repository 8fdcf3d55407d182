// Decides for one path whether the work tree differs from HEAD. The index helps to avoid reading contents;
// what it says is trusted only where git would trust it too.

import type { BigIntStats } from 'node:fs';
import { type IndexEntry, type IndexFile, isRacy, matchesStat } from '../index/index-file.ts';
import { FILE_MODE, type FileChange, type FileStat } from '../types.ts';
import { readFileContent } from './file-content.ts';
import type { Difference, HeadDifference, TreeSide } from './head-difference.ts';
import type { FoundFile } from './worktree-walk.ts';

/** `fileMode` and `symlinks` say whether the disk can hold execute bits and links (core.fileMode, core.symlinks). */
export type ComparisonInput = {
  worktree: string;
  index: IndexFile;
  differences: HeadDifference;
  fileMode: boolean;
  symlinks: boolean;
  signal: AbortSignal;
};

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;
// Git looks at the owner's bit alone.
const EXECUTE_BIT = 0o100n;

/** Whether nothing needs to be read: the file is as the index says and the index is as HEAD says. */
export function isClean({ path, entry, stats }: FoundFile, input: ComparisonInput): boolean {
  if (entry === null || input.differences.has(path)) return false;
  return modeOf(stats, entry, input) === entry.mode && isTrusted(entry, stats, input.index);
}

/**
 * The change at a path that is there; null when there is none, or none of ours.
 * @throws Failure `file-changing`, `file-unreadable`
 */
export async function compareFile(found: FoundFile, input: ComparisonInput): Promise<FileChange | null> {
  const { path, entry, stats } = found;
  if (entry !== null && isLeftAlone(entry)) return null;
  const difference = input.differences.get(path);
  // HEAD has it and the index does not: the person took it out of git and kept the file.
  if (entry === null && difference?.head) return null;
  if (!stats.isFile() && !stats.isSymbolicLink()) return null;
  const known = entry !== null && isTrusted(entry, stats, input.index);
  const content = known
    ? { oid: entry.oid, stats }
    : await readFileContent(input.worktree, path, input.signal);
  if (content === null) return entry === null ? null : compareMissing(entry, difference);
  const side = { mode: modeOf(content.stats, entry, input), oid: content.oid };
  const head = headOf(entry, difference);
  if (head?.mode === FILE_MODE.submodule || isEqual(side, head)) return null;
  const sizeBytes = Number(content.stats.size);
  return {
    kind: head === null ? 'added' : 'modified',
    path,
    ...side,
    sizeBytes,
    stat: statOf(content.stats),
  };
}

/** The deletion at a path that is gone from the disk; null when HEAD has no file there, or none of ours. */
export function compareMissing(entry: IndexEntry, difference: Difference | undefined): FileChange | null {
  if (isLeftAlone(entry)) return null;
  const head = headOf(entry, difference);
  return head === null || head.mode === FILE_MODE.submodule ? null : { kind: 'deleted', path: entry.path };
}

/** A person told git not to look, or it is another repository. */
function isLeftAlone(entry: IndexEntry): boolean {
  return entry.assumeValid || entry.skipWorktree || entry.mode === FILE_MODE.submodule;
}

function headOf(entry: IndexEntry | null, difference: Difference | undefined): TreeSide | null {
  return difference ? difference.head : entry;
}

function isEqual(a: TreeSide, b: TreeSide | null): boolean {
  return b !== null && a.mode === b.mode && a.oid === b.oid;
}

function modeOf(stats: BigIntStats, entry: IndexEntry | null, input: ComparisonInput): number {
  if (stats.isSymbolicLink()) return FILE_MODE.symlink;
  if (!input.symlinks && entry?.mode === FILE_MODE.symlink) return FILE_MODE.symlink;
  if (!input.fileMode) return entry?.mode === FILE_MODE.executable ? FILE_MODE.executable : FILE_MODE.file;
  return (stats.mode & EXECUTE_BIT) === 0n ? FILE_MODE.file : FILE_MODE.executable;
}

function isTrusted(entry: IndexEntry, stats: BigIntStats, index: IndexFile): boolean {
  if (entry.intentToAdd || isRacy(entry, index)) return false;
  if (stats.isSymbolicLink() !== (entry.mode === FILE_MODE.symlink)) return false;
  return matchesStat(entry, stats) || matchesCoarsely(entry, stats);
}

/**
 * Some runtimes tell times in milliseconds or seconds only, while git stored nanoseconds. A time that is a whole
 * number of those is compared as such; git itself compares whole seconds.
 */
function matchesCoarsely(entry: IndexEntry, stats: BigIntStats): boolean {
  if (stats.mtimeNs % NS_PER_MS !== 0n || stats.ctimeNs % NS_PER_MS !== 0n) return false;
  const unitNs = (time: bigint) => Number(time % NS_PER_S === 0n ? NS_PER_S : NS_PER_MS);
  const cut = (fraction: number, time: bigint) => fraction - (fraction % unitNs(time));
  const { mtimeNs, ctimeNs } = entry.stat;
  const stat = {
    ...entry.stat,
    mtimeNs: cut(mtimeNs, stats.mtimeNs),
    ctimeNs: cut(ctimeNs, stats.ctimeNs),
  };
  return matchesStat({ ...entry, stat }, stats);
}

function statOf(stats: BigIntStats): FileStat {
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  return { ctimeNs, mtimeNs, dev, ino, uid, gid, size };
}
