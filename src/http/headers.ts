// Headers on every answer: what browsers may do with it, and CORS for the configured origins.

import type { Context, MiddlewareHandler } from 'hono';
import { type AccessOptions, isConfiguredOrigin } from './access.ts';
import type { ApiEnv } from './api-app.ts';

const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Last-Event-ID, X-Request-Id',
  'Access-Control-Max-Age': '600',
} as const;

/** Wraps everything else, so that refusals carry the headers too. */
export function createHeaders({ access }: { access: () => AccessOptions }): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const preflight =
      c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined;
    // Answered here: browsers send no token with it.
    if (preflight) c.res = new Response(null, { status: 204 });
    else await next();
    // The upgrade's answer is not ours: on Deno its headers cannot be changed.
    if (c.get('upgraded')) return;
    setAll(c, SECURITY);
    if (c.res.headers.get('cache-control') === null) c.res.headers.set('Cache-Control', 'no-store');
    c.res.headers.append('Vary', 'Origin');
    const origin = c.req.header('origin');
    if (origin === undefined || !isConfiguredOrigin(origin, access().corsOrigin)) return;
    c.res.headers.set('Access-Control-Allow-Origin', origin);
    c.res.headers.set('Access-Control-Expose-Headers', 'Retry-After, X-Request-Id');
    if (preflight) setAll(c, PREFLIGHT);
  };
}

function setAll(c: Context, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
}
