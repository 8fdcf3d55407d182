// What a move from one tree to another means for the work tree, file by file, and whether each file may be touched:
// only what is exactly as the old tree says, or already as the new one does. Looks, and changes nothing.

import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { isGitFolderName } from '../changes/path-names.ts';
import { type IndexEntry, type IndexFile, isRacy, matchesStat } from '../index/index-file.ts';
import { isAbsent, readFailure } from '../io-failure.ts';
import type { TreeDifference, TreeFile } from '../objects/trees.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE } from '../types.ts';
import type { WorkTreeTools } from './work-tree-tools.ts';

/** `stats` belong to the content that was found; null where nothing is. */
export type Step = TreeDifference & {
  /** `left-out`: a sparse work tree has no such file, before or after. */
  readonly state: 'to-do' | 'done' | 'left-out';
  readonly stats: BigIntStats | null;
};

export type LookInput = {
  worktree: string;
  index: IndexFile;
  /** core.fileMode: whether execute bits on disk mean anything. */
  fileMode: boolean;
  /** core.symlinks: whether the disk holds links. */
  symlinks: boolean;
  /** What a sparse work tree leaves out. */
  outside: ReadonlySet<string>;
  readContent: WorkTreeTools['readContent'];
  signal: AbortSignal;
};

type Plan = LookInput & { readonly removed: ReadonlySet<string> };

const EXECUTE_BIT = 0o100n;

/**
 * The state of every file that differs.
 * @throws Failure `integrate-blocked-by-local-changes` naming the first file that must not be touched,
 *   `remote-path-unsafe`, `file-changing`, `file-unreadable`
 */
export async function lookAtSteps(differences: readonly TreeDifference[], input: LookInput): Promise<Step[]> {
  const removed = new Set<string>(differences.filter(({ after }) => after === null).map(({ path }) => path));
  const steps: Step[] = [];
  for (const difference of differences) {
    input.signal.throwIfAborted();
    refuseUnsafe(difference, input);
    refuseStaged(difference, { ...input, removed });
    steps.push(await lookAtStep(difference, { ...input, removed }));
  }
  return steps;
}

/** The state of one file as it is now. @throws as `lookAtSteps` */
async function lookAtStep(difference: TreeDifference, plan: Plan): Promise<Step> {
  const { path, before, after } = difference;
  if (plan.outside.has(path)) return { ...difference, state: 'left-out', stats: null };
  const toDo = (stats: BigIntStats | null): Step => ({ ...difference, state: 'to-do', stats });
  const done = (stats: BigIntStats | null): Step => ({ ...difference, state: 'done', stats });
  const stats = (await isReachable(path, plan)) ? await statOf(plan, path) : null;
  if (isSubmodule(before) || isSubmodule(after)) return lookAtSubmodule(difference, stats);
  if (after === null && (stats === null || stats.isDirectory())) return done(null);
  if (stats === null) {
    if (before === null) return toDo(null);
    throw blocked(path, 'was deleted here and changed there');
  }
  if (stats.isDirectory()) {
    if (before !== null) throw blocked(path, 'is a folder here');
    await refuseOccupied(path, plan);
    return toDo(null);
  }
  const found = await contentOf({ ...plan, difference }, path, stats, before ?? after);
  if (found === null) throw blocked(path, 'is neither a file nor a link');
  if (after !== null && isEqual(found, after)) return done(found.stats);
  if (before !== null && isEqual(found, before)) return toDo(found.stats);
  throw blocked(
    path,
    before === null ? 'is not tracked here, and there is one on the remote' : 'has local changes',
  );
}

/** Another repository is never touched: only its empty folder comes and goes. */
function lookAtSubmodule(difference: TreeDifference, stats: BigIntStats | null): Step {
  const { path, before, after } = difference;
  const isPlain = (before === null || isSubmodule(before)) && (after === null || isSubmodule(after));
  if (!isPlain || (stats !== null && !stats.isDirectory())) {
    throw blocked(path, 'is a submodule on one side and not on the other');
  }
  const state = after !== null && stats === null ? 'to-do' : 'done';
  return { ...difference, state: after === null ? 'to-do' : state, stats: null };
}

/** Whether the path's folders are there and real; what this move removes on the way counts as absent. */
async function isReachable(path: RepoPath, plan: Plan): Promise<boolean> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash) as RepoPath;
    const stats = await statOf(plan, folder);
    if (stats === null) return false;
    if (!stats.isDirectory()) {
      if (plan.removed.has(folder)) return false;
      throw blocked(folder, 'is no folder here, and is one on the remote');
    }
    if ((await statOf(plan, `${folder}/.git` as RepoPath)) !== null) {
      throw blocked(folder, 'is a repository of its own here');
    }
  }
  return true;
}

