// What lies between two points in time, or between one and the work tree, file by file.

import { diffTrees, lookUp, type TreeFile } from '../objects/trees.ts';
import { displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type ObjectStore, type Repository } from '../types.ts';
import { readPlaceExactly } from './judge-changes.ts';
import { unifiedDiff } from './unified-diff.ts';

/** `diff` is null for what is not text, too large or beyond what one answer holds. `path` is display text. */
type FileDiff = { path: string; kind: 'added' | 'modified' | 'deleted'; diff: string | null };
/** `truncated`: there are more files than are named. */
export type SnapshotDiff = { files: FileDiff[]; truncated: boolean };

const MOST_FILES = 1_000;
const MOST_FILE_BYTES = 256 * 1024;
const MOST_DIFF_CHARACTERS = 1024 * 1024;

type Change = { path: RepoPath; before: TreeFile | null; after: TreeFile | null };
type ReadSide = (path: RepoPath, file: TreeFile) => Promise<Buffer>;

/** Trees by their ids; null is an empty one. @throws Failure `object-missing`, `object-corrupt` */
export function diffSnapshots(
  objects: ObjectStore,
  before: string | null,
  after: string | null,
): Promise<SnapshotDiff> {
  const read: ReadSide = async (_path, { oid }) => (await objects.read(oid)).content;
  return describe(diffTrees(objects, before, after), read, read);
}

export type WorktreeDiffInput = {
  repo: Repository;
  objects: ObjectStore;
  /** The snapshot's tree. */
  tree: string;
  headTree: string | null;
  /** How the work tree differs from HEAD; what the guard holds is left out and so never shown. */
  changes: readonly FileChange[];
};

/** From the snapshot to what is on disk now. @throws Failure `file-changing`, `file-unreadable` */
export function diffWithWorktree(input: WorktreeDiffInput): Promise<SnapshotDiff> {
  const { repo, objects, changes } = input;
  const onDisk = new Set(changes.map(({ path }) => path));
  const fromObjects: ReadSide = async (_path, { oid }) => (await objects.read(oid)).content;
  return describe(worktreeChanges(input), fromObjects, async (path, file) =>
    onDisk.has(path) ? readPlaceExactly(repo.worktree, path, file.oid) : fromObjects(path, file),
  );
}

async function* worktreeChanges(input: WorktreeDiffInput): AsyncGenerator<Change> {
  const { objects, tree, headTree, changes } = input;
  const changed = new Map(changes.map((change) => [change.path, change]));
  for await (const { path, before, after } of diffTrees(objects, tree, headTree)) {
    if (!changed.has(path)) yield { path, before, after };
  }
  for (const change of changes) {
    const before = asFile(await lookUp(objects, tree, change.path));
    const after = change.kind === 'deleted' ? null : { mode: change.mode, oid: change.oid };
    if (before?.oid !== after?.oid || before?.mode !== after?.mode)
      yield { path: change.path, before, after };
  }
}

function asFile(found: TreeFile | null): TreeFile | null {
  return found?.mode === FILE_MODE.tree ? null : found;
}

async function describe(
  changes: AsyncIterable<Change>,
  readBefore: ReadSide,
  readAfter: ReadSide,
): Promise<SnapshotDiff> {
  const all: Change[] = [];
  let truncated = false;
  for await (const change of changes) {
    if (isSubmodule(change)) continue;
    if (all.length < MOST_FILES) all.push(change);
    else truncated = true;
  }
  all.sort((a, b) => (a.path < b.path ? -1 : 1));
  const files: FileDiff[] = [];
  let left = MOST_DIFF_CHARACTERS;
  for (const { path, before, after } of all) {
    const kind = before === null ? 'added' : after === null ? 'deleted' : 'modified';
    const name = displayPath(path);
    let diff: string | null = null;
    if (left > 0) {
      const sides = [before && (await readBefore(path, before)), after && (await readAfter(path, after))];
      const small = sides.every((side) => (side?.length ?? 0) <= MOST_FILE_BYTES);
      diff = small ? unifiedDiff({ name, before: sides[0] ?? null, after: sides[1] ?? null }) : null;
      if (diff !== null && diff.length > left) diff = null;
      left -= diff?.length ?? 0;
    }
    files.push({ path: name, kind, diff });
  }
  return { files, truncated };
}

function isSubmodule({ before, after }: Change): boolean {
  return before?.mode === FILE_MODE.submodule || after?.mode === FILE_MODE.submodule;
}
