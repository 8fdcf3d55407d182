// Translates what `fetch` throws into failures. Node gives codes; Deno gives only texts.
// Knows nothing of what was asked for, nor of answers that did arrive.

import { Failure } from '../model/failure.ts';
import type { FailureCode } from '../model/failure-codes.ts';

const CODES: Readonly<Record<string, FailureCode>> = {
  ENOTFOUND: 'offline',
  EAI_AGAIN: 'offline',
  ECONNREFUSED: 'offline',
  ENETUNREACH: 'offline',
  ENETDOWN: 'offline',
  EHOSTUNREACH: 'offline',
  EHOSTDOWN: 'offline',
  EADDRNOTAVAIL: 'offline',
  ETIMEDOUT: 'remote-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'remote-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'remote-timeout',
  UND_ERR_BODY_TIMEOUT: 'remote-timeout',
};

const TEXTS: readonly (readonly [RegExp, FailureCode])[] = [
  [/dns error|failed to lookup address/i, 'offline'],
  [/connection refused|network is unreachable|no route to host|network is down/i, 'offline'],
  [/timed out|timeout/i, 'remote-timeout'],
];

/** A request to `host` that got no complete answer: `offline`, `remote-timeout`, `remote-error`, or the failure that ended it. */
export function networkFailure(error: unknown, host: string): Failure {
  const chain = causesOf(error);
  const known = chain.find((each) => each instanceof Failure);
  if (known) return known;
  const codes = chain.map(codeOf).filter((each) => each !== '');
  const code = codes.find((each) => CODES[each] !== undefined) ?? codes[0] ?? '';
  const text = chain.map((each) => (each instanceof Error ? each.message : String(each))).join(': ');
  const found = CODES[code] ?? TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? 'remote-error';
  const what = code === '' ? shortText(chain) : code;
  const data = found === 'offline' ? { host, gate: `host:${host}` } : { host };
  return new Failure(found, `${sentence(found, host)} (${what}).`, { data, cause: error });
}

function sentence(code: FailureCode, host: string): string {
  if (code === 'offline') return `${host} cannot be reached`;
  return code === 'remote-timeout' ? `${host} did not answer in time` : `The connection to ${host} broke`;
}

/** The error, then its causes and the parts of an aggregate, outermost first. */
function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  const open = [error];
  while (open.length > 0 && chain.length < 16) {
    const next = open.shift();
    chain.push(next);
    if (next instanceof AggregateError) open.push(...next.errors);
    if (next instanceof Error && next.cause !== undefined) open.push(next.cause);
  }
  return chain;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

// The innermost text; outer ones may repeat the URL.
function shortText(chain: readonly unknown[]): string {
  const last = chain.at(-1);
  const text = last instanceof Error ? last.message : String(last);
  return text.replace(/\s*\(https?:\/\/[^)]*\)/g, '').slice(0, 200);
}
