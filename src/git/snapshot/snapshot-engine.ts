// What a snapshot and a restore ask of a git engine. There are two: the built-in one, and the system's git where files
// pass filters or the index has a form that only git reads. Neither runs commit hooks, and both only read HEAD, index
// and work tree; the places of a restore are written by the restore itself.

import type { BigIntStats } from 'node:fs';
import type { Content } from '../../model/content.ts';
import type { FoundChanges } from '../changes/changes.ts';
import type { TreeFile } from '../objects/trees.ts';
import type { RepoPath } from '../paths.ts';
import type { FileChange, ObjectStore } from '../types.ts';
import type { SnapshotContent } from './snapshot-commit.ts';

/** Whether what stands at a path, as its stat was found, holds exactly this blob, as git would store it. */
export type HoldsBlob = (path: RepoPath, found: BigIntStats, oid: string) => Promise<boolean>;

/** A file as it shall stand in the work tree: its bytes, or a whole file that may be moved there; or why there is none. */
export type FileSource =
  | { readonly kind: 'content'; readonly content: Buffer }
  | { readonly kind: 'file'; readonly path: string | Buffer }
  | { readonly kind: 'refused'; readonly reason: string };

export type WrittenFiles = {
  /** Asked in the order in which the files were named. */
  sourceOf(path: RepoPath): Promise<FileSource>;
  close(): Promise<void>;
};

export type SnapshotEngine = {
  readonly name: 'builtin' | 'git';
  /** Why it is not the built-in one, in words; null when it is. */
  readonly reason: string | null;
  /** In a partial clone also what has to be fetched first. */
  readonly objects: ObjectStore;
  /** How the work tree differs from HEAD, whatever is staged. @throws Failure as `findSnapshotChanges` */
  findChanges(signal: AbortSignal): Promise<FoundChanges>;
  /** Number of files in the index. */
  countTracked(signal: AbortSignal): Promise<number>;
  /** For the guard. @throws Failure `file-changing` with `data.path` */
  readContent(change: FileChange, signal: AbortSignal): Promise<Content>;
  /** Stores the blobs of these changes; answers those that are not what was looked at any more. */
  storeBlobs(changes: readonly FileChange[], signal: AbortSignal): Promise<FileChange[]>;
  /** Answers the id of the commit. */
  writeCommit(content: SnapshotContent, signal: AbortSignal): Promise<string>;
  /** Contents as git would store them, for comparing: of some of the changes. @throws Failure `file-changing` */
  openStored(
    changes: readonly FileChange[],
    signal: AbortSignal,
  ): Promise<(change: FileChange) => Promise<Buffer>>;
  /** Takes note of what these places of the work tree hold. */
  lookAtPlaces(paths: readonly RepoPath[], signal: AbortSignal): Promise<HoldsBlob>;
  /** Files of a snapshot as git would write them. */
  openFiles(
    files: readonly { readonly path: RepoPath; readonly target: TreeFile }[],
    signal: AbortSignal,
  ): Promise<WrittenFiles>;
};
