// One request to a GitHub host's REST API, as all of them are made: in the account's pace and past its gates, with
// ETags, redirects followed by hand, a time limit, and failures by name. The only file, with sources/app.ts and
// device-login.ts, that knows Octokit. No retries of its own: those belong to the gates and the queue.

import { Octokit } from '@octokit/rest';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { networkFailure } from '../host/network-failure.ts';
import type { CredentialWish } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import { createEtagCache, type EtagCache } from './etag-cache.ts';
import { answerOf, headersOf, octokitFailure } from './octokit-failure.ts';
import type { Pace } from './pace.ts';
import { readRateLimit } from './rate-limits.ts';
import { startTimeLimit } from './time-limit.ts';

/** What an answer said of the account's quota; `resetAt` is epoch milliseconds. */
type ToldQuota = { remaining: number; limit: number; resetAt: number | null };

/** The gates before a request: see the queue's gated calls. */
export type PassGates = <T>(
  call: { apiHost: string; account: string; creates: boolean; signal?: AbortSignal },
  make: (tell: (quota: ToldQuota) => void) => Promise<T>,
) => Promise<T>;

export type GithubApiInput = {
  /** The API's address without a slash at the end; null: this host has none that is known. */
  apiUrlFor(host: string): string | null;
  /** The token for a git host, of the named account or the host's own. */
  tokenFor(host: string, as?: CredentialWish): Promise<{ key: string; token: string } | null>;
  userAgent: string;
  /** Default: the runtime's own. */
  fetch?: typeof fetch;
  /** For one request and its answer, milliseconds; default 15000. */
  timeoutMs?: number;
  clock: Clock;
  log: Pick<Log, 'debug'>;
  pace: Pace;
  /** Left out: no gates are known. */
  pass?: PassGates;
};

type ApiRequest = {
  /** The git host, for example `github.com`. */
  host: string;
  /** Which account; left out: the host's own. */
  as?: CredentialWish;
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below the API's address, with a slash first. */
  path: string;
  body?: Record<string, unknown>;
  /** It creates content, which hosts limit more tightly. */
  creates?: boolean;
  signal?: AbortSignal;
};

export type ApiAnswer = {
  status: number;
  headers: Headers;
  data: unknown;
  /** The instant of asking, epoch milliseconds. */
  at: number;
  hasToken: boolean;
};

/**
 * Answers 2xx, and 404 with `status: 404`. Null: nobody told the address of this host's API.
 * @throws Failure `rate-limited` (with `retryAfterMs` and `gate`), `credential-rejected`, `credential-missing`,
 *   `sso-required`, `account-suspended`, `push-forbidden`, `insecure-remote`, `offline`, `remote-timeout`,
 *   `remote-error`, `remote-invalid-answer` (with `data.status` and `data.answer`), `redirect-refused`, `aborted`
 */
export type AskGithub = (request: ApiRequest) => Promise<ApiAnswer | null>;

const MOST_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 307, 308]);
const REMEMBERED_ANSWERS = 500;

type Asking = { request: ApiRequest; account: string; token: string | null; apiUrl: string };

/** Makes the way to ask that all projects share. */
export function createGithubApi(input: GithubApiInput): AskGithub {
  const cache = createEtagCache(REMEMBERED_ANSWERS);
  return async (request) => {
    const apiUrl = input.apiUrlFor(request.host);
    if (apiUrl === null) return null;
    const found = await input.tokenFor(request.host, request.as);
    if (found !== null) refuseInsecure(apiUrl);
    const account = found?.key ?? request.host;
    return askAll(input, cache, { request, account, token: found?.token ?? null, apiUrl });
  };
}

/** Redirects are followed by hand: the token stays with its API. */
async function askAll(input: GithubApiInput, cache: EtagCache, asking: Asking): Promise<ApiAnswer> {
  const { apiUrl, request } = asking;
  let url = `${apiUrl.replace(/\/+$/, '')}${request.path}`;
  for (let redirects = 0; ; redirects++) {
    const answer = await askOnce(input, cache, asking, url);
    if (!REDIRECTS.has(answer.status)) return answer;
    const target = new URL(answer.headers.get('location') ?? '', url);
    if (target.origin !== new URL(apiUrl).origin || redirects === MOST_REDIRECTS) {
      const why = redirects === MOST_REDIRECTS ? `more than ${MOST_REDIRECTS} times` : `to ${target.origin}`;
      const { host } = new URL(apiUrl);
      throw new Failure('redirect-refused', `${host} redirects ${why}.`, {
        data: { host, status: answer.status },
      });
    }
    url = target.href;
  }
}

