// The id that git would give a file of the work tree, taken so that the answer belongs to the stat beside it.

import { type BigIntStats, constants } from 'node:fs';
import { HOLDS_RAW_NAMES } from '../../host/file-names.ts';
import { openFile } from '../../host/open-file.ts';
import { lstat, readlink } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent, readFailure } from '../io-failure.ts';
import { hashBlobStream } from '../objects/loose-objects.ts';
import { objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { LOST_CHARACTER } from './path-names.ts';

const MOST_TRIES = 5;
const CHUNK_BYTES = 256 * 1024;

export type FileContent = { readonly oid: string; readonly stats: BigIntStats };

/**
 * Reads a file (or the target of a link) while it holds still. Null when it has gone or become something else.
 * @throws Failure `file-changing` when it did not hold still, `file-unreadable`
 */
export async function readFileContent(
  worktree: string,
  path: RepoPath,
  signal: AbortSignal,
): Promise<FileContent | null> {
  const place = diskPath(worktree, path);
  const name = displayPath(path);
  let before = await look(place, name);
  for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
    signal.throwIfAborted();
    if (!before?.isFile() && !before?.isSymbolicLink()) return null;
    const oid = await tryToHash(place, name, before);
    const after = await look(place, name);
    if (oid !== null && after !== null && isSame(before, after)) return { oid, stats: after };
    before = after;
  }
  throw new Failure('file-changing', `${name} keeps changing while it is read.`, { data: { path: name } });
}

async function look(place: string | Buffer, name: string): Promise<BigIntStats | null> {
  try {
    return await lstat(place, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw readFailure(error, name);
  }
}

/** Null when it changed meanwhile. */
async function tryToHash(place: string | Buffer, name: string, stats: BigIntStats): Promise<string | null> {
  try {
    if (stats.isSymbolicLink()) {
      return objectId('blob', targetOf(await readlink(place, { encoding: 'buffer' }), name));
    }
    const chunks = chunksOf(place, name, Number(stats.size));
    return await hashBlobStream({ chunks, sizeBytes: Number(stats.size), oid: null, name });
  } catch (error) {
    const failure = readFailure(error, name);
    if (failure instanceof Failure && failure.code === 'file-changing') return null;
    throw failure;
  }
}

/** A target that the runtime could not hold as bytes is another one by now. */
function targetOf(target: Uint8Array, name: string): Uint8Array {
  const isSound = HOLDS_RAW_NAMES || !Buffer.from(target).toString('latin1').includes(LOST_CHARACTER);
  if (isSound) return target;
  throw new Failure('file-unreadable', `The target of the link ${name} is not UTF-8.`, {
    action: 'Change the link, or run gitferry on Node.',
  });
}

async function* chunksOf(
  place: string | Buffer,
  name: string,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  try {
    // Never through a link that took the file's place, and never waiting for the writer of a pipe.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    const file = await openFile(place, flags);
    try {
      // One byte more than expected, so that growth shows.
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes + 1));
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readFailure(error, name);
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.mode === b.mode
  );
}
