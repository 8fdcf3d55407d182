// Reads what a GitHub answer says about quotas and pauses. Pure; must not know who asked or what for.

/** `resetAt` is epoch milliseconds; a part the answer does not name is left out. */
export type RateLimit = {
  /** Do not ask again before so many milliseconds have passed. */
  retryAfterMs?: number;
  remaining?: number;
  limit?: number;
  resetAt?: number;
  /** Which quota, for example `core` or `search`. */
  resource?: string;
};

/** No host asks for a longer pause in earnest; a broken header must not stop syncing for years. */
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** `now` is epoch milliseconds. Retry-After (seconds or a date) counts first, then the reset of a used-up quota. */
export function readRateLimit(headers: Pick<Headers, 'get'>, now: number): RateLimit {
  const remaining = wholeNumber(headers.get('x-ratelimit-remaining'));
  const limit = wholeNumber(headers.get('x-ratelimit-limit'));
  const resetSeconds = wholeNumber(headers.get('x-ratelimit-reset'));
  const resetAt = resetSeconds === null ? null : resetSeconds * 1000;
  const resource = headers.get('x-ratelimit-resource');
  const untilReset = remaining === 0 && resetAt !== null ? resetAt - now : null;
  const pauseMs = retryAfter(headers.get('retry-after'), now) ?? untilReset;
  return {
    ...(pauseMs !== null && { retryAfterMs: Math.min(Math.max(pauseMs, 0), LONGEST_PAUSE_MS) }),
    ...(remaining !== null && { remaining }),
    ...(limit !== null && { limit }),
    ...(resetAt !== null && { resetAt }),
    ...(resource !== null && resource !== '' && { resource }),
  };
}

function retryAfter(header: string | null, now: number): number | null {
  const seconds = wholeNumber(header);
  if (seconds !== null) return seconds * 1000;
  const at = header === null ? Number.NaN : Date.parse(header);
  return Number.isNaN(at) ? null : at - now;
}

function wholeNumber(header: string | null): number | null {
  const text = header?.trim() ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
