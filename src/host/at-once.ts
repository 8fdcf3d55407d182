// Calls of the file system that are made at once. A way to another thread and back costs 0.1 ms on an idle machine and
// several on a busy one, the call itself about 0.01 ms, and a sync makes more than a hundred of them one after the other.
// A disk that does not answer stops the service this way; by threads it did with the fourth call, for the runtime has no
// more of them.

import { setImmediate } from 'node:timers';

/** Longest stretch of calls without a turn of the event loop: requests and timers have theirs in between. */
const STRETCH_MS = 10;

/** Since when the event loop has not turned, as far as calls noticed. */
let since: number | null = null;

function isDue(): boolean {
  const now = performance.now();
  if (since !== null) return now - since >= STRETCH_MS;
  since = now;
  setImmediate(() => {
    since = null;
  });
  return false;
}

/** As a function of node:fs/promises: what it throws is a rejection, and others are let in now and then. */
export function atOnce<Args extends unknown[], Result>(call: (...args: Args) => Result) {
  return async (...args: Args): Promise<Result> => {
    if (isDue()) await new Promise((resolve) => void setImmediate(resolve));
    return call(...args);
  };
}
