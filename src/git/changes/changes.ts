// Finds how the work tree differs from HEAD, as a commit of everything would see it: tracked files count even when
// ignored, new files unless ignored. Only looks; what a person has staged or taken out of git stays as it is.

import { readFile } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/user-config.ts';
import { type IndexEntry, type IndexFile, readIndex } from '../index/index-file.ts';
import { errorCode, isAbsent } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { lookUp } from '../objects/trees.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { inText } from '../probe/probe-attributes.ts';
import { FILE_MODE, type FileChange, type Head, type ObjectStore, type Repository } from '../types.ts';
import { unitsOf } from './change-scope.ts';
import { type ComparisonInput, compareFile, compareMissing, isClean } from './file-comparison.ts';
import { compareWithHead, type HeadDifference } from './head-difference.ts';
import type { IgnoreRules } from './ignore.ts';
import { awaitedFiles, promptFiles, type WorktreeFiles } from './worktree-files.ts';
import { createPlaceFinder } from './worktree-place.ts';
import { type FoundFile, walkWorktree } from './worktree-walk.ts';

const MOST_READ_AT_ONCE = 16;
const UNREADABLE: ReadonlySet<string> = new Set(['file-unreadable', 'file-changing']);

export type ChangesInput = {
  repo: Repository;
  objects: ObjectStore;
  config: GitConfig;
  ignore: IgnoreRules;
  head: Head;
  /** Hints: files, folders, or what is gone. Only they and what lies below them are compared. */
  scope: 'all' | ReadonlySet<RepoPath>;
  /** `core.fileMode`: whether execute bits on disk mean anything. */
  fileMode: boolean;
  signal: AbortSignal;
  /** How the disk is asked; default without holding up the event loop. */
  files?: WorktreeFiles;
  /**
   * Told which paths are not as the index says, or may not be. `isWhole`: beside these, what was listed and HEAD,
   * nothing counts.
   */
  onCompared?(compared: { apart: RepoPath[]; isWhole: boolean }): void;
};

/**
 * `path` is display text; nothing is known of what lies there or below. `file-changing`: it never held still;
 * `submodule-unpushed`: what it stands at is not to be recorded yet.
 */
type UnreadableFile = {
  path: string;
  detail: string;
  code: 'file-unreadable' | 'file-changing' | 'submodule-unpushed';
};
/** `changes` are sorted by path. */
export type FoundChanges = { changes: FileChange[]; unreadable: UnreadableFile[] };

/**
 * Compares the work tree with HEAD. Files that cannot be read, or never hold still, are named beside the changes of
 * all others: one busy file must not hold up a project.
 * @throws Failure `folder-missing`, `folder-unreadable`, `needs-system-git` for a new attribute file that converts
 *   contents, `object-missing`, `index-corrupt`
 */
export async function findChanges(input: ChangesInput): Promise<FoundChanges> {
  const files = input.files ?? (input.scope === 'all' ? awaitedFiles() : promptFiles());
  const { objects, head } = input;
  const commit = head.oid === null ? null : objects.readCommit(head.oid);
  const [index, headCommit] = await Promise.all([readIndex(input.repo), commit]);
  const look = { ...input, files, index, differences: new Map() };
  const tree = headCommit?.tree ?? null;
  const isFileInHead = async (path: RepoPath) =>
    ((await lookUp(objects, tree, path))?.mode ?? FILE_MODE.tree) !== FILE_MODE.tree;
  const units =
    input.scope === 'all' ? [''] : await unitsOf(input.scope, { ...scopeInput(look), isFileInHead });
  for (const unit of units) {
    await compareWithHead({ objects, tree, index: look.index }, unit, look.differences);
  }
  const seen = await walkUnits(units, look);
  input.onCompared?.({
    apart: [...seen.suspects, ...seen.missing].map(({ path }) => path),
    isWhole: [...look.differences.values()].every(({ isTracked }) => isTracked),
  });
  const changes = [
    ...seen.missing.flatMap((entry) => compareMissing(entry, look.differences.get(entry.path)) ?? []),
    ...(await removedFromGit(seen, look)),
    ...(await compareFiles(seen, look)),
  ];
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { changes, unreadable: seen.unreadable };
}

