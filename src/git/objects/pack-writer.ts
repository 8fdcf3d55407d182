// Writes a new pack and its index: one file for many objects, where single files would cost a third of a millisecond
// each. Until `finish` nobody sees it. Knows nothing of what the objects are for.

import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { errorCode, writeFailure } from '../io-failure.ts';
import type { ObjectType } from '../types.ts';
import { crc32 } from './crc32.ts';
import { deflateBytes, LOOSE_LEVEL } from './inflate.ts';
import { packEntryHead, packHeader } from './pack-entry.ts';
import { type PackedPlace, packIndexBytes } from './pack-index-bytes.ts';

const WINDOW_BYTES = 256 * 1024;

export type NewPack = {
  has(oid: string): boolean;
  /** Adds an object unless it is in. May be called side by side. @throws Failure `disk-full`, `write-refused` */
  add(object: { oid: string; type: ObjectType; content: Uint8Array }): Promise<void>;
  /**
   * Puts the pack in force and answers the path of its index; null, with nothing left, when it is empty.
   * Nothing can be added afterwards. @throws Failure `disk-full`, `write-refused`
   */
  finish(): Promise<string | null>;
  /** Removes what is there of it; does nothing after `finish`. */
  discard(): Promise<void>;
};

/** `fsync` flushes pack and index to the disk before they get their names. @throws Failure `disk-full`, `write-refused` */
export async function createPack(store: { objectsDir: string; fsync: boolean }): Promise<NewPack> {
  const folder = `${store.objectsDir}/pack`;
  const { file, path } = await openTemporary(folder);
  return new PackWriter(folder, store.fsync, file, path);
}

class PackWriter implements NewPack {
  readonly #folder: string;
  readonly #fsync: boolean;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #places = new Map<string, PackedPlace>();
  /** Ids that are in or on their way. */
  readonly #known = new Set<string>();
  #end = packHeader(0).length;
  #isOpen = true;

  constructor(folder: string, fsync: boolean, file: FileHandle, path: string) {
    this.#folder = folder;
    this.#fsync = fsync;
    this.#file = file;
    this.#path = path;
  }

  has(oid: string): boolean {
    return this.#known.has(oid);
  }

  async add({ oid, type, content }: { oid: string; type: ObjectType; content: Uint8Array }): Promise<void> {
    if (this.#known.has(oid)) return;
    this.#known.add(oid);
    const bytes = Buffer.concat([
      packEntryHead(type, content.length),
      await deflateBytes(content, LOOSE_LEVEL),
    ]);
    // Positioned writes: each object has its own stretch of the file, taken here in one turn.
    const offset = this.#end;
    this.#end += bytes.length;
    await this.#attempt(() => writeAll(this.#file, bytes, offset));
    this.#places.set(oid, { offset, crc: crc32(bytes) });
  }

  async finish(): Promise<string | null> {
    if (this.#places.size === 0) {
      await this.discard();
      return null;
    }
    return this.#attempt(async () => {
      await writeAll(this.#file, packHeader(this.#places.size), 0);
      const hash = await this.#hash();
      await writeAll(this.#file, hash, this.#end);
      if (this.#fsync) await this.#file.sync();
      await this.#close();
      const name = `${this.#folder}/pack-${hash.toString('hex')}`;
      const index = await this.#writeIndex(hash);
      // Whoever sees the index must find the pack.
      await rename(this.#path, `${name}.pack`);
      await rename(index, `${name}.idx`);
      return `${name}.idx`;
    });
  }

  async discard(): Promise<void> {
    await this.#close();
    // After `finish` it has another name.
    await rm(this.#path, { force: true });
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }

  async #writeIndex(packHash: Buffer): Promise<string> {
    const { file, path } = await openTemporary(this.#folder);
    try {
      await file.writeFile(packIndexBytes(this.#places, packHash));
      if (this.#fsync) await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return path;
  }

  /** Over the whole file: the number of objects at its beginning is known only now. */
  async #hash(): Promise<Buffer> {
    const hash = createHash('sha1');
    const window = Buffer.allocUnsafe(WINDOW_BYTES);
    for (let at = 0; at < this.#end; ) {
      const length = Math.min(WINDOW_BYTES, this.#end - at);
      const { bytesRead } = await this.#file.read(window, 0, length, at);
      if (bytesRead === 0) throw new Error(`${this.#path} lost its end`);
      hash.update(window.subarray(0, bytesRead));
      at += bytesRead;
    }
    return hash.digest();
  }

  async #attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const left = bytes.length - written;
    written += (await file.write(bytes, written, left, position + written)).bytesWritten;
  }
}

async function openTemporary(folder: string): Promise<{ file: FileHandle; path: string }> {
  for (;;) {
    // git gc clears away forgotten files of this name.
    const path = `${folder}/tmp_pack_${randomBytes(8).toString('hex')}`;
    try {
      return { file: await open(path, 'wx+', 0o444), path };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') await mkdir(folder, { recursive: true });
      else if (errorCode(error) !== 'EEXIST') throw writeFailure(error, path);
    }
  }
}
