// Translates what goes wrong with a REST request into failures: no answer, or an answer that is no success.
// Must not know which request it was for.

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
  const words = redact(refusal.message).replace(/\s+/g, ' ').trim().slice(0, LONGEST_MESSAGE);
  const sso = code === 'sso-required' ? ssoAddress(refusal.headers) : '';
  return new Failure(code, `${apiHost} answered ${status}: ${words || 'without a word'}${sso}`, {
    data: { host: apiHost, status, ...(code === 'rate-limited' && pause(refusal)) },
  });
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

const OFFLINE_CODES = new Set(
  'ENOTFOUND EAI_AGAIN ECONNREFUSED ENETUNREACH ENETDOWN EHOSTUNREACH EHOSTDOWN EADDRNOTAVAIL'.split(' '),
);
const TIMEOUT_CODES = new Set(
  'ETIMEDOUT UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT'.split(' '),
);
// Deno gives texts only.
const OFFLINE_WORDS =
  /dns error|failed to lookup address|connection refused|network is unreachable|no route to host/i;
const TIMEOUT_WORDS = /timed out|timeout/i;

/** A request that got no answer: `offline`, `remote-timeout`, `remote-error`, or the failure that ended it. */
export function networkFailure(error: unknown, apiHost: string): Failure {
  const chain = causesOf(error);
  const known = chain.find((each) => each instanceof Failure);
  if (known) return known;
  const codes = chain.map((each) => (each instanceof Error && 'code' in each ? String(each.code) : ''));
  const text = chain.map((each) => (each instanceof Error ? each.message : String(each))).join(': ');
  const data = { host: apiHost };
  if (codes.some((code) => OFFLINE_CODES.has(code)) || OFFLINE_WORDS.test(text)) {
    const gated = { ...data, gate: `host:${apiHost}` };
    return new Failure('offline', `${apiHost} cannot be reached.`, { data: gated, cause: error });
  }
  if (codes.some((code) => TIMEOUT_CODES.has(code)) || TIMEOUT_WORDS.test(text)) {
    return new Failure('remote-timeout', `${apiHost} did not answer in time.`, { data, cause: error });
  }
  return new Failure('remote-error', `The connection to ${apiHost} broke.`, { data, cause: error });
}

/** The error, its causes and the parts of aggregates, outermost first. */
function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  const open: unknown[] = [error];
  while (open.length > 0 && chain.length < 16) {
    const next = open.shift();
    chain.push(next);
    if (next instanceof AggregateError) open.push(...next.errors);
    if (next instanceof Error && next.cause !== undefined) open.push(next.cause);
  }
  return chain;
}
