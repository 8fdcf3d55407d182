// How long to wait after a failure and after a rate limit. Pure: no database, no clock of its own.

const HOUR_MS = 3_600_000;
/** A suspended account comes back when people have spoken with each other. */
export const SUSPENDED_PAUSE_MS = HOUR_MS;
// 2^30 times a millisecond is already twelve days: beyond this the cap decides, and the power stays finite.
const MOST_DOUBLINGS = 30;
// Pauses end a little late and not all at once, but never early.
const PAUSE_JITTER = 0.1;

const doubled = (baseMs: number, times: number) => baseMs * 2 ** Math.min(Math.max(times, 0), MOST_DOUBLINGS);

/**
 * The delay before the next attempt, in whole milliseconds: anywhere between 0 and
 * `retryDelayMs · 2^(attempt-1)` (full jitter: projects that failed together do not come back together).
 * `attempt` is the number of the one that failed, from 1; `capMs` defaults to one hour; `random` is uniform in [0, 1).
 */
export function retryDelay(options: {
  attempt: number;
  retryDelayMs: number;
  capMs?: number;
  random: () => number;
}): number {
  const { attempt, retryDelayMs, capMs = HOUR_MS, random } = options;
  return Math.round(random() * Math.min(capMs, doubled(retryDelayMs, attempt - 1)));
}

/**
 * How long a rate-limited gate stays closed, in whole milliseconds: the longest of what the host asked for
 * (`retryAfterMs`), its reset (`resetAtMs`, epoch milliseconds) and `rateLimitDelayMs · 2^strikes`, plus up to a
 * tenth. The last two are capped at one hour; what the host asked for is never shortened.
 * `strikes` counts the pauses before this one without a success between.
 */
export function gatePause(options: {
  retryAfterMs?: number;
  resetAtMs?: number;
  strikes: number;
  rateLimitDelayMs: number;
  now: number;
  random: () => number;
}): number {
  const { retryAfterMs = 0, resetAtMs, strikes, rateLimitDelayMs, now, random } = options;
  const untilResetMs = resetAtMs === undefined ? 0 : resetAtMs - now;
  const ownMs = Math.min(HOUR_MS, Math.max(untilResetMs, doubled(rateLimitDelayMs, strikes)));
  const pauseMs = Math.max(retryAfterMs, ownMs);
  return Math.ceil(pauseMs + random() * pauseMs * PAUSE_JITTER);
}