type Look = ChangesInput & { files: WorktreeFiles; index: IndexFile; differences: HeadDifference };
type Seen = { suspects: FoundFile[]; missing: IndexEntry[]; unreadable: UnreadableFile[] };

function scopeInput({ repo, config, index, files }: Look) {
  const names = {
    ignoreCase: config.getBoolean('core.ignoreCase') ?? false,
    precomposeUnicode: config.getBoolean('core.precomposeUnicode') ?? false,
  };
  return { worktree: repo.worktree, index, files, names };
}

function comparisonInput({ repo, config, index, differences, fileMode, signal }: Look): ComparisonInput {
  const symlinks = config.getBoolean('core.symlinks') ?? true;
  return { worktree: repo.worktree, index, differences, fileMode, symlinks, signal };
}

async function walkUnits(units: readonly string[], look: Look): Promise<Seen> {
  const seen: Seen = { suspects: [], missing: [], unreadable: [] };
  const { ignore, signal } = look;
  const comparison = comparisonInput(look);
  for (const unit of units) {
    await walkWorktree(
      unit,
      { ...scopeInput(look), ignore, signal },
      {
        onFile: (file) => {
          if (!isClean(file, comparison)) seen.suspects.push(file);
        },
        onMissing: (entry) => seen.missing.push(entry),
        onUnreadable: (path, error) => seen.unreadable.push(problem(path, error)),
      },
    );
  }
  return seen;
}

/** What HEAD has, the index has not, and the disk has neither: `git rm`. Kept on disk it is `git rm --cached`. */
async function removedFromGit(seen: Seen, look: Look): Promise<FileChange[]> {
  const { worktree, index, files } = scopeInput(look);
  const placeOf = createPlaceFinder({ worktree, index, files });
  const candidates = [...look.differences].filter(([, { head, isTracked }]) => !isTracked && head !== null);
  const found = await mapConcurrently(
    candidates,
    files.atOnce,
    async ([path, { head }]): Promise<FileChange[]> => {
      const place = await placeOf(path);
      if (place.kind === 'foreign') return [];
      try {
        const stats = place.kind === 'inside' ? await files.lstat(diskPath(worktree, path)) : null;
        // A submodule is a folder: kept on disk it was only taken out of git.
        const isGone = stats === null || (stats.isDirectory() && head?.mode !== FILE_MODE.submodule);
        return isGone ? [{ kind: 'deleted', path }] : [];
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        seen.unreadable.push(problem(path, error));
        return [];
      }
    },
  );
  return found.flat();
}

/** Reads what could not be judged by its stat; adds to `seen.unreadable`. */
async function compareFiles(seen: Seen, look: Look): Promise<FileChange[]> {
  const comparison = comparisonInput(look);
  const found = await mapConcurrently(seen.suspects, MOST_READ_AT_ONCE, async (file) => {
    try {
      const change = await compareFile(file, comparison);
      if (change?.kind === 'added') await refuseConversion(file, look);
      return change;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      seen.unreadable.push(problem(file.path, error));
      return null;
    }
  });
  return found.filter((change) => change !== null);
}

/** The probe knows tracked attribute files; one that is new would change what git stores of the others. */
async function refuseConversion({ path }: FoundFile, { repo, config }: Look): Promise<void> {
  if (path !== '.gitattributes' && !path.endsWith('/.gitattributes')) return;
  const text = await readFile(diskPath(repo.worktree, path), 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  const conversion = inText(text, displayPath(path), config);
  if (conversion !== null) throw new Failure('needs-system-git', `In ${repo.worktree} ${conversion}.`);
}

/** A failure of another kind, or a bug, concerns more than one file. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Failure ? UNREADABLE.has(error.code) : errorCode(error) !== '';
}

function problem(path: RepoPath, error: unknown): UnreadableFile {
  const cause = error instanceof Failure && error.cause !== undefined ? error.cause : error;
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Failure && error.code === 'file-changing' ? error.code : 'file-unreadable';
  return {
    path: displayPath(path),
    detail: (cause instanceof Failure ? '' : errorCode(cause)) || text,
    code,
  };
}
