// What small files said when they were read last: while their stat data is the same, nobody need read them again.
// Knows nothing of what is kept.

import type { BigIntStats } from 'node:fs';
import { type Clock, systemClock } from './clock.ts';

/**
 * A file that changed within this time may change again without its stat showing it: file systems count time in steps,
 * of up to 2 s.
 */
const SETTLED_MS = 2_000;
const MOST_FILES = 2_000;

type Mark = Pick<BigIntStats, 'mtimeNs' | 'ctimeNs' | 'size' | 'ino' | 'dev'>;

/** The files unused for longest go first. */
export class FileMemory<Value> {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #most: number;
  readonly #kept = new Map<string, { mark: Mark; value: Value }>();

  constructor({
    clock = systemClock,
    most = MOST_FILES,
  }: { clock?: Pick<Clock, 'now'>; most?: number } = {}) {
    this.#clock = clock;
    this.#most = most;
  }

  /** What was made of the file that has this stat data now; undefined where it must be read. */
  find(path: string, now: BigIntStats): Value | undefined {
    const kept = this.#kept.get(path);
    if (kept === undefined || !isSame(kept.mark, now)) return undefined;
    // A Map keeps insertion order: the first is the one unused for longest.
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    return kept.value;
  }

  /** The time for `keep`: to be asked before a file is looked at. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * `before` is the stat data from before the file was read, asked for at `lookedAt`: reading may take long. What may
   * have changed since is not kept.
   */
  keep(path: string, before: BigIntStats, lookedAt: number, value: Value): void {
    this.#kept.delete(path);
    const { mtimeNs, ctimeNs, size, ino, dev } = before;
    const isYoung = (timeNs: bigint) => lookedAt - Number(timeNs / 1_000_000n) < SETTLED_MS;
    if (!before.isFile() || isYoung(mtimeNs) || isYoung(ctimeNs)) return;
    this.#kept.set(path, { mark: { mtimeNs, ctimeNs, size, ino, dev }, value });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(oldest);
    }
  }
}

function isSame(a: Mark, b: Mark): boolean {
  return (
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.dev === b.dev
  );
}
