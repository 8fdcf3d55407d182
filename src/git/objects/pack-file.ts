// Reads one pack by its version 2 index, with positioned reads: neither file is ever held in memory as a whole.
// Knows nothing of loose objects or other packs (a pack on disk is complete in itself).

import { type FileHandle, open } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import type { GitObject, ObjectType } from '../types.ts';
import { applyDelta } from './delta.ts';
import { inflateWindow } from './inflate.ts';
import { LruCache } from './lru-cache.ts';

const MAGIC_AND_VERSION = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]);
const FAN_BYTES = 1024;
const NAMES_AT = MAGIC_AND_VERSION.length + FAN_BYTES;
const OID_BYTES = 20;
const FIRST_WINDOW_BYTES = 4096;
// Deltas share bases: without this cache reading a chain of 50 would inflate each base again and again.
const BASE_CACHE_BYTES = 8 * 1024 * 1024;
// git makes chains of at most 4095.
const LONGEST_CHAIN = 5000;
const TYPES: Record<number, ObjectType> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFS_DELTA = 6;
const REF_DELTA = 7;

type Entry = { type: ObjectType; base: null; data: Buffer } | { type: null; base: number; data: Buffer };
type EntryHeader = { kind: number; sizeBytes: number; base: number | null; length: number };

/** One open pack. Reads may run side by side; none may be under way at `close`. */
export class PackFile {
  readonly packPath: string;
  readonly #names: FileHandle;
  readonly #fan: Uint32Array;
  readonly #bases = new LruCache<number, GitObject>(BASE_CACHE_BYTES, (object) => object.content.length);
  #data: Promise<{ file: FileHandle; sizeBytes: number } | null> | null = null;

  private constructor(packPath: string, names: FileHandle, fan: Uint32Array) {
    this.packPath = packPath;
    this.#names = names;
    this.#fan = fan;
  }

  /** `indexPath` ends in `.idx`. @throws Failure `object-corrupt`, `needs-system-git` (index version 1) */
  static async open(indexPath: string): Promise<PackFile> {
    const names = await open(indexPath, 'r');
    try {
      const head = await readAt(names, 0, NAMES_AT, indexPath);
      if (!head.subarray(0, MAGIC_AND_VERSION.length).equals(MAGIC_AND_VERSION)) {
        throw new Failure('needs-system-git', `${indexPath} is no pack index of version 2.`);
      }
      const fan = Uint32Array.from({ length: 256 }, (_, i) =>
        head.readUInt32BE(MAGIC_AND_VERSION.length + i * 4),
      );
      if (fan.some((count, i) => i > 0 && count < (fan[i - 1] ?? 0)))
        throw damaged(indexPath, 'its table falls');
      return new PackFile(indexPath.replace(/idx$/, 'pack'), names, fan);
    } catch (error) {
      await names.close();
      throw error;
    }
  }