/** A folder makes way for a file only when all that is in it goes too. */
async function refuseOccupied(folder: RepoPath, plan: Plan): Promise<void> {
  const items = await readdir(diskPath(plan.worktree, folder), { withFileTypes: true, encoding: 'latin1' });
  for (const item of items) {
    const path = `${folder}/${item.name}` as RepoPath;
    if (item.isDirectory()) await refuseOccupied(path, plan);
    else if (!plan.removed.has(path)) throw blocked(path, 'stands where the remote has a file');
  }
}

async function contentOf(
  plan: Plan & { difference: TreeDifference },
  path: RepoPath,
  stats: BigIntStats,
  expected: TreeFile | null,
): Promise<(TreeFile & { stats: BigIntStats }) | null> {
  const entry = plan.index.find(path);
  if (entry !== null && isKnown(entry, stats, plan.index)) {
    return { mode: modeOf(stats, expected, plan), oid: entry.oid, stats };
  }
  const content = await plan.readContent(path, plan.signal);
  if (content === null) return null;
  const { oid, storedAs = oid } = content;
  // Bytes that are the blob's own are kept in it, whatever the rules say by now.
  const isPlain = [plan.difference.before, plan.difference.after].some((side) => side?.oid === oid);
  return {
    mode: modeOf(content.stats, expected, plan),
    oid: isPlain ? oid : storedAs,
    stats: content.stats,
  };
}

function isKnown(entry: IndexEntry, stats: BigIntStats, index: IndexFile): boolean {
  if (entry.mode === FILE_MODE.submodule || entry.intentToAdd) return false;
  if (stats.isSymbolicLink() !== (entry.mode === FILE_MODE.symlink)) return false;
  return matchesStat(entry, stats) && !isRacy(entry, index);
}

function modeOf(stats: BigIntStats, expected: TreeFile | null, { fileMode }: Plan): number {
  if (stats.isSymbolicLink()) return FILE_MODE.symlink;
  if (!fileMode) return expected?.mode === FILE_MODE.executable ? FILE_MODE.executable : FILE_MODE.file;
  return (stats.mode & EXECUTE_BIT) === 0n ? FILE_MODE.file : FILE_MODE.executable;
}

/** What a person has staged stays theirs: the index must say what one of the two trees says. */
function refuseStaged({ path, before, after }: TreeDifference, { index, removed, outside }: Plan): void {
  const entry = index.find(path);
  if (entry === null) {
    if (before !== null && after !== null) throw blocked(path, 'was taken out of the index');
  } else {
    if ((entry.skipWorktree && !outside.has(path)) || entry.assumeValid)
      throw blocked(path, 'is left alone on request (update-index)');
    const isKnownSide = [before, after].some((side) => side !== null && isEqual(side, entry));
    if (!isKnownSide || entry.intentToAdd) throw blocked(path, 'has staged changes');
  }
  if (after === null) return;
  for (const below of index.under(path)) {
    if (!removed.has(below.path)) throw blocked(below.path, 'is staged where the remote has a file');
  }
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const parent = path.slice(0, slash) as RepoPath;
    if (index.find(parent) !== null && !removed.has(parent)) {
      throw blocked(parent, 'is staged where the remote has a folder');
    }
  }
}

/** Names that would write into git's own folder, here or on another kind of disk, and links where none can be. */
function refuseUnsafe({ path, after }: TreeDifference, { symlinks }: LookInput): void {
  const isUnsafe = path.split('/').some((part) => {
    // Characters that macOS ignores in names; as bytes of UTF-8.
    const plain = part.replace(/\xe2\x80[\x8c-\x8f\xaa-\xae]|\xe2\x81[\xaa-\xaf]|\xef\xbb\xbf/g, '');
    return part === '' || part === '.' || part === '..' || isGitFolderName(plain.replace(/[. ]+$/, ''));
  });
  if (isUnsafe || path.includes('\0')) {
    throw new Failure('remote-path-unsafe', `The branch holds ${JSON.stringify(displayPath(path))}.`);
  }
  if (after?.mode === FILE_MODE.symlink && !symlinks) {
    throw new Failure('needs-system-git', `${displayPath(path)} is a link, and core.symlinks is off.`);
  }
}

async function statOf({ worktree }: LookInput, path: RepoPath): Promise<BigIntStats | null> {
  try {
    return await lstat(diskPath(worktree, path), { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw readFailure(error, displayPath(path));
  }
}

function isSubmodule(file: TreeFile | null): boolean {
  return file?.mode === FILE_MODE.submodule;
}

function isEqual(a: TreeFile, b: TreeFile): boolean {
  return a.oid === b.oid && a.mode === b.mode;
}

export function blocked(path: RepoPath, why: string): Failure {
  const name = displayPath(path);
  return new Failure('integrate-blocked-by-local-changes', `${name} ${why}.`, { data: { path: name } });
}
