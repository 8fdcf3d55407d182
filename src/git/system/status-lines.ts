// Reads `git status --porcelain=v2 -z`. Pure; decides nothing.

import { Failure } from '../../model/failure.ts';
import { displayPath, type RepoPath, repoPathOf } from '../paths.ts';
import { FILE_MODE } from '../types.ts';

/** One side: what HEAD, the index or the work tree has there; null for nothing. */
export type TrackedLine = {
  readonly path: RepoPath;
  readonly head: { readonly mode: number; readonly oid: string } | null;
  /** Null also when the index has nothing: then git has not looked at the disk. */
  readonly worktreeMode: number | null;
  readonly isInIndex: boolean;
};

/** A submodule that the index records and that differs; `staged` is its commit there. */
type SubmoduleLine = { path: RepoPath; staged: string; head: TrackedLine['head'] };

export type StatusLines = { tracked: TrackedLine[]; untracked: RepoPath[]; submodules: SubmoduleLine[] };

/** Fields before the path; the path itself may hold blanks. */
const FIELDS = 8;

/**
 * Nested repositories are left out; submodules too, where the status was asked to ignore them.
 * @throws Failure `unmerged-entries`
 */
export function readStatus(out: Buffer): StatusLines {
  const found: StatusLines = { tracked: [], untracked: [], submodules: [] };
  for (const line of splitAtNul(out)) {
    const kind = line.toString('latin1', 0, 1);
    if (kind === '?') {
      // A folder that git does not look into is a repository of its own.
      if (line.at(-1) !== 0x2f) found.untracked.push(repoPathOf(line.subarray(2)));
    } else if (kind === 'u') {
      const name = displayPath(line.toString('latin1').split(' ').slice(10).join(' ') as RepoPath);
      throw new Failure('unmerged-entries', `${name} has conflicts.`);
    } else if (kind === '1') {
      readTracked(line, found);
    }
  }
  return found;
}

function readTracked(line: Buffer, found: StatusLines): void {
  const parts = line.toString('latin1').split(' ');
  const [, , , headMode = '', indexMode = '', worktreeMode = '', headOid = '', indexOid = ''] = parts;
  const modes = [headMode, indexMode, worktreeMode].map((mode) => Number.parseInt(mode, 8));
  const [headNow = 0, index = 0, worktree = 0] = modes;
  const path = parts.slice(FIELDS).join(' ') as RepoPath;
  const head = headNow === 0 ? null : { mode: headNow, oid: headOid };
  if (index === FILE_MODE.submodule) found.submodules.push({ path, staged: indexOid, head });
  // A file in the place of a submodule is left to the person.
  if (modes.includes(FILE_MODE.submodule) && index !== 0) return;
  found.tracked.push({ path, head, worktreeMode: worktree === 0 ? null : worktree, isInIndex: index !== 0 });
}

export function* splitAtNul(out: Buffer): Generator<Buffer> {
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(0, at);
    yield out.subarray(at, end < 0 ? out.length : end);
    at = end < 0 ? out.length : end + 1;
  }
}
