// What git would store of files of the work tree: the ids of their blobs behind filters and end-of-line rules, and
// which of them go to LFS. Judges nothing.

import { Failure } from '../../model/failure.ts';
import { displayPath, type RepoPath } from '../paths.ts';
import type { RunGit } from './run-git.ts';

const LFS = 'lfs';

/**
 * The blob ids of regular files in the given order; `write` puts the blobs into the object store.
 * @throws Failure `file-changing` when one of them has gone, `lfs-missing`, `filter-failed`
 */
export async function hashFiles(
  git: RunGit,
  paths: readonly RepoPath[],
  { write }: { write: boolean },
): Promise<string[]> {
  if (paths.length === 0) return [];
  const input = Buffer.from(paths.map((path) => `${quoted(path)}\n`).join(''), 'latin1');
  const args = ['hash-object', ...(write ? ['-w'] : []), '--stdin-paths'];
  const { code, out, err } = await git(args, { input, changes: write });
  const oids = out
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  if (code !== 0) throw hashFailure(err, paths[oids.length]);
  if (oids.length !== paths.length) {
    throw new Failure('file-changing', `git named ${oids.length} of ${paths.length} files.`);
  }
  return oids;
}

/** The paths whose content goes to LFS and leaves only a pointer in git. @throws Failure `lfs-missing` */
export async function findLfsPaths(
  git: RunGit,
  paths: readonly RepoPath[],
  isLfsSetUp: boolean,
): Promise<Set<RepoPath>> {
  if (paths.length === 0) return new Set();
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const { code, out, err } = await git(['check-attr', '-z', '--stdin', 'filter'], { input });
  if (code !== 0) throw new Failure('filter-failed', `git check-attr failed: ${lastLine(err)}`);
  const fields = out.toString('latin1').split('\0');
  const found = new Set<RepoPath>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    if (fields[at + 2] === LFS) found.add(fields[at] as RepoPath);
  }
  const [first] = found;
  if (first === undefined || isLfsSetUp) return found;
  // Plain git would store the whole file, and nobody could take it out of the history again.
  throw new Failure('lfs-missing', `${displayPath(first)} belongs into LFS, which is not set up here.`);
}

/** As git quotes names in lists: anything may stand in them. */
function quoted(path: RepoPath): string {
  const escaped = path.replace(/["\\\p{Cc}]/gu, (char) => {
    return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${escaped}"`;
}

function hashFailure(err: string, path: RepoPath | undefined): Failure {
  const name = path === undefined ? 'A file' : displayPath(path);
  const text = lastLine(err);
  if (/git-lfs|filter '?lfs/i.test(err)) {
    return new Failure('lfs-missing', `The LFS filter failed for ${name}: ${text}`);
  }
  if (/filter .*failed|clean filter/i.test(err)) {
    return new Failure('filter-failed', `A filter failed for ${name}: ${text}`);
  }
  if (/Permission denied/i.test(err)) return new Failure('file-unreadable', `Cannot read ${name}.`);
  return new Failure('file-changing', `${name} changed while it was looked at: ${text}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}
