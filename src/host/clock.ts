// Time and timers. Everything else gets them from here, so that tests can own time.

import { clearTimeout, setTimeout } from 'node:timers'; // the same handles on Node and Deno

/** `now` is epoch milliseconds (wall clock, may jump); `monotonic` is milliseconds that only grow. */
export type Clock = {
  now(): number;
  monotonic(): number;
  /** Calls `fire` once after `delayMs`; the returned function cancels it. Never keeps the process alive by itself. */
  timer(delayMs: number, fire: () => void): () => void;
  /** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
};

/** Uniform in [0, 1). */
export type Random = () => number;

// Node and Deno both clamp longer timers to 1 ms; cut them instead.
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    handle.unref();
    return () => clearTimeout(handle);
  },
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        clearTimeout(handle);
        reject(signal?.reason);
      };
      const handle = setTimeout(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS),
      );
      signal?.addEventListener('abort', abort, { once: true });
    });
  },
};

export const systemRandom: Random = () => Math.random();
