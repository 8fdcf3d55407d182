// Reads .git/index, versions 2 to 4. The bytes stay as they are (version 4 is laid out as version 3) and entries are
// decoded when asked for, so that opening an index of 50,000 files costs a few milliseconds. index-write.ts writes.

import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { systemClock } from '../../host/clock.ts';
import { openFile } from '../../host/open-file.ts';
import { isAbsent } from '../io-failure.ts';
import { bytesOf, type RepoPath, repoPathOf } from '../paths.ts';
import type { FileStat, Repository } from '../types.ts';
import {
  EXTENDED,
  emptyIndex,
  FLAGS_AT,
  HASH_BYTES,
  HEADER_BYTES,
  NAME_AT,
  nameRange,
  STAGES,
} from './index-layout.ts';
import { IndexMemory, markOf } from './index-memory.ts';
import { type IndexStat, indexStat, uint32 } from './index-stat.ts';
import { type IndexLayout, type KnownLayout, parseIndex, parseOwnIndex } from './parse-index.ts';

// An entry of size 0 with any other id is marked as to be hashed.
const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
const BILLION = 1_000_000_000n;

/** One tracked path. `size` is modulo 2^32; 0 with other content marks an entry that must be hashed. */
export type IndexEntry = {
  path: RepoPath;
  mode: number;
  oid: string;
  /** 0, or 1-3 for an unmerged path. */
  stage: number;
  size: number;
  stat: IndexStat;
  assumeValid: boolean;
  skipWorktree: boolean;
  intentToAdd: boolean;
};

/** An index as it was when it was read. */
export class IndexFile {
  /** The whole file, of version 4 as if it were 3; never changed. */
  readonly raw: Buffer;
  readonly version: number;
  /** Number of entries. */
  readonly count: number;
  /** Modification time of the file itself, nanoseconds; 0 when there is no file. */
  readonly mtimeNs: bigint;
  /** Names of the extensions in their order, for example `TREE`. */
  readonly extensions: readonly string[];
  /** The index holds paths in conflict. */
  readonly hasUnmerged: boolean;
  /** The file carries zeros in place of its hash (`index.skipHash`). */
  readonly hashSkipped: boolean;
  /** Where each entry begins, and as the last value where they end. */
  readonly offsets: Uint32Array;
  readonly recent: KnownLayout['recent'];
  readonly #extensionData: ReadonlyMap<string, Buffer>;

  /** `layout` is what `parseIndex` made of the bytes, when that is known. @throws Failure `index-corrupt` */
  constructor(bytes: Buffer, mtimeNs: bigint, layout: IndexLayout = parseIndex(bytes)) {
    this.raw = layout.raw;
    this.version = layout.version;
    this.count = layout.count;
    this.mtimeNs = mtimeNs;
    this.hashSkipped = layout.hashSkipped;
    this.hasUnmerged = layout.hasUnmerged;
    this.extensions = [...layout.extensions.keys()];
    this.offsets = layout.offsets;
    this.recent = layout.recent ?? null;
    this.#extensionData = layout.extensions;
  }

  /** The entry of exactly this path; of an unmerged path the first stage. */
  find(path: RepoPath): IndexEntry | null {
    const { at, found } = this.position(path);
    return found ? this.entryAt(at) : null;
  }

  *entries(): Generator<IndexEntry> {
    for (let at = 0; at < this.count; at++) yield this.entryAt(at);
  }

  /** Every entry below the folder `prefix` (without a slash at its end). */
  *under(prefix: RepoPath): Generator<IndexEntry> {
    const { from, to } = this.rangeUnder(prefix);
    for (let at = from; at < to; at++) yield this.entryAt(at);
  }

  /** Positions of the entries below a folder, `to` excluded. */
  rangeUnder(prefix: RepoPath): { from: number; to: number } {
    // `0` is the byte after `/`.
    return {
      from: this.position(`${prefix}/` as RepoPath).at,
      to: this.position(`${prefix}0` as RepoPath).at,
    };
  }