  /** Where the object begins in the pack; null when it is not in it. */
  async find(oid: string): Promise<number | null> {
    const first = Number.parseInt(oid.slice(0, 2), 16);
    const low = first === 0 ? 0 : (this.#fan[first - 1] ?? 0);
    const high = this.#fan[first] ?? 0;
    if (low === high) return null;
    const path = this.packPath;
    const names = await readAt(this.#names, NAMES_AT + low * OID_BYTES, (high - low) * OID_BYTES, path);
    const at = searchOid(names, Buffer.from(oid, 'hex'));
    if (at === null) return null;
    const count = this.#fan[255] ?? 0;
    const offsetsAt = NAMES_AT + count * (OID_BYTES + 4);
    const small = (await readAt(this.#names, offsetsAt + (low + at) * 4, 4, path)).readUInt32BE(0);
    if (small < 0x80000000) return small;
    const largeAt = offsetsAt + count * 4 + (small - 0x80000000) * 8;
    return Number((await readAt(this.#names, largeAt, 8, path)).readBigUInt64BE(0));
  }

  /** The object that begins at `offset`; null when the pack has been deleted since. @throws Failure `object-corrupt` */
  async read(offset: number): Promise<GitObject | null> {
    const data = await this.#open();
    if (data === null) return null;
    const deltas: { at: number; bytes: Buffer }[] = [];
    let at = offset;
    let object = this.#bases.get(at);
    while (object === undefined) {
      const entry = await this.#readEntry(data, at);
      if (entry.base === null) {
        object = { type: entry.type, content: entry.data };
        this.#bases.set(at, object);
        break;
      }
      deltas.push({ at, bytes: entry.data });
      if (deltas.length > LONGEST_CHAIN) throw damaged(this.packPath, `the delta at ${offset} has no end`);
      at = entry.base;
      object = this.#bases.get(at);
    }
    for (const delta of deltas.reverse()) {
      const content = applyDelta(object.content, delta.bytes);
      if (content === null) throw damaged(this.packPath, `the delta at ${delta.at} does not fit its base`);
      object = { type: object.type, content };
      this.#bases.set(delta.at, object);
    }
    return object;
  }

  async close(): Promise<void> {
    const data = await this.#data;
    await Promise.all([this.#names.close(), data?.file.close()]);
    this.#bases.clear();
  }

  #open(): Promise<{ file: FileHandle; sizeBytes: number } | null> {
    this.#data ??= open(this.packPath, 'r').then(
      async (file) => ({ file, sizeBytes: (await file.stat()).size }),
      (error: unknown) => {
        this.#data = null;
        if (isAbsent(error)) return null;
        throw error;
      },
    );
    return this.#data;
  }

  async #readEntry(data: { file: FileHandle; sizeBytes: number }, at: number): Promise<Entry> {
    const left = data.sizeBytes - OID_BYTES - at;
    if (at < 12 || left <= 0) throw damaged(this.packPath, `there is no object at ${at}`);
    let window = await readAt(data.file, at, Math.min(FIRST_WINDOW_BYTES, left), this.packPath);
    const header = await this.#parseHeader(window, at);
    // What deflate makes of incompressible data; doubled below when a packer did worse.
    let wanted = header.length + header.sizeBytes + Math.ceil(header.sizeBytes / 1000) + 64;
    for (;;) {
      const length = Math.min(wanted, left);
      if (length > window.length) window = await readAt(data.file, at, length, this.packPath);
      const bytes = await inflateWindow(window.subarray(header.length), header.sizeBytes).catch(
        (cause: unknown) => {
          throw damaged(this.packPath, `the object at ${at} cannot be inflated`, cause);
        },
      );
      if (bytes.length === header.sizeBytes) return this.#entryOf(header, bytes, at);
      if (window.length >= left) throw damaged(this.packPath, `the object at ${at} is too short`);
      wanted = Math.max(wanted, window.length) * 2;
    }
  }

  #entryOf(header: EntryHeader, data: Buffer, at: number): Entry {
    if (header.base !== null) return { type: null, base: header.base, data };
    const type = TYPES[header.kind];
    if (type === undefined) throw damaged(this.packPath, `the object at ${at} is of no known kind`);
    return { type, base: null, data };
  }

  async #parseHeader(window: Buffer, at: number): Promise<EntryHeader> {
    let p = 0;
    const next = () => {
      const byte = window[p++];
      if (byte === undefined) throw damaged(this.packPath, `it ends within the object at ${at}`);
      return byte;
    };
    let byte = next();
    const kind = (byte >> 4) & 7;
    let sizeBytes = byte & 15;
    for (let scale = 16; byte & 0x80; scale *= 128) {
      byte = next();
      sizeBytes += (byte & 0x7f) * scale;
    }
    if (kind === OFS_DELTA) {
      byte = next();
      let distance = byte & 0x7f;
      while (byte & 0x80) {
        byte = next();
        distance = (distance + 1) * 128 + (byte & 0x7f);
      }
      if (distance <= 0 || distance > at) throw damaged(this.packPath, `the delta at ${at} names no base`);
      return { kind, sizeBytes, base: at - distance, length: p };
    }
    if (kind === REF_DELTA) {
      const base = await this.find(window.toString('hex', p, p + OID_BYTES));
      if (base === null) throw damaged(this.packPath, `the base of the delta at ${at} is missing`);
      return { kind, sizeBytes, base, length: p + OID_BYTES };
    }
    return { kind, sizeBytes, base: null, length: p };
  }
}

function searchOid(names: Buffer, oid: Buffer): number | null {
  let low = 0;
  let high = names.length / OID_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = names.compare(oid, 0, OID_BYTES, middle * OID_BYTES, (middle + 1) * OID_BYTES);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return null;
}

async function readAt(file: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw damaged(path, `it ends at ${position + filled}`);
    filled += bytesRead;
  }
  return buffer;
}

function damaged(path: string, detail: string, cause?: unknown): Failure {
  return new Failure('object-corrupt', `The pack ${path} is damaged: ${detail}.`, { cause });
}
