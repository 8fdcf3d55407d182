// Waits for another connection's lock without blocking the event loop. Must not know what is tried.

import type { Clock, Random } from '../host/clock.ts';
import { isBusy } from './errors.ts';

/** Longest wait for a lock; a writer that holds it longer is stuck. */
const PATIENCE_MS = 10_000;
const FIRST_DELAY_MS = 2;
const LONGEST_DELAY_MS = 50;

/** Tries again, with growing jittered delays, while the lock is taken; then throws the last error. */
export async function retryBusy<T>(
  deps: { clock: Clock; random: Random },
  attempt: () => T | Promise<T>,
): Promise<T> {
  const giveUpAt = deps.clock.monotonic() + PATIENCE_MS;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || deps.clock.monotonic() >= giveUpAt) throw error;
    }
    await deps.clock.sleep(delayMs * (0.5 + deps.random()));
  }
}
