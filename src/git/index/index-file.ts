// Reads .git/index, versions 2 to 4. The bytes stay as they are (version 4 is laid out as version 3) and entries are
// decoded when asked for, so that opening an index of 50,000 files costs a few milliseconds. index-write.ts writes.

import { open } from 'node:fs/promises';
import { isAbsent } from '../io-failure.ts';
import { bytesOf, type RepoPath, repoPathOf } from '../paths.ts';
import type { FileStat, Repository } from '../types.ts';
import {
  checkHeader,
  EXTENDED,
  emptyIndex,
  FLAGS_AT,
  findEntries,
  findExtensions,
  HEADER_BYTES,
  NAME_AT,
  nameRange,
  STAGES,
} from './index-layout.ts';
import { expandEntries } from './index-v4.ts';

// An entry of size 0 with any other id is marked as to be hashed.
const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
const BILLION = 1_000_000_000n;

/** Stat data as stored: each a number below 2^32, the file system's value modulo 2^32. */
export type IndexStat = {
  ctimeS: number;
  ctimeNs: number;
  mtimeS: number;
  mtimeNs: number;
  dev: number;
  ino: number;
  uid: number;
  gid: number;
};

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
  readonly #offsets: Uint32Array;
  readonly #extensionData: ReadonlyMap<string, Buffer>;

  /** @throws Failure `index-corrupt` */
  constructor(bytes: Buffer, mtimeNs: bigint) {
    const header = checkHeader(bytes);
    const raw = header.version === 4 ? expandEntries(bytes) : bytes;
    const layout = findEntries(raw, header);
    const extensions = findExtensions(raw, layout.offsets[header.count] ?? HEADER_BYTES);
    this.raw = raw;
    this.version = header.version;
    this.count = header.count;
    this.mtimeNs = mtimeNs;
    this.hashSkipped = header.hashSkipped;
    this.hasUnmerged = layout.hasUnmerged;
    this.extensions = [...extensions.keys()];
    this.#offsets = layout.offsets;
    this.#extensionData = extensions;
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
    return this.#offsets[at] ?? HEADER_BYTES;
  }

  extension(name: string): Buffer | null {
    return this.#extensionData.get(name) ?? null;
  }

  entryAt(at: number): IndexEntry {
    const { raw } = this;
    const p = this.offset(at);
    const word = (index: number) => raw.readUInt32BE(p + index * 4);
    const flags = raw.readUInt16BE(p + FLAGS_AT);
    const extended = flags & EXTENDED ? raw.readUInt16BE(p + NAME_AT) : 0;
    const { from, to } = nameRange(raw, p);
    return {
      path: repoPathOf(raw.subarray(from, to)),
      mode: word(6),
      oid: raw.toString('hex', p + 40, p + FLAGS_AT),
      stage: (flags & STAGES) >> 12,
      size: word(9),
      stat: {
        ctimeS: word(0),
        ctimeNs: word(1),
        mtimeS: word(2),
        mtimeNs: word(3),
        dev: word(4),
        ino: word(5),
        uid: word(7),
        gid: word(8),
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

/**
 * Reads the index of a work tree; a missing file is an empty index.
 * @throws Failure `index-corrupt` (damaged, wrong hash)
 */
export async function readIndex(repo: Repository): Promise<IndexFile> {
  try {
    const file = await open(`${repo.gitDir}/index`, 'r');
    try {
      const { mtimeNs } = await file.stat({ bigint: true });
      return new IndexFile(await file.readFile(), mtimeNs);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return new IndexFile(emptyIndex(), 0n);
    throw error;
  }
}

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

/** Stat data as the index stores it. */
export function indexStat(file: FileStat): IndexStat {
  return {
    ctimeS: wholeSeconds(file.ctimeNs),
    ctimeNs: Number(nanoseconds(file.ctimeNs)),
    mtimeS: wholeSeconds(file.mtimeNs),
    mtimeNs: Number(nanoseconds(file.mtimeNs)),
    dev: uint32(file.dev),
    ino: uint32(file.ino),
    uid: uint32(file.uid),
    gid: uint32(file.gid),
  };
}

/** The index keeps 32 bits of every number. */
export function uint32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

function wholeSeconds(timeNs: bigint): number {
  return uint32((timeNs - nanoseconds(timeNs)) / BILLION);
}

/** Never negative, also before 1970. */
function nanoseconds(timeNs: bigint): bigint {
  return ((timeNs % BILLION) + BILLION) % BILLION;
}
