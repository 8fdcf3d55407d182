// Reads a request's body once, within its limits of size and time, and checks that it is JSON before any schema sees it.
// The content type a caller names does not matter; no body at all counts as `{}`.

import type { MiddlewareHandler } from 'hono';
import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import type { ApiEnv } from './api-app.ts';

export const MAX_BODY_BYTES = 1024 * 1024;
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** For all of it: a body that drips would hold its connection, and what was read of it, for ever. */
const MAX_BODY_MS = 30_000;

type BodyDeps = { clock: Pick<Clock, 'timer'> };

/** Its requests fail with `body-too-large`, `body-too-slow`, `malformed-json`, `invalid-request`. */
export function createBodyReader({ clock }: BodyDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (!WITH_BODY.has(c.req.method)) return next();
    const text = decode(await readWithin(c.req.raw, { maxBytes: MAX_BODY_BYTES, clock })).trim() || '{}';
    c.set('bodyKeys', keysOf(parseJson(text)));
    const headers = new Headers(c.req.raw.headers);
    headers.delete('content-length');
    headers.delete('transfer-encoding');
    headers.set('content-type', 'application/json');
    c.req.raw = new Request(c.req.url, { method: c.req.method, headers, body: text });
    await next();
  };
}

/**
 * Counted while reading: a chunked body names no length, and a named length may be wrong.
 * @throws Failure `body-too-large`, `body-too-slow`, `invalid-request`
 */
export async function readWithin(
  request: Request,
  { maxBytes, clock }: { maxBytes: number } & BodyDeps,
): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let cancelTimer = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancelTimer = clock.timer(MAX_BODY_MS, () => reject(tooSlow()));
  });
  try {
    return await readAll(reader, maxBytes, late);
  } finally {
    cancelTimer();
    // Frees the connection's side of it; after a complete body it does nothing, and what a broken one says of it is known.
    reader.cancel().catch(() => undefined);
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  late: Promise<never>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const read = reader.read().catch((cause: unknown) => {
      throw new Failure('invalid-request', 'The body ended before it was complete.', { cause });
    });
    const { done, value } = await Promise.race([read, late]);
    if (done) return Buffer.concat(chunks);
    sizeBytes += value.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(value);
  }
}

function tooLarge(maxBytes: number): Failure {
  return new Failure('body-too-large', `The body is larger than ${maxBytes} bytes.`);
}

function tooSlow(): Failure {
  return new Failure('body-too-slow', `The body was not complete after ${MAX_BODY_MS / 1000} s.`);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Failure('malformed-json', 'The body is not UTF-8.', { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the body, which may hold a secret.
    throw new Failure('malformed-json', 'The body is not valid JSON.', { cause });
  }
}

const MOST_KEYS = 50;
const LONGEST_KEY = 100;
const DEEPEST = 4;

/** Names of the values, `github.mode` for one inside of another; never a value. */
function keysOf(body: unknown, prefix = '', depth = 1): string[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  const entries = Object.entries(body).slice(0, MOST_KEYS);
  const keys = entries.flatMap(([key, value]) => {
    const name = prefix + key.slice(0, LONGEST_KEY);
    const inner = depth < DEEPEST ? keysOf(value, `${name}.`, depth + 1) : [];
    return inner.length > 0 ? inner : [name];
  });
  return keys.slice(0, MOST_KEYS);
}
