// What bringing a branch to another commit asks of a git engine: the index as it is, contents as they would be stored,
// new versions of files as they shall stand, and the last step. Here are the built-in engine's answers.

import { open, rm } from 'node:fs/promises';
import { type FileContent, readFileContent } from '../changes/file-content.ts';
import { type Publication, publishCommit } from '../commit/publish-commit.ts';
import type { GitConfig } from '../config/config-values.ts';
import { type IndexFile, readIndex } from '../index/index-file.ts';
import type { TreeDifference, TreeFile } from '../objects/trees.ts';
import type { RepoPath } from '../paths.ts';
import { type RefUpdate, updateRef } from '../refs/refs.ts';
import { FILE_MODE, type ObjectStore, type Repository } from '../types.ts';
import { type Maker, type Merge, writeMerge } from './new-commits.ts';
import { refuseConversions } from './refuse-conversions.ts';

/** `storedAs` is what git would store of it, where that is not the file byte for byte. */
export type PlaceContent = FileContent & { readonly storedAs?: string };

/** Whole files in a folder of ours, each to be moved to its place. Links are none of them. */
export type NewFiles = {
  /** Asked in the order in which the files were named. @throws Failure when it cannot be written */
  pathOf(path: RepoPath, file: TreeFile): Promise<string | Buffer>;
};

export type WantedFile = { readonly path: RepoPath; readonly target: TreeFile };

export type WorkTreeTools = {
  readonly name: 'builtin' | 'git';
  /** In a partial clone also what has to be fetched first. */
  readonly objects: ObjectStore;
  /** Whether commits that are repeated elsewhere stay what they were: a signature would be lost. */
  readonly mayRebase: boolean;
  /** Before anything is touched. @throws Failure `needs-system-git` for contents that this engine must not write */
  refuse(differences: readonly TreeDifference[]): Promise<void>;
  /** With every entry, whatever form it has on the disk. */
  readIndex(): Promise<IndexFile>;
  /** The paths among them that a sparse work tree leaves out. */
  findOutside(differences: readonly TreeDifference[], index: IndexFile): Promise<ReadonlySet<string>>;
  /** Null when neither a file nor a link stands there. @throws Failure `file-changing`, `file-unreadable` */
  readContent(path: RepoPath, signal: AbortSignal): Promise<PlaceContent | null>;
  /** `folder` is on the work tree's file system and goes away afterwards. */
  openFiles(files: readonly WantedFile[], folder: string): Promise<NewFiles>;
  /** @throws as `publishCommit` */
  publish(publication: Publication): Promise<boolean>;
  /** A branch that is not checked out. @throws Failure `ref-moved` */
  moveRef(update: RefUpdate): Promise<void>;
  /** Answers the commit's id. */
  writeMerge(merge: Merge, maker: Maker): Promise<string>;
  /** The same, whose work ends with this signal and no other: taking back goes on after an abort. */
  boundTo(signal: AbortSignal): WorkTreeTools;
};

type BuiltinInput = { repo: Repository; objects: ObjectStore; config: GitConfig; fsync: boolean };

export function builtinTools({ repo, objects, config, fsync }: BuiltinInput): WorkTreeTools {
  const tools: WorkTreeTools = {
    name: 'builtin',
    objects,
    mayRebase: true,
    refuse: (differences) => refuseConversions(objects, differences, config),
    readIndex: () => readIndex(repo),
    findOutside: async () => new Set(),
    readContent: (path, signal) => readFileContent(repo.worktree, path, signal),
    async openFiles(_files, folder) {
      return { pathOf: (_path, file) => writeAside(objects, folder, file, fsync) };
    },
    publish: publishCommit,
    moveRef: (update) => updateRef(repo, update),
    writeMerge: (merge, maker) => writeMerge(objects, merge, maker),
    // Nothing here is bound to a signal for longer than a call.
    boundTo: () => tools,
  };
  return tools;
}

async function writeAside(
  objects: ObjectStore,
  folder: string,
  { oid, mode }: TreeFile,
  fsync: boolean,
): Promise<string> {
  const path = `${folder}/${oid}`;
  await rm(path, { force: true });
  // The process's umask takes away what the person does not want, as with git.
  const file = await open(path, 'wx', mode === FILE_MODE.executable ? 0o777 : 0o666);
  try {
    for await (const chunk of (await objects.open(oid)).chunks) await file.writeFile(chunk);
    if (fsync) await file.sync();
  } finally {
    await file.close();
  }
  return path;
}
