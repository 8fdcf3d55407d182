// Translates the answer to a REST request that is no success into a failure. Must not know which request it was for.

import { redact } from '../host/log.ts';
import { Failure, type FailureData } from '../model/failure.ts';
import type { FailureCode } from '../model/failure-codes.ts';
import { readRateLimit } from './rate-limits.ts';

export type Refusal = {
  /** `host[:port]` of the API. */
  apiHost: string;
  status: number;
  headers: Headers;
  /** The answer's own words. */
  message: string;
  hasToken: boolean;
  /** Epoch milliseconds. */
  now: number;
};

/** GitHub's advice when it refuses for its load and names no time. */
const SECONDARY_PAUSE_MS = 60_000;
const LONGEST_MESSAGE = 500;
const RATE_LIMIT_WORDS = /rate limit|abuse detection|too many requests/i;

/** An answer with a status of 400 or more. */
export function refusalFailure(refusal: Refusal): Failure {
  const { apiHost, status } = refusal;
  const code = refusalCode(refusal);
  const words = wordsOf(refusal.message);
  const sso = code === 'sso-required' ? ssoAddress(refusal.headers) : '';
  const said = words === '' ? ' without a word of why.' : `: ${words}`;
  return new Failure(code, `${apiHost} answered ${status}${said}${sso}`, {
    data: { host: apiHost, status, ...(code === 'rate-limited' && pause(refusal)) },
  });
}

/** A page is for browsers; and Octokit has words of its own where the host has none. */
function wordsOf(message: string): string {
  if (/^\s*<|^\s*Unknown error/i.test(message)) return '';
  return redact(message).replace(/\s+/g, ' ').trim().slice(0, LONGEST_MESSAGE);
}

function refusalCode({ status, headers, message, hasToken }: Refusal): FailureCode {
  if (status === 429) return 'rate-limited';
  if (status >= 500) return 'remote-error';
  if (status === 401) return hasToken ? 'credential-rejected' : 'credential-missing';
  if (status === 404 || status === 410 || status === 451) return 'repository-not-found';
  if (status !== 403) return 'remote-invalid-answer';
  const usedUp = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after');
  if (usedUp || RATE_LIMIT_WORDS.test(message)) return 'rate-limited';
  if (headers.has('x-github-sso') || /SAML/.test(message)) return 'sso-required';
  return /account (?:is|was|has been) (?:suspended|disabled)/i.test(message)
    ? 'account-suspended'
    : 'push-forbidden';
}

function pause({ apiHost, headers, now }: Refusal): FailureData {
  const { retryAfterMs = SECONDARY_PAUSE_MS, remaining, limit } = readRateLimit(headers, now);
  return {
    retryAfterMs,
    gate: `host:${apiHost}`,
    ...(remaining !== undefined && { remaining }),
    ...(limit !== undefined && { limit }),
  };
}

/** `required; url=https://…`: where the person authorises the token. */
function ssoAddress(headers: Headers): string {
  const address = /url=(https:\/\/[^\s;,]+)/.exec(headers.get('x-github-sso') ?? '')?.[1];
  return address ? ` Authorise the token at ${address}` : '';
}
