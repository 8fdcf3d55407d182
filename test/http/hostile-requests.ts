// Requests as nobody should send them, made from the contract: every kind of value in every place, from one seed.

import type { OpenApiDocument, Route } from './contract.ts';

type Schema = Record<string, unknown>;
type HostileRequest = {
  method: string;
  address: string;
  init: RequestInit & { headers: Record<string, string> };
};

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const STRINGS = [
  '',
  ' ',
  '0',
  '-1',
  '1e999',
  'null',
  'undefined',
  'NaN',
  'true',
  '..',
  '../..',
  '../../etc/passwd',
  '/etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e%2f',
  '%00',
  '\0',
  'a\0b',
  '\r\nX-Evil: 1',
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  '"; DROP TABLE projects; --',
  '$' + '{jndi:ldap://x}',
  '{{7*7}}',
  '\u202e',
  '\ud800',
  '💾',
  'é'.repeat(40),
  'x'.repeat(5_000),
  '__proto__',
  'constructor',
  'file:///etc/passwd',
  'http://169.254.169.254/',
  '--upload-pack=touch /tmp/x',
  '-oProxyCommand=x',
  'refs/heads/../../x',
  'HEAD',
  '.git/config',
  'C:\\Windows',
  '\\\\host\\share',
  '2025-13-45',
  '9999999999999999999',
  'blog',
] as const;
const VALUES = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  Number.MIN_SAFE_INTEGER,
  [],
  {},
  [[]],
  [null],
  { a: { b: { c: [] } } },
] as const;

export function createHostileRequests(
  document: OpenApiDocument,
  routes: readonly Route[],
  random: () => number,
) {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const chance = (share: number) => random() < share;

  function resolve(schema: Schema): Schema {
    const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
    return name === undefined ? schema : (document.components.schemas[name] as Schema);
  }

  /** Something like the schema, with faults in it. */
  function value(given: Schema, depth = 0): unknown {
    const schema = resolve(given);
    if (chance(0.15)) return pick<unknown>([...VALUES, ...STRINGS]);
    const options = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as Schema[] | undefined;
    if (options !== undefined && depth < 6) return value(pick(options), depth + 1);
    if (Array.isArray(schema.enum)) return chance(0.8) ? pick(schema.enum as unknown[]) : pick(STRINGS);
    const type = [schema.type].flat()[0];
    if (type === 'object' || schema.properties !== undefined) return object(schema, depth);
    if (type === 'array') {
      const items = (schema.items ?? {}) as Schema;
      return Array.from({ length: Math.floor(random() * 4) }, () => value(items, depth + 1));
    }
    if (type === 'integer' || type === 'number') return pick([0, 1, 5, -1, 1.5, 1e21, 4_102_444_800_000]);
    if (type === 'boolean') return chance(0.5);
    return pick(STRINGS);
  }

  function object(schema: Schema, depth: number): unknown {
    if (depth > 6) return {};
    const made: [string, unknown][] = [];
    for (const [key, inner] of Object.entries((schema.properties ?? {}) as Record<string, Schema>))
      if (chance(0.6)) made.push([key, value(inner, depth + 1)]);
    if (chance(0.1)) made.push([pick(STRINGS), pick<unknown>(VALUES)]);
    return Object.fromEntries(made);
  }

  function bodyOf({ operation }: Route): BodyInit | undefined {
    if (operation.requestBody === undefined && chance(0.8)) return undefined;
    if (chance(0.05)) return new Uint8Array([0xff, 0xfe, 0x00, 0x22]);
    if (chance(0.05)) return '['.repeat(2_000);
    const schema = operation.requestBody?.content['application/json']?.schema ?? {};
    const text = JSON.stringify(value(schema)) ?? '';
    // Cut off, doubled, or with a key that is written by hand.
    if (chance(0.06)) return text.slice(0, Math.floor(random() * text.length));
    if (chance(0.03)) return text + text;
    if (chance(0.03)) return text.replace('{', '{"__proto__":{"admin":true},');
    return text;
  }

  function addressOf({ path, operation }: Route): string {
    const filled = path.replace(/\{\w+\}/g, () =>
      chance(0.5)
        ? 'blog'
        : chance(0.5)
          ? encodeURIComponent(wellFormed(pick(STRINGS)))
          : encodeURI(wellFormed(pick(STRINGS))),
    );
    const query = (operation.parameters ?? [])
      // By default a long poll waits, so how long it may is always said.
      .filter(({ in: place, name }) => place === 'query' && (name === 'timeoutMs' || chance(0.5)))
      .map(({ name, schema }) => [name, queryText(name, schema)]);
    if (chance(0.1)) query.push([wellFormed(pick(STRINGS)), wellFormed(pick(STRINGS))]);
    const text = new URLSearchParams(query as [string, string][]).toString();
    return `${filled || '/'}${text === '' ? '' : `?${text}`}`;
  }

  /** Long polls are never to wait. */
  function queryText(name: string, schema: Schema): string {
    if (name === 'timeoutMs') return pick(['0', '-1', 'x', '60001']);
    const made = value(schema);
    return wellFormed(typeof made === 'string' ? made : (JSON.stringify(made) ?? ''));
  }

  function headersOf(credentials: readonly string[]): Record<string, string> {
    const headers: Record<string, string> = {};
    const credential = pick(credentials);
    if (credential !== '') headers.authorization = credential;
    if (chance(0.2))
      headers['content-type'] = pick([
        'text/plain',
        'multipart/form-data',
        'application/json; charset=utf-16',
        '',
      ]);
    if (chance(0.1)) headers.origin = pick(['http://evil.example', 'null', 'http://localhost:3000', 'x']);
    if (chance(0.1)) headers.host = pick(['evil.example', 'localhost', '[::1]', 'a:b:c', '127.0.0.1:99999']);
    if (chance(0.1)) headers['last-event-id'] = pick(['x', '-1', '1', '99999999999999']);
    if (chance(0.1)) headers['x-request-id'] = pick(['ok-1', 'x'.repeat(100), '<b>', '../..']);
    if (chance(0.1)) headers['x-forwarded-for'] = pick(['127.0.0.1', 'x'.repeat(300), '::1, evil']);
    if (chance(0.05)) headers.upgrade = 'websocket';
    if (chance(0.05)) headers.accept = 'application/json, text/event-streams';
    return headers;
  }

  return (credentials: readonly string[]): HostileRequest => {
    const route = pick(routes);
    const method = chance(0.04)
      ? pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])
      : route.method;
    const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(route);
    const headers = headersOf(credentials);
    return {
      method,
      address: addressOf(route),
      init: { method, headers, ...(body !== undefined && { body }) },
    };
  };
}

/** An address cannot hold half of a pair. */
const wellFormed = (text: string) =>
  text.replace(/[\ud800-\udfff]/g, (half, at: number) => (isPaired(text, at) ? half : '\ufffd'));

function isPaired(text: string, at: number): boolean {
  const pair = text.codePointAt(text.charCodeAt(at) >= 0xdc00 ? at - 1 : at) ?? 0;
  return pair > 0xffff;
}
