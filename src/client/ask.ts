// One call of a route: builds the request, gives the answer, and turns refusals and silence into ClientError.

import type { Problem } from '../http/schemas/common.ts';
import type { CallOptions } from './call-options.ts';
import { ClientError } from './client-error.ts';
import type { Platform } from './platform.ts';
import type { Route } from './routes.ts';

export type Token = string | null | (() => string | null | Promise<string | null>);

export type Service = {
  platform: Platform;
  /** Without a slash at its end. */
  url: string;
  token: Token;
};

const ANSWER_LIMIT_MS = 120_000;

/** The method of a route: its arguments are those of the path, what goes in, and CallOptions. */
export function methodOf(service: Service, route: Route): (...args: unknown[]) => Promise<unknown> {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return async (...args) => {
    const path = names.reduce(
      (filled, name, n) => filled.replace(`{${name}}`, encodeURIComponent(nonEmpty(args[n], name))),
      route.path,
    );
    const input = route.input === null ? undefined : args[names.length];
    const options = args[names.length + (route.input === null ? 0 : 1)] as CallOptions | undefined;
    const response = await send(service, route.method, {
      path: route.input === 'query' ? withQuery(path, input as Query | undefined) : path,
      ...(route.input === 'body' && input !== undefined && { body: input }),
      ...options,
    });
    const text = await response.text().catch((cause: unknown) => {
      if (options?.signal?.aborted) throw options.signal.reason;
      throw noAnswer(service.url, cause);
    });
    if (!response.ok && response.status !== route.alsoAnswers) throw refusalOf(response, text);
    const answer = parse(text);
    if (answer === undefined) throw unexpected(response);
    return answer;
  };
}

type Sent = CallOptions & { path: string; body?: unknown; headers?: Record<string, string> };

/** The response whatever its status. `timeoutMs` also ends reading its body; Infinity: it never does. */
export async function send(service: Service, method: Route['method'], sent: Sent): Promise<Response> {
  const { path, body, headers, signal, timeoutMs = ANSWER_LIMIT_MS } = sent;
  const { platform, url } = service;
  const token = typeof service.token === 'function' ? await service.token() : service.token;
  const ended = timeoutMs === Infinity ? null : AbortSignal.timeout(timeoutMs);
  const signals = [signal, ended].filter((one) => one !== null && one !== undefined);
  try {
    return await platform.fetch(`${url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    });
  } catch (cause) {
    // The caller's own wish is no fault of the service.
    if (signal?.aborted) throw signal.reason;
    throw ended?.aborted ? timedOut(url, timeoutMs, cause) : noAnswer(url, cause);
  }
}

/** The refusal in an answer, also when something between here and the service gave it. */
export function refusalOf(response: Response, text: string): ClientError {
  const { status } = response;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : null;
  const told = parse(text);
  if (isProblem(told)) return new ClientError({ ...told, status }, { retryAfterMs });
  return unexpected(response, retryAfterMs);
}

type Query = Readonly<Record<string, unknown>>;

export function withQuery(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([key, value]) => [key, textOf(value)]))}`;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

/** An empty id would lead to another route: `/projects//pause` and `/projects/` are not what was meant. */
function nonEmpty(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(
    `${name} must be a text that is not empty, and is ${JSON.stringify(value) ?? 'left out'}.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(told: unknown): told is Problem {
  return typeof told === 'object' && told !== null && 'code' in told && typeof told.code === 'string';
}

function unexpected({ status, url }: Response, retryAfterMs: number | null = null): ClientError {
  const detail = `Something at ${url} answered ${status}, and not as gitferry does.`;
  const action = 'See whether the address is that of the service, and what stands between.';
  return new ClientError({ status, code: 'unexpected-answer', detail, action }, { retryAfterMs });
}

function noAnswer(url: string, cause: unknown): ClientError {
  const detail = `The service at ${url} does not answer.`;
  const action = 'See whether it runs and whether the address is right.';
  return new ClientError({ status: 0, code: 'no-answer', detail, action }, { cause });
}

function timedOut(url: string, timeoutMs: number, cause: unknown): ClientError {
  const detail = `The service at ${url} did not answer within ${timeoutMs} ms.`;
  const action = 'Try again, or give it more time by timeoutMs.';
  return new ClientError({ status: 0, code: 'timed-out', detail, action }, { cause });
}
