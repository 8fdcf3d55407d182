// Keeps indexes that were read or written a short while ago, taken apart, so that a sync after a sync need not read
// megabytes again. An index counts as known only when stat and the hash at its end say so: several can be written
// within one tick of the file system's clock, and inode numbers are used again.

import type { BigIntStats } from 'node:fs';
import type { Clock } from '../../host/clock.ts';
import { HASH_BYTES } from './index-layout.ts';
import type { IndexLayout } from './parse-index.ts';

/** What tells an index file from every other. The change time is left out: a rename, which puts it in force, sets it. */
export type IndexMark = {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
  /** The last bytes of the file. */
  readonly hash: Buffer;
};

type Kept = { readonly mark: IndexMark; readonly layout: IndexLayout; readonly weight: number };

export type IndexMemoryInput = {
  clock: Pick<Clock, 'timer'>;
  /** Bound of all that is kept together, bytes. */
  limitBytes: number;
  /** All is let go when none was asked for during this time, milliseconds. */
  idleMs: number;
};

/** Least recently used first out. */
export class IndexMemory {
  readonly #input: IndexMemoryInput;
  readonly #kept = new Map<string, Kept>();
  #weight = 0;
  #wasUsed = false;
  #isWatched = false;

  constructor(input: IndexMemoryInput) {
    this.#input = input;
  }

  /** Bytes kept. */
  get weight(): number {
    return this.#weight;
  }

  /** Whether it is worth looking at the mark of the file at `path`. */
  has(path: string): boolean {
    return this.#kept.has(path);
  }

  /** Null when another index is kept for the path than the marked one, or none. */
  find(path: string, mark: IndexMark): IndexLayout | null {
    const kept = this.#kept.get(path);
    if (kept === undefined) return null;
    if (!isSame(kept.mark, mark)) return null;
    // A Map keeps insertion order: the first is the one unused for longest.
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    this.#wasUsed = true;
    return kept.layout;
  }

  /** An index without a hash cannot be told from another and is not kept. */
  keep(path: string, mark: IndexMark, layout: IndexLayout): void {
    this.forget(path);
    const weight = layout.raw.length + layout.offsets.byteLength;
    if (layout.hashSkipped || weight > this.#input.limitBytes) return;
    this.#kept.set(path, { mark, layout, weight });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#input.limitBytes) break;
      this.forget(oldest);
    }
    this.#wasUsed = true;
    this.#watch();
  }

  forget(path: string): void {
    this.#weight -= this.#kept.get(path)?.weight ?? 0;
    this.#kept.delete(path);
  }

  clear(): void {
    this.#kept.clear();
    this.#weight = 0;
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#wasUsed = false;
    this.#input.clock.timer(this.#input.idleMs, () => {
      this.#isWatched = false;
      if (!this.#wasUsed) this.clear();
      if (this.#kept.size > 0) this.#watch();
    });
  }
}

/** A copy of the hash: it must not hold on to the file that it was cut from. */
export function markOf(bytes: Buffer, { size, mtimeNs, ino }: BigIntStats): IndexMark {
  return { size, mtimeNs, ino, hash: Buffer.from(bytes.subarray(bytes.length - HASH_BYTES)) };
}

function isSame(a: IndexMark, b: IndexMark): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.hash.equals(b.hash);
}