function askOnce(input: GithubApiInput, cache: EtagCache, asking: Asking, url: string): Promise<ApiAnswer> {
  const { request, account } = asking;
  const { signal, creates = false } = request;
  const kind = request.method === 'GET' ? 'read' : creates ? 'creation' : 'write';
  const pass: PassGates = input.pass ?? ((_call, make) => make(() => undefined));
  const call = { apiHost: new URL(url).host, account, creates, ...(signal && { signal }) };
  return pass(call, (tell) =>
    input.pace.rest(account, kind, () => send(input, cache, asking, url, tell), signal),
  ).catch((error: unknown) => {
    if (signal?.aborted && !(error instanceof Failure)) throw calledOff(error);
    throw error;
  });
}

async function send(
  input: GithubApiInput,
  cache: EtagCache,
  { request, account, token }: Asking,
  url: string,
  tell: (quota: ToldQuota) => void,
): Promise<ApiAnswer> {
  const { method, body, signal } = request;
  const apiHost = new URL(url).host;
  const at = input.clock.now();
  const limit = startTimeLimit({ ...input, apiHost, ...(signal && { outer: signal }) });
  const key = `${account} ${url}`;
  const cached = method === 'GET' ? cache.get(key) : undefined;
  const told = (plain: Record<string, unknown>) => {
    const headers = headersOf(plain);
    tellQuota(headers, at, tell);
    return headers;
  };
  try {
    const answer = await openOctokit(input, token).request({
      ...{ method, url, ...(body && { data: body }) },
      ...(cached && { headers: { 'if-none-match': cached.etag } }),
      request: { signal: limit.signal, redirect: 'manual' },
    });
    // A body that breaks off arrives as text: the time limit is the better reason.
    limit.signal.throwIfAborted();
    const headers = told(answer.headers);
    const etag = headers.get('etag');
    if (method === 'GET' && etag !== null && answer.status === 200)
      cache.set(key, { etag, status: answer.status, data: answer.data });
    return { status: answer.status, headers, data: answer.data, at, hasToken: token !== null };
  } catch (error) {
    const response = answerOf(error);
    if (!response || limit.signal.aborted) throw networkFailure(limit.signal.reason ?? error, apiHost);
    const headers = told(response.headers);
    const rest = { headers, at, hasToken: token !== null };
    if (response.status === 304 && cached) return { status: cached.status, data: cached.data, ...rest };
    if (response.status === 404) return { status: 404, data: response.data, ...rest };
    const failure = octokitFailure(error, { apiUrl: url, hasToken: token !== null, now: at });
    throw withAnswer(failure, response.data);
  } finally {
    limit.stop();
  }
}

/** A refused request says in its body which value it was. */
function withAnswer(failure: Failure, answer: unknown): Failure {
  if (failure.code !== 'remote-invalid-answer') return failure;
  return new Failure(failure.code, failure.message, { data: { ...failure.data, answer }, cause: failure });
}

function tellQuota(headers: Headers, now: number, tell: (quota: ToldQuota) => void): void {
  const { remaining, limit, resetAt, resource } = readRateLimit(headers, now);
  // Searches and the like have quotas of their own.
  if (remaining === undefined || limit === undefined || (resource ?? 'core') !== 'core') return;
  tell({ remaining, limit, resetAt: resetAt ?? null });
}

function openOctokit(input: GithubApiInput, token: string | null): Octokit {
  const debug = (message: string) => input.log.debug(message);
  return new Octokit({
    userAgent: input.userAgent,
    ...(token !== null && { auth: token }),
    ...(input.fetch && { request: { fetch: input.fetch } }),
    // Only the texts: the second argument holds the request with its headers.
    log: { debug: () => undefined, info: debug, warn: debug, error: debug },
  });
}

function calledOff(cause: unknown): Failure {
  return new Failure('aborted', 'The question was called off.', { cause });
}

function refuseInsecure(apiUrl: string): void {
  const { protocol, hostname } = new URL(apiUrl);
  if (protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return;
  throw new Failure('insecure-remote', `The API address ${apiUrl} is not https; no token is sent there.`);
}
