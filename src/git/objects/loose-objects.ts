// Objects as single files under objects/xx/. Writing is safe against crashes and against other programs:
// a temporary name, flushed by setting, then renamed. Knows nothing of packs.

import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createDeflate } from 'node:zlib';
import { type OpenFile, openFile } from '../../host/open-file.ts';
import { mkdir, readFile, rename, stat } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { GitObject, ObjectStream, ObjectType } from '../types.ts';
import { deflateBytes, inflateBytes, inflateStream, LOOSE_LEVEL } from './inflate.ts';
import { objectHeader, parseObjectHeader } from './object-format.ts';

/** Where loose objects lie; `fsync` flushes each to the disk before it gets its name. */
export type LooseStore = { objectsDir: string; fsync: boolean };

/** Null when there is no such loose object. @throws Failure `object-corrupt` */
export async function readLooseObject(store: LooseStore, oid: string): Promise<GitObject | null> {
  const path = loosePath(store, oid);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    const whole = await inflateBytes(bytes);
    const header = parseObjectHeader(whole);
    if (header && header.sizeBytes === whole.length - header.start) {
      return { type: header.type, content: whole.subarray(header.start) };
    }
  } catch (cause) {
    throw new Failure('object-corrupt', `The object file ${path} (${bytes.length} bytes) is damaged.`, {
      cause,
    });
  }
  throw new Failure('object-corrupt', `The object file ${path} holds another size than it says.`);
}

/**
 * The object piece by piece, or `whole` when its content has at most `wholeBytes`; null when there is none.
 * @throws Failure `object-corrupt`, also while the pieces are read
 */
export async function openLooseObject(
  store: LooseStore,
  oid: string,
  wholeBytes: number,
): Promise<ObjectStream | 'whole' | null> {
  const path = loosePath(store, oid);
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  const fail = (cause: unknown) =>
    new Failure('object-corrupt', `The object file ${path} is damaged.`, { cause });
  // The stream closes the file when it ends or is left.
  const pieces = inflateStream(file.createReadStream(), null, fail);
  // Damage at its very beginning is the whole reader's matter, which knows what to do.
  const first = await pieces.next().catch((error: unknown) => {
    if (error instanceof Failure) return { done: true as const, value: undefined };
    throw error;
  });
  const header = first.done ? null : parseObjectHeader(first.value);
  if (header === null || header.sizeBytes <= wholeBytes) {
    await pieces.return(undefined);
    return 'whole';
  }
  const { type, sizeBytes, start } = header;
  const begin = (first.value as Buffer).subarray(start);
  return { type, sizeBytes, chunks: checkedPieces(begin, pieces, sizeBytes, fail) };
}

async function* checkedPieces(
  first: Buffer,
  rest: AsyncGenerator<Buffer>,
  sizeBytes: number,
  fail: (cause: unknown) => Failure,
): AsyncGenerator<Uint8Array> {
  let length = first.length;
  try {
    yield first;
    for await (const piece of rest) {
      length += piece.length;
      yield piece;
    }
  } finally {
    await rest.return(undefined);
  }
  if (length !== sizeBytes) throw fail(new Error(`${length} bytes of ${sizeBytes}`));
}

export async function hasLooseObject(store: LooseStore, oid: string): Promise<boolean> {
  try {
    // A power cut can leave a file without content: that is no object.
    return (await stat(loosePath(store, oid))).size > 0;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/**
 * Writes one object. An object file that exists is replaced by the same content: that costs what checking it
 * would, mends a damaged one, and makes it young again, so that a running gc does not prune it.
 * @throws Failure `disk-full`, `write-refused`
 */
export async function writeLooseObject(
  store: LooseStore,
  object: { oid: string; type: ObjectType; content: Uint8Array },
): Promise<void> {
  const header = objectHeader(object.type, object.content.length);
  const bytes = await deflateBytes(Buffer.concat([header, object.content]), LOOSE_LEVEL);
  await writeTemporary(store, async (file) => {
    await file.writeFile(bytes);
    return object.oid;
  });
}

/** `chunks` must amount to exactly `sizeBytes`, else `file-changing`; so too when `oid` is given and differs. */
export type BlobStream = {
  chunks: AsyncIterable<Uint8Array>;
  sizeBytes: number;
  oid: string | null;
  name: string;
};

/**
 * Writes a blob while it is read, in flat memory.
 * @throws Failure `file-changing`, `disk-full`, `write-refused`
 */
export async function writeLooseStream(store: LooseStore, blob: BlobStream): Promise<string> {
  return writeTemporary(store, async (file) => {
    const hash = hashedBlob(blob);
    await pipeline(
      hash.chunks,
      createDeflate({ level: LOOSE_LEVEL }),
      async (parts: AsyncIterable<Buffer>) => {
        for await (const part of parts) await file.writeFile(part);
      },
    );
    return hash.oid();
  });
}

/** Only hashes, checking size and id as `writeLooseStream` does. @throws Failure `file-changing` */
export async function hashBlobStream(blob: BlobStream): Promise<string> {
  const hash = hashedBlob(blob);
  for await (const _chunk of hash.chunks());
  return hash.oid();
}

/** Passes the header and the chunks on while hashing them; `oid` checks and answers once they have ended. */
function hashedBlob(blob: BlobStream): { chunks(): AsyncGenerator<Uint8Array>; oid(): string } {
  const hash = createHash('sha1');
  let read = 0;
  const changed = () => new Failure('file-changing', `${blob.name} changed while it was read.`);
  return {
    async *chunks() {
      const header = objectHeader('blob', blob.sizeBytes);
      hash.update(header);
      yield header;
      for await (const chunk of blob.chunks) {
        read += chunk.length;
        if (read > blob.sizeBytes) throw changed();
        hash.update(chunk);
        yield chunk;
      }
    },
    oid() {
      const oid = hash.digest('hex');
      if (read !== blob.sizeBytes || (blob.oid !== null && blob.oid !== oid)) throw changed();
      return oid;
    },
  };
}

/** `fill` writes the compressed object and answers its id. The temporary file goes on every failure. */
async function writeTemporary(store: LooseStore, fill: (file: OpenFile) => Promise<string>): Promise<string> {
  const { file, path } = await openTemporary(store);
  try {
    let oid: string;
    try {
      oid = await fill(file);
      if (store.fsync) await file.sync();
    } finally {
      await file.close();
    }
    await renameInto(path, loosePath(store, oid));
    return oid;
  } catch (error) {
    await rm(path, { force: true });
    throw writeFailure(error, path);
  }
}

async function openTemporary(store: LooseStore): Promise<{ file: OpenFile; path: string }> {
  for (;;) {
    // git gc clears away forgotten files of this name.
    const path = `${store.objectsDir}/tmp_obj_${randomBytes(8).toString('hex')}`;
    try {
      return { file: await openFile(path, 'wx', 0o444), path };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw writeFailure(error, path);
    }
  }
}

async function renameInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(to.slice(0, to.lastIndexOf('/')), { recursive: true });
    await rename(from, to);
  }
}

function loosePath(store: LooseStore, oid: string): string {
  return `${store.objectsDir}/${oid.slice(0, 2)}/${oid.slice(2)}`;
}
