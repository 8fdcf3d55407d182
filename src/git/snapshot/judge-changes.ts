// Asks the guard which changed files stay on the machine, and shows it exactly the contents that would be stored.

import { constants } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import type { HeldFile } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import { readIndex } from '../index/index-file.ts';
import { readFailure } from '../io-failure.ts';
import { objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath, toRepoPath } from '../paths.ts';
import type { ChangeGuard } from '../sync/sync-ports.ts';
import { FILE_MODE, type FileChange, type Repository } from '../types.ts';

type JudgeInput = {
  repo: Repository;
  changes: readonly FileChange[];
  settings: GithubConfig['guard'];
  guard: ChangeGuard;
  signal: AbortSignal;
};

/**
 * Parts the changes into those that may be kept on a remote and those that are held. Many deletions at once hold
 * nothing here: what they delete stays in the snapshot before.
 * @throws Failure `file-changing`, `file-unreadable`, `index-corrupt`
 */
export async function judgeChanges(
  input: JudgeInput,
): Promise<{ wanted: FileChange[]; held: HeldFile[]; heldPaths: Set<RepoPath> }> {
  const { repo, changes, settings, guard, signal } = input;
  if (changes.length === 0) return { wanted: [], held: [], heldPaths: new Set() };
  const { count } = await readIndex(repo);
  const { held } = await guard({
    ...{ files: changes.map(guarded), trackedFiles: count, settings, signal },
    read: (path, oid) => readPlaceExactly(repo.worktree, toRepoPath(path), oid),
  });
  const names = new Set(held.map((file) => file.path));
  const isHeld = ({ path }: FileChange) => names.has(displayPath(path));
  return {
    wanted: changes.filter((change) => !isHeld(change)),
    held,
    heldPaths: new Set(changes.filter(isHeld).map((change) => change.path)),
  };
}

function guarded(change: FileChange) {
  const path = displayPath(change.path);
  if (change.kind === 'deleted') return { path, kind: change.kind, sizeBytes: 0, oid: '', isSymlink: false };
  const { kind, sizeBytes, oid, mode } = change;
  return { path, kind, sizeBytes, oid, isSymlink: mode === FILE_MODE.symlink };
}

/** The content of a file, or the target of a link, if it still is the one with this id. @throws Failure `file-changing`, `file-unreadable` */
export async function readPlaceExactly(worktree: string, path: RepoPath, oid: string): Promise<Buffer> {
  const name = displayPath(path);
  const content = await readPlace(diskPath(worktree, path)).catch((error: unknown) => {
    throw readFailure(error, name);
  });
  if (objectId('blob', content) === oid) return content;
  throw new Failure('file-changing', `${name} changed while it was looked at.`);
}

/** A link's target as text, never what lies behind it; a pipe's writer is not waited for. */
async function readPlace(place: string | Buffer): Promise<Buffer> {
  if ((await lstat(place)).isSymbolicLink()) return readlink(place, { encoding: 'buffer' });
  return readFile(place, {
    flag: constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  });
}
