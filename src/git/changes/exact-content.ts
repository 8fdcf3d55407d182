// Reads what lies at a path of the work tree and makes sure that it is the very content that was looked at before:
// who judges it and who commits it must mean the same bytes.

import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type OpenFile, openFile } from '../../host/open-file.ts';
import { lstat, readlink } from '../../host/small-files.ts';
import type { Content } from '../../model/content.ts';
import { Failure } from '../../model/failure.ts';
import { readFailure } from '../io-failure.ts';
import { objectHeader, objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';

/** Larger files come piece by piece. */
const WHOLE_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
// Never through a link that took the file's place, and never waiting for the writer of a pipe.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The content with the id `oid` at `path` in `worktree`. */
type Place = { worktree: string; path: RepoPath; oid: string };

/**
 * The content of a file, or the target of a link as text. A large file comes piece by piece, and when its end shows
 * another content, or the reader stops before it, the last step fails.
 * @throws Failure `file-changing` with `data.path`, `file-unreadable`
 */
export async function openExactContent(place: Place): Promise<Content> {
  const name = displayPath(place.path);
  try {
    const path = diskPath(place.worktree, place.path);
    if ((await lstat(path)).isSymbolicLink()) {
      // Some runtimes give plain bytes.
      return checkedWhole(Buffer.from(await readlink(path, { encoding: 'buffer' })), place);
    }
    const file = await openFile(path, READ_FLAGS);
    let isHandedOver = false;
    try {
      const size = Number((await file.stat()).size);
      if (size <= WHOLE_BYTES) return checkedWhole(await file.readFile(), place);
      isHandedOver = true;
      return pieces(file, size, place);
    } finally {
      if (!isHandedOver) await file.close();
    }
  } catch (error) {
    throw readFailure(error, name);
  }
}

/** As `openExactContent`, whole in memory. */
export async function readExactContent(place: Place): Promise<Buffer> {
  const content = await openExactContent(place);
  if (content instanceof Uint8Array) return Buffer.from(content.buffer, content.byteOffset, content.length);
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

async function* pieces(file: OpenFile, sizeBytes: number, place: Place): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha1').update(objectHeader('blob', sizeBytes));
  try {
    try {
      for (;;) {
        const piece = await readPiece(file, hash);
        if (piece === null) break;
        yield piece;
      }
    } finally {
      await readToEnd(file, hash, place);
    }
  } catch (error) {
    throw readFailure(error, displayPath(place.path));
  }
}

/** A reader that has seen enough draws a conclusion about all of it: the rest must fit, too. */
async function readToEnd(file: OpenFile, hash: Hash, place: Place): Promise<void> {
  try {
    while ((await readPiece(file, hash)) !== null);
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== place.oid) throw changed(place);
}

async function readPiece(file: OpenFile, hash: Hash): Promise<Buffer | null> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, null);
  if (bytesRead === 0) return null;
  const piece = buffer.subarray(0, bytesRead);
  hash.update(piece);
  return piece;
}

function checkedWhole(content: Buffer, place: Place): Buffer {
  if (objectId('blob', content) === place.oid) return content;
  throw changed(place);
}

function changed({ path }: Place): Failure {
  const name = displayPath(path);
  return new Failure('file-changing', `${name} changed while it was looked at.`, { data: { path: name } });
}
