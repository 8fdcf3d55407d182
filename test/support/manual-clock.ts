// A clock whose time moves only when a test says so. Timers fire in the order in which they are due;
// after each one, pending promises run before the next fires. Knows nothing of what it drives.

import { setImmediate } from 'node:timers';
import type { Clock } from '../../src/host/clock.ts';

export type ManualClock = Clock & {
  /** Moves wall and monotonic time by `ms`, firing what becomes due; 0 fires what is due now. */
  advance(ms: number): Promise<void>;
  /** Makes the wall clock jump to `ms` (epoch milliseconds). Monotonic time and timers do not notice. */
  set(ms: number): void;
  /** How long until the next timer, in milliseconds; null when none is set. */
  nextTimerMs(): number | null;
  /** How many timers wait that were set for this long. */
  waiting(delayMs: number): number;
};

type Timer = { delayMs: number; dueMs: number; order: number; fire: () => void };

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** `startMs` is the first wall-clock reading (epoch milliseconds); monotonic time starts at 0. */
export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let wallMs = startMs;
  let monotonicMs = 0;
  let order = 0;
  const timers = new Set<Timer>();

  const timer = (delayMs: number, fire: () => void) => {
    order += 1;
    const entry = { delayMs, dueMs: monotonicMs + Math.max(delayMs, 0), order, fire };
    timers.add(entry);
    return () => void timers.delete(entry);
  };
  const earliest = () => [...timers].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order).at(0);
  const moveTo = (targetMs: number) => {
    wallMs += targetMs - monotonicMs;
    monotonicMs = targetMs;
  };

  return {
    now: () => wallMs,
    monotonic: () => monotonicMs,
    timer,
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = () => {
          cancel();
          reject(signal?.reason);
        };
        const cancel = timer(delayMs, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      });
    },
    async advance(ms) {
      const targetMs = monotonicMs + ms;
      await settle();
      for (let next = earliest(); next && next.dueMs <= targetMs; next = earliest()) {
        moveTo(Math.max(next.dueMs, monotonicMs));
        timers.delete(next);
        next.fire();
        await settle();
      }
      moveTo(targetMs);
    },
    set(ms) {
      wallMs = ms;
    },
    waiting: (delayMs) => [...timers].filter((timer) => timer.delayMs === delayMs).length,
    nextTimerMs: () => {
      const next = earliest();
      return next ? Math.max(0, next.dueMs - monotonicMs) : null;
    },
  };
}
