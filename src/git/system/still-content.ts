// Reads a file of the work tree for the guard while it stands still. Behind a filter its blob's id says nothing of the
// file's own bytes, so that it was not touched since it was looked at has to do.

import { constants } from 'node:fs';
import { open, readlink } from 'node:fs/promises';
import type { Content } from '../../model/content.ts';
import { Failure } from '../../model/failure.ts';
import { readFailure } from '../io-failure.ts';
import { diskPath, displayPath } from '../paths.ts';
import { FILE_MODE, type FileChange } from '../types.ts';
import { isSameStat, statOf } from './system-changes.ts';

const PIECE_BYTES = 256 * 1024;
// Never through a link that took the file's place, and never waiting for the writer of a pipe.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

type Present = Exclude<FileChange, { kind: 'deleted' }>;

/** Piece by piece; the last step fails when it was changed meanwhile. @throws Failure `file-changing`, `file-unreadable` */
export async function readWhileStill(worktree: string, change: Present): Promise<Content> {
  await refuseUnlessStill(worktree, change);
  if (change.mode !== FILE_MODE.symlink) return pieces(worktree, change);
  const target = await readlink(diskPath(worktree, change.path), { encoding: 'buffer' }).catch(
    (error: unknown) => {
      throw readFailure(error, displayPath(change.path));
    },
  );
  await refuseUnlessStill(worktree, change);
  return target;
}

async function* pieces(worktree: string, change: Present): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(diskPath(worktree, change.path), READ_FLAGS);
    try {
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, null);
        if (bytesRead === 0) break;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
      // Also for a reader that has seen enough: it draws a conclusion about all of it.
      await refuseUnlessStill(worktree, change);
    }
  } catch (error) {
    throw readFailure(error, displayPath(change.path));
  }
}

async function refuseUnlessStill(worktree: string, { path, stat }: Present): Promise<void> {
  const now = await statOf(worktree, path);
  if (now !== null && isSameStat(now, stat)) return;
  const name = displayPath(path);
  throw new Failure('file-changing', `${name} changed while it was looked at.`, { data: { path: name } });
}
