// Who may call: the Host name (DNS rebinding), the Origin (foreign pages) and the token.
// Knows nothing of what the routes do; every path needs a token unless it is listed here.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { Failure } from '../model/failure.ts';
import type { Tickets } from './tickets.ts';

export type AccessOptions = {
  /** Null: no token is needed. */
  apiToken: string | null;
  corsOrigin: string | string[];
  /** The address that was bound, as configured. */
  boundHost: string;
  /** The real port; asked for late because 0 means any. */
  port: () => number;
  /** Further names, `host` or `host:port`, by which the service may be called. */
  allowedHosts: string[];
};

export const FEED_PATH = '/api/sync/events';
export const WEBHOOK_PATH = '/api/webhooks/github';

// The page and its files hold no data: the page asks the API for it, with the token that a person gives it.
const OPEN_PATHS = /^\/(?:health|style\.css|assets\/[^/]+)?$/;
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
const HOST_FORM = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** Refuses what must not go on. @throws Failure `forbidden-host`, `unauthorized`, `forbidden-origin` */
export function createAccessCheck(deps: {
  access: () => AccessOptions;
  tickets: Tickets;
}): MiddlewareHandler {
  return async (c, next) => {
    // Hosts call by a public name and have no token: their signature is checked where the body is read.
    if (c.req.method === 'POST' && c.req.path === WEBHOOK_PATH) return next();
    const options = deps.access();
    checkHost(c, options);
    const open = READING.has(c.req.method) && OPEN_PATHS.test(c.req.path);
    if (!open && !isAuthorized(c, options) && !hasTicket(c, deps.tickets)) {
      throw new Failure('unauthorized', 'This needs a valid token.');
    }
    checkOrigin(c, options);
    await next();
  };
}

/** Whether the request carries the token, or none is needed. */
function isAuthorized(c: Context, options: Pick<AccessOptions, 'apiToken'>): boolean {
  if (options.apiToken === null) return true;
  const sent = /^bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
  return sent !== undefined && equalInConstantTime(sent, options.apiToken);
}

/** Origins of the configuration, as browsers write them. */
export function isConfiguredOrigin(origin: string, corsOrigin: string | string[]): boolean {
  return [corsOrigin].flat().some((allowed) => new URL(allowed).origin === origin);
}

function hasTicket(c: Context, tickets: Tickets): boolean {
  if (c.req.method !== 'GET' || c.req.path !== FEED_PATH) return false;
  const ticket = c.req.query('ticket');
  return ticket !== undefined && tickets.redeem(ticket);
}

function equalInConstantTime(a: string, b: string): boolean {
  // Digests have one length, so that not even the token's length can be measured.
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function checkHost(c: Context, options: AccessOptions): void {
  // Elsewhere the token protects, and the service cannot know every name that leads to it.
  if (!isLoopback(options.boundHost.toLowerCase())) return;
  const host = hostOf(c);
  if (HOST_FORM.test(host)) {
    const name = nameOf(host);
    const allowed = options.allowedHosts.map((entry) => entry.toLowerCase());
    if (isLoopback(name) || allowed.includes(host) || allowed.includes(name)) return;
  }
  throw new Failure('forbidden-host', `The service does not answer to the name "${host.slice(0, 200)}".`);
}

function checkOrigin(c: Context, options: AccessOptions): void {
  const origin = c.req.header('origin');
  // The feed counts as changing: a browser lets any page open a WebSocket and read from it.
  const guarded = !READING.has(c.req.method) || c.req.path === FEED_PATH;
  if (origin === undefined || !guarded) return;
  if (isOwnOrigin(origin, hostOf(c), options) || isConfiguredOrigin(origin, options.corsOrigin)) return;
  throw new Failure('forbidden-origin', `Pages of "${origin.slice(0, 200)}" may not do this.`);
}

function isOwnOrigin(origin: string, host: string, options: AccessOptions): boolean {
  if (!URL.canParse(origin)) return false;
  const from = new URL(origin);
  if ((from.protocol !== 'http:' && from.protocol !== 'https:') || from.origin !== origin) return false;
  // Host was checked before; comparing with it also holds behind a proxy or a forwarded port.
  const own = `${from.protocol}//${host}`;
  if (URL.canParse(own) && new URL(own).host === from.host) return true;
  const port = from.port === '' ? (from.protocol === 'http:' ? 80 : 443) : Number(from.port);
  return isLoopback(options.boundHost.toLowerCase()) && isLoopback(from.hostname) && port === options.port();
}

function hostOf(c: Context): string {
  return (c.req.header('host') ?? new URL(c.req.url).host).toLowerCase();
}

function nameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}
