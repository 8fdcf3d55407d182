// Reads one pack with positioned reads: it is never held in memory as a whole. Where objects begin its index says.
// Knows nothing of loose objects or other packs (a pack on disk is complete in itself).

import { type OpenFile, openFile } from '../../host/open-file.ts';
import { isAbsent } from '../io-failure.ts';
import type { GitObject, ObjectStream, ObjectType } from '../types.ts';
import { applyDelta } from './delta.ts';
import { inflateStream, inflateWindow } from './inflate.ts';
import { LruCache } from './lru-cache.ts';
import { OID_BYTES } from './oid-table.ts';
import { type PackEntryHead, parsePackEntryHead } from './pack-entry.ts';
import { openPackIndex, type PackNames } from './pack-index.ts';
import { damaged, readAt } from './read-at.ts';

const FIRST_WINDOW_BYTES = 4096;
const STREAM_WINDOW_BYTES = 256 * 1024;
const HEADER_BYTES = 12;
// Deltas share bases: without this cache reading a chain of 50 would inflate each base again and again.
const BASE_CACHE_BYTES = 8 * 1024 * 1024;
// git makes chains of at most 4095.
const LONGEST_CHAIN = 5000;

type Entry = { type: ObjectType; base: null; data: Buffer } | { type: null; base: Base; data: Buffer };
/** Where a delta's base begins; an id when this pack's index does not tell. */
type Base = number | string;
type Data = { file: OpenFile; sizeBytes: number };
type Head = { window: Buffer; head: PackEntryHead; left: number };

/** One open pack. Reads may run side by side; none may be under way at `close`. */
export class PackFile {
  readonly packPath: string;
  readonly #names: PackNames;
  readonly #readOther: (oid: string) => Promise<GitObject | null>;
  readonly #bases = new LruCache<number, GitObject>(BASE_CACHE_BYTES, (object) => object.content.length);
  #data: Promise<Data | null> | null = null;

  /** `readOther` finds a base that `names` cannot: a multi-pack index names each object in one pack only. */
  constructor(
    packPath: string,
    names: PackNames,
    readOther: (oid: string) => Promise<GitObject | null> = async () => null,
  ) {
    this.packPath = packPath;
    this.#names = names;
    this.#readOther = readOther;
  }

  /** `indexPath` ends in `.idx`. @throws Failure `object-corrupt`, `needs-system-git` (index version 1) */
  static async open(indexPath: string): Promise<PackFile> {
    return new PackFile(indexPath.replace(/idx$/, 'pack'), await openPackIndex(indexPath));
  }

  /** Where the object begins in the pack; null when it is not in it. */
  find(oid: string): Promise<number | null> {
    return this.#names.find(oid);
  }

  /** The object that begins at `offset`; null when the pack has been deleted since. @throws Failure `object-corrupt` */
  async read(offset: number): Promise<GitObject | null> {
    const data = await this.#open();
    if (data === null) return null;
    const deltas: { at: number; bytes: Buffer }[] = [];
    let at: Base = offset;
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
      if (typeof entry.base === 'string') {
        object = (await this.#readOther(entry.base)) ?? this.#lacksBase(at);
        break;
      }
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

  /**
   * The object piece by piece when it is no delta and larger than `wholeBytes`; null otherwise, or when the pack has
   * been deleted since. @throws Failure `object-corrupt`, also while the pieces are read
   */
  async openStream(offset: number, wholeBytes: number): Promise<ObjectStream | null> {
    const data = await this.#open();
    if (data === null) return null;
    const { head } = await this.#readHead(data, offset);
    if (head.base !== null || head.sizeBytes <= wholeBytes) return null;
    const { sizeBytes, type } = head;
    const fail = (cause: unknown) =>
      damaged(this.packPath, `the object at ${offset} cannot be inflated`, cause);
    const compressed = this.#windows(data, offset + head.length);
    return { type, sizeBytes, chunks: inflateStream(compressed, sizeBytes, fail) };
  }

  async close(): Promise<void> {
    const data = await this.#data;
    await Promise.all([this.#names.close(), data?.file.close()]);
    this.#bases.clear();
  }

  #open(): Promise<Data | null> {
    this.#data ??= openFile(this.packPath).then(
      async (file) => ({ file, sizeBytes: Number((await file.stat()).size) }),
      (error: unknown) => {
        this.#data = null;
        if (isAbsent(error)) return null;
        throw error;
      },
    );
    return this.#data;
  }

  /** Bytes from `from` on, as long as somebody wants them. */
  async *#windows({ file, sizeBytes }: Data, from: number): AsyncGenerator<Uint8Array> {
    const end = sizeBytes - OID_BYTES;
    for (let at = from; at < end; at += STREAM_WINDOW_BYTES) {
      yield await readAt(file, at, Math.min(STREAM_WINDOW_BYTES, end - at), this.packPath);
    }
  }

  async #readHead(data: Data, at: number): Promise<Head> {
    const left = data.sizeBytes - OID_BYTES - at;
    if (at < HEADER_BYTES || left <= 0) throw damaged(this.packPath, `there is no object at ${at}`);
    const window = await readAt(data.file, at, Math.min(FIRST_WINDOW_BYTES, left), this.packPath);
    const head = parsePackEntryHead(window);
    if (head === null) throw damaged(this.packPath, `the object at ${at} is of no known kind`);
    return { window, head, left };
  }

  async #readEntry(data: Data, at: number): Promise<Entry> {
    const { window: first, head, left } = await this.#readHead(data, at);
    const base = head.base === null ? null : await this.#baseOf(head.base, at);
    let window = first;
    // What deflate makes of incompressible data; doubled below when a packer did worse.
    let wanted = head.length + head.sizeBytes + Math.ceil(head.sizeBytes / 1000) + 64;
    for (;;) {
      const length = Math.min(wanted, left);
      if (length > window.length) window = await readAt(data.file, at, length, this.packPath);
      const bytes = await inflateWindow(window.subarray(head.length), head.sizeBytes).catch(
        (cause: unknown) => {
          throw damaged(this.packPath, `the object at ${at} cannot be inflated`, cause);
        },
      );
      if (bytes.length === head.sizeBytes) {
        return head.base === null
          ? { type: head.type, base: null, data: bytes }
          : { type: null, base: base ?? this.#lacksBase(at), data: bytes };
      }
      if (window.length >= left) throw damaged(this.packPath, `the object at ${at} is too short`);
      wanted = Math.max(wanted, window.length) * 2;
    }
  }

  async #baseOf(base: { distance: number } | { oid: string }, at: number): Promise<Base> {
    if ('oid' in base) return (await this.find(base.oid)) ?? base.oid;
    if (base.distance > 0 && base.distance <= at) return at - base.distance;
    throw damaged(this.packPath, `the delta at ${at} names no base`);
  }

  #lacksBase(at: number): never {
    throw damaged(this.packPath, `the base of the delta at ${at} is missing`);
  }
}
