// Files of a snapshot as git itself would write them, through filters, line ends and LFS, but into a folder of ours:
// whoever puts them into the work tree decides whether their place may be taken.

import { lstat } from 'node:fs/promises';
import { redact } from '../../host/log.ts';
import { isAbsent } from '../io-failure.ts';
import type { TreeFile } from '../objects/trees.ts';
import { diskPath, type RepoPath } from '../paths.ts';
import type { FileSource, WrittenFiles } from '../snapshot/snapshot-engine.ts';
import { FILE_MODE, type ObjectStore, type Repository } from '../types.ts';
import type { RunGit } from './run-git.ts';
import { openScratch } from './scratch-index.ts';

/** So many are written ahead: each costs its size on the disk until it has found its place. */
const FILES_AHEAD = 100;
const LONGEST_TEXT = 300;

type Wanted = { readonly path: RepoPath; readonly target: TreeFile };
type Store = { objects: ObjectStore; git: RunGit };

/** The caller holds the repository lock. @throws Failure `disk-full`, `write-refused`, `aborted` */
export async function writeFilesAside(
  { repo, ...store }: Store & { repo: Repository },
  files: readonly Wanted[],
): Promise<WrittenFiles> {
  const scratch = await openScratch(repo);
  return { sourceOf: writeFilesTo(scratch.folder, store, files), close: () => scratch.close() };
}

/** As `WrittenFiles.sourceOf`. The folder is the caller's to remove. */
export function writeFilesTo(
  parent: string,
  store: Store,
  files: readonly Wanted[],
): WrittenFiles['sourceOf'] {
  const order = new Map(files.map(({ path }, at) => [path, at]));
  let folder = '';
  let ahead = new Set<RepoPath>();
  let batches = 0;
  const writeBatch = async (batch: readonly Wanted[]) => {
    batches += 1;
    folder = `${parent}/${batches}`;
    ahead = new Set(batch.map(({ path }) => path));
    return checkOut(batch, { index: `${parent}/index-${batches}`, folder }, store.git);
  };
  return async (path) => {
    const at = order.get(path);
    const wanted = at === undefined ? undefined : files[at];
    if (at === undefined || !wanted) throw new Error('A file was asked for that was not named.');
    if (wanted.target.mode === FILE_MODE.symlink) {
      return { kind: 'content', content: (await store.objects.read(wanted.target.oid)).content };
    }
    if (!ahead.has(path)) await writeBatch(files.slice(at, at + FILES_AHEAD).filter(isPlain));
    const found = await fileAt(folder, path);
    if (found !== null) return found;
    // One that a filter cannot write ends the whole command: by itself it says why.
    const reason = await writeBatch([wanted]);
    return (await fileAt(folder, path)) ?? { kind: 'refused', reason };
  };
}

const isPlain = ({ target }: Wanted) =>
  target.mode !== FILE_MODE.symlink && target.mode !== FILE_MODE.submodule;

/** Answers git's words, for when a file is missing afterwards. */
async function checkOut(
  files: readonly Wanted[],
  { index, folder }: { index: string; folder: string },
  git: RunGit,
): Promise<string> {
  const call = { env: { GIT_INDEX_FILE: index }, changes: true };
  const lines = files.map(({ path, target }) => `${target.mode.toString(8)} ${target.oid}\t${path}\0`);
  await git(['update-index', '-z', '--index-info'], { ...call, input: bytes(lines) });
  const names = files.map(({ path }) => `${path}\0`);
  const args = ['checkout-index', '--force', '-z', '--stdin', `--prefix=${folder}/`];
  const { err } = await git(args, { ...call, input: bytes(names) });
  const text = redact(err).replace(/\s+/g, ' ').trim().slice(-LONGEST_TEXT);
  return `git could not write it: ${text === '' ? 'it said nothing' : text}`;
}

async function fileAt(folder: string, path: RepoPath): Promise<FileSource | null> {
  const place = diskPath(folder, path);
  try {
    return (await lstat(place)).isFile() ? { kind: 'file', path: place } : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

const bytes = (lines: readonly string[]) => Buffer.from(lines.join(''), 'latin1');
