// Lets others in between calls that block: a local database answers at once, so a loop over many calls (pruning, a scan
// of a thousand projects) would otherwise keep requests, timers and the feed waiting until its end.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../host/clock.ts';

/** Longest stretch of calls without a turn of the event loop; one call by itself may take longer. */
const STRETCH_MS = 10;

/** To be asked before each call: null, or what to wait for first. */
export function createEventLoopTurns(clock: Pick<Clock, 'monotonic' | 'timer'>) {
  /** Since when the event loop has not turned, as far as calls noticed. */
  let since: number | null = null;
  return (): Promise<void> | null => {
    if (since === null) {
      since = clock.monotonic();
      clock.timer(0, () => {
        since = null;
      });
      return null;
    }
    // Not by a timer, which waits for a whole millisecond: that was a tenth of the time of a busy queue.
    return clock.monotonic() - since < STRETCH_MS ? null : nextTurn();
  };
}
