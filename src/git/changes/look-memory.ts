// What looks found, for as long as it may be found again: by stamp, and only where two looks apart had the same one.
// Bounded; knows neither threads nor the disk.

import type { LookStamp } from './look-stamp.ts';
import type { ScanAim, ScanResult } from './scan-messages.ts';

type Kept = {
  readonly stamp: LookStamp;
  readonly aim: string;
  readonly result: ScanResult;
  /** When the first look with this stamp was over. */
  readonly sinceMs: number;
  readonly isProven: boolean;
};

/**
 * File systems count time in steps, of up to 2 s: of two changes in one step the second does not show. So much apart,
 * what changes during the second look changes the stamp after it, whatever the clock of the file system says.
 */
const APART_MS = 2_500;
const MOST_CHARACTERS = 16_000_000;

/** The work trees that were looked at longest ago go first. */
export class LookMemory {
  readonly #kept = new Map<string, Kept>();
  #characters = 0;

  /** What was found last, for whoever makes sure that the stamp still holds; null where a whole look is due. */
  find(worktree: string, aim: ScanAim): { stamp: LookStamp; result: ScanResult } | null {
    const kept = this.#kept.get(worktree);
    return kept?.isProven && kept.aim === textOf(aim) ? kept : null;
  }

  /** `at` is when the look began and when it was over, monotonic milliseconds. */
  keep(
    worktree: string,
    aim: ScanAim,
    { stamp, result }: { stamp: LookStamp | null; result: ScanResult },
    at: { beganMs: number; endedMs: number },
  ): void {
    const before = this.#kept.get(worktree);
    this.forget(worktree);
    if (stamp === null) return;
    const isSame = before?.stamp.digest === stamp.digest && before.aim === textOf(aim);
    const sinceMs = isSame ? before.sinceMs : at.endedMs;
    const isProven = isSame && (before.isProven || at.beganMs - sinceMs >= APART_MS);
    this.#kept.set(worktree, { stamp, aim: textOf(aim), result, sinceMs, isProven });
    this.#characters += weightOf(stamp);
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= MOST_CHARACTERS) break;
      this.forget(oldest);
    }
  }

  forget(worktree: string): void {
    const kept = this.#kept.get(worktree);
    if (kept) this.#characters -= weightOf(kept.stamp);
    this.#kept.delete(worktree);
  }
}

function textOf({ syncBranches, alsoRead }: ScanAim): string {
  return JSON.stringify([syncBranches, alsoRead]);
}

function weightOf({ inside, around, apart }: LookStamp): number {
  return inside.length + around.length + apart.length;
}