  /** Where the path is, or where it would be put. Names compare as bytes. */
  position(path: RepoPath): { at: number; found: boolean } {
    const name = bytesOf(path);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compareName(middle, name) < 0) low = middle + 1;
      else high = middle;
    }
    return { at: low, found: low < this.count && this.#compareName(low, name) === 0 };
  }

  /** Byte position of an entry; for `count` the end of the last. */
  offset(at: number): number {
    return this.offsets[at] ?? HEADER_BYTES;
  }

  extension(name: string): Buffer | null {
    return this.#extensionData.get(name) ?? null;
  }

  entryAt(at: number): IndexEntry {
    const { raw } = this;
    const p = this.offset(at);
    const flags = raw.readUInt16BE(p + FLAGS_AT);
    const extended = flags & EXTENDED ? raw.readUInt16BE(p + NAME_AT) : 0;
    const { from, to } = nameRange(raw, p);
    return {
      path: repoPathOf(raw.subarray(from, to)),
      mode: raw.readUInt32BE(p + 24),
      oid: raw.toString('hex', p + 40, p + FLAGS_AT),
      stage: (flags & STAGES) >> 12,
      size: raw.readUInt32BE(p + 36),
      stat: {
        ctimeS: raw.readUInt32BE(p),
        ctimeNs: raw.readUInt32BE(p + 4),
        mtimeS: raw.readUInt32BE(p + 8),
        mtimeNs: raw.readUInt32BE(p + 12),
        dev: raw.readUInt32BE(p + 16),
        ino: raw.readUInt32BE(p + 20),
        uid: raw.readUInt32BE(p + 28),
        gid: raw.readUInt32BE(p + 32),
      },
      assumeValid: (flags & 0x8000) !== 0,
      skipWorktree: (extended & 0x4000) !== 0,
      intentToAdd: (extended & 0x2000) !== 0,
    };
  }

  #compareName(at: number, name: Buffer): number {
    const { from, to } = nameRange(this.raw, this.offset(at));
    return this.raw.compare(name, 0, name.length, from, to);
  }
}

/** An index of 50,000 files takes about 5 MB. */
const MOST_KEPT_BYTES = 48 * 1024 * 1024;
const KEPT_IDLE_MS = 30_000;

const memory = new IndexMemory({ clock: systemClock, limitBytes: MOST_KEPT_BYTES, idleMs: KEPT_IDLE_MS });

/**
 * Reads the index of a work tree; a missing file is an empty index. One that is known from a moment ago is only
 * looked at, to make sure that it is still the same.
 * @throws Failure `index-corrupt` (damaged, wrong hash)
 */
export async function readIndex(repo: Repository): Promise<IndexFile> {
  const known = recallIndex(repo);
  if (known !== null) return known;
  const path = indexPath(repo);
  try {
    const file = await openFile(path);
    try {
      const stats = await file.stat();
      const bytes = await file.readFile();
      const layout = parseIndex(bytes);
      memory.keep(path, markOf(bytes, stats), layout);
      return new IndexFile(bytes, stats.mtimeNs, layout);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return new IndexFile(emptyIndex(), 0n);
    throw error;
  }
}

/** As `readIndex`, without a way to another thread: for whoever holds its lock. Null where it has to be read. */
export function recallIndex(repo: Repository): IndexFile | null {
  const path = indexPath(repo);
  if (!memory.has(path)) return null;
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const { size, mtimeNs, ino } = fstatSync(file, { bigint: true });
    // A file too short to be an index has a hash like none.
    const hash = Buffer.alloc(HASH_BYTES);
    readSync(file, hash, 0, HASH_BYTES, Math.max(0, Number(size) - HASH_BYTES));
    const known = memory.find(path, { size, mtimeNs, ino, hash });
    return known && new IndexFile(known.raw, mtimeNs, known);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** These bytes, in a file with this stat data, become the index: whoever reads it next need not. */
export function rememberIndex(
  repo: Repository,
  { bytes, ...known }: KnownLayout & { bytes: Buffer },
  stats: BigIntStats,
): void {
  memory.keep(indexPath(repo), markOf(bytes, stats), parseOwnIndex(bytes, known));
}

/** Lets go of what is kept, of every repository. */
export function forgetIndexes(): void {
  memory.clear();
}

const indexPath = (repo: Repository) => `${repo.gitDir}/index`;

/** Whether the file still looks as it did when the entry was written. False only means: compare the content. */
export function matchesStat(entry: IndexEntry, file: FileStat): boolean {
  const { stat } = entry;
  if (entry.size === 0 && entry.oid !== EMPTY_BLOB) return false;
  const now = indexStat(file);
  // As git does, `dev` is left out: it changes when a drive is mounted again.
  return (
    stat.mtimeNs === now.mtimeNs &&
    stat.mtimeS === now.mtimeS &&
    stat.ctimeNs === now.ctimeNs &&
    stat.ctimeS === now.ctimeS &&
    entry.size === uint32(file.size) &&
    stat.ino === now.ino &&
    stat.uid === now.uid &&
    stat.gid === now.gid
  );
}

/** The file may have changed after it was looked at without its stat telling: written no earlier than the index. */
export function isRacy(entry: IndexEntry, index: IndexFile): boolean {
  return BigInt(entry.stat.mtimeS) * BILLION + BigInt(entry.stat.mtimeNs) >= index.mtimeNs;
}
