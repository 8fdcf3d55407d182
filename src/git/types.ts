// What the parts of the git engine hand each other.

import type { RepoPath } from './paths.ts';

/** Where a repository lies. `commonDir` differs from `gitDir` only in a linked worktree. All absolute. */
export type Repository = { readonly worktree: string; readonly gitDir: string; readonly commonDir: string };

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';
export type GitObject = { readonly type: ObjectType; readonly content: Buffer };
/** A content that comes piece by piece: `chunks` is read once, to its end or until its loop is left. */
export type ObjectStream = {
  readonly type: ObjectType;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
};
/** `mode` as in tree objects: 40000, 100644, 100755, 120000, 160000 (octal, as a number). `name` is a byte string. */
export type TreeEntry = { readonly mode: number; readonly name: string; readonly oid: string };
export type Commit = { readonly tree: string; readonly parents: readonly string[] };

/** `path` is for node:fs, `name` for people; `flags` are open(2) flags, default reading. */
export type WorkFileBlob = {
  readonly path: string | Buffer;
  readonly name: string;
  readonly sizeBytes: number;
  readonly oid?: string;
  readonly flags?: number;
};

/** Reads and writes objects by their 40-digit hexadecimal id. */
export type ObjectStore = {
  /** @throws Failure `object-missing`, `object-corrupt` */
  read(oid: string): Promise<GitObject>;
  /**
   * As `read`, in flat memory where a large content is stored whole (a delta is put together first).
   * @throws Failure `object-missing`, `object-corrupt`, also while the chunks are read
   */
  open(oid: string): Promise<ObjectStream>;
  readCommit(oid: string): Promise<Commit>;
  readTree(oid: string): Promise<readonly TreeEntry[]>;
  has(oid: string): Promise<boolean>;
  /** Writes a loose object unless it exists, safely (temporary name, fsync by setting, rename); answers its id. */
  write(type: ObjectType, content: Uint8Array): Promise<string>;
  /**
   * Writes a file as a blob in flat memory, whatever its size.
   * @throws Failure `file-changing` when it holds another number of bytes, or another content than `oid` says
   */
  writeBlobFile(file: WorkFileBlob): Promise<string>;
  /** Begins one new pack for many objects. @throws Failure `disk-full`, `write-refused` */
  openBatch(): Promise<ObjectBatch>;
  /** Closes pack files and drops caches; the store can be used again afterwards. */
  close(): Promise<void>;
};

/** Objects on their way into one pack. Files too large to be held in memory are written by themselves at once. */
export type ObjectBatch = Pick<ObjectStore, 'write' | 'writeBlobFile'> & {
  /** Puts the pack in force: only from here on its objects can be read. @throws Failure `disk-full`, `write-refused` */
  finish(): Promise<void>;
  /** Gives up what is not finished. */
  discard(): Promise<void>;
};

export const FILE_MODE = {
  tree: 0o40000,
  file: 0o100644,
  executable: 0o100755,
  symlink: 0o120000,
  submodule: 0o160000,
};

/** Stat data of a work-tree file as the index keeps it (bigint, nanoseconds). */
export type FileStat = {
  readonly ctimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
};

/** A difference between the work tree and HEAD. For `deleted` there is no mode, oid or stat. */
export type FileChange =
  | { readonly kind: 'deleted'; readonly path: RepoPath }
  | {
      readonly kind: 'added' | 'modified';
      readonly path: RepoPath;
      /** 0o100644, 0o100755 or 0o120000; 0o160000 for a submodule, whose `oid` is a commit that is not stored here. */
      readonly mode: number;
      /** Blob id of the content that was looked at; the commit refuses (`file-changing`) when it changed since. */
      readonly oid: string;
      readonly sizeBytes: number;
      readonly stat: FileStat;
    };

/** Author or committer. */
export type Identity = { readonly name: string; readonly email: string };

/** What HEAD is. `oid` is null on a branch without commits. */
export type Head =
  | { readonly kind: 'branch'; readonly ref: string; readonly branch: string; readonly oid: string | null }
  | { readonly kind: 'detached'; readonly oid: string };
