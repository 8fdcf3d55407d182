// What lies between two points in time, or between one and the work tree, file by file.

import { diffTrees, lookUp, type TreeFile } from '../objects/trees.ts';
import { displayPath, type RepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type ObjectStore } from '../types.ts';
import type { SnapshotEngine } from './snapshot-engine.ts';
import { unifiedDiff } from './unified-diff.ts';

/** `diff` is null for what is not text, too large or beyond what one answer holds. `path` is display text. */
type FileDiff = { path: string; kind: 'added' | 'modified' | 'deleted'; diff: string | null };
/** `truncated`: there are more files than are named. */
export type SnapshotDiff = { files: FileDiff[]; truncated: boolean };

const MOST_FILES = 1_000;
const MOST_FILE_BYTES = 256 * 1024;
const MOST_DIFF_CHARACTERS = 1024 * 1024;

type Change = { path: RepoPath; before: TreeFile | null; after: TreeFile | null };
/** Null for what is too large to be shown. */
type ReadSide = (path: RepoPath, file: TreeFile) => Promise<Buffer | null>;

/** Trees by their ids; null is an empty one. @throws Failure `object-missing`, `object-corrupt` */
export function diffSnapshots(
  objects: ObjectStore,
  before: string | null,
  after: string | null,
): Promise<SnapshotDiff> {
  const read: ReadSide = (_path, { oid }) => readSmall(objects, oid);
  return describe(diffTrees(objects, before, after), read, read);
}

/** Only these paths, from one tree to the other; where they are equal they are left out. */
export function diffPaths(
  objects: ObjectStore,
  { before, after, paths }: { before: string; after: string; paths: readonly RepoPath[] },
): Promise<SnapshotDiff> {
  const read: ReadSide = (_path, { oid }) => readSmall(objects, oid);
  async function* changes(): AsyncGenerator<Change> {
    for (const path of paths) {
      const [old, now] = [
        asFile(await lookUp(objects, before, path)),
        asFile(await lookUp(objects, after, path)),
      ];
      if (old?.oid !== now?.oid) yield { path, before: old, after: now };
    }
  }
  return describe(changes(), read, read);
}

export type WorktreeDiffInput = {
  engine: SnapshotEngine;
  /** The snapshot's tree. */
  tree: string;
  headTree: string | null;
  /** How the work tree differs from HEAD; what the guard holds is left out and so never shown. */
  changes: readonly FileChange[];
  signal: AbortSignal;
};

/** From the snapshot to what is on disk now. @throws Failure `file-changing`, `file-unreadable` */
export async function diffWithWorktree(input: WorktreeDiffInput): Promise<SnapshotDiff> {
  const { engine, changes, signal } = input;
  const { objects } = engine;
  const small = changes.filter((change) => change.kind === 'deleted' || change.sizeBytes <= MOST_FILE_BYTES);
  const readStored = await engine.openStored(small, signal);
  const onDisk = new Map(changes.map((change) => [change.path, change]));
  const read = new Map(small.map((change) => [change.path, () => readStored(change)]));
  const fromObjects: ReadSide = (_path, { oid }) => readSmall(objects, oid);
  return describe(worktreeChanges(input), fromObjects, async (path, file) =>
    onDisk.has(path) ? ((await read.get(path)?.()) ?? null) : fromObjects(path, file),
  );
}

/** A large content is not taken into memory for nothing. */
async function readSmall(objects: ObjectStore, oid: string): Promise<Buffer | null> {
  const { sizeBytes, chunks } = await objects.open(oid);
  if (sizeBytes > MOST_FILE_BYTES) return null;
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  return Buffer.concat(parts);
}

async function* worktreeChanges(input: WorktreeDiffInput): AsyncGenerator<Change> {
  const { engine, tree, headTree, changes } = input;
  const { objects } = engine;
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
      const old = before && (await readBefore(path, before));
      const now = after && (await readAfter(path, after));
      const isShown = [old, now].every((side) => (side?.length ?? 0) <= MOST_FILE_BYTES);
      const isWhole = (before === null || old !== null) && (after === null || now !== null);
      diff = isShown && isWhole ? unifiedDiff({ name, before: old, after: now }) : null;
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
