// Who may call: the Host name (DNS rebinding), the Origin (foreign pages), the token and the role of its holder.
// Knows nothing of what the routes do; every path needs a token unless it is listed here.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { ADMIN_CALLER, type Caller, includesRole, LOCAL_CALLER } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import type { ApiEnv } from './api-app.ts';
import { hostOf, isLoopbackName, nameOf } from './peer.ts';
import type { People } from './people.ts';
import { roleFor } from './roles.ts';
import type { Tickets } from './tickets.ts';

export type AccessOptions = {
  /** The token of the admin; null: none is needed. */
  apiToken: string | null;
  /** The token of this run, which only a file of the service's own user holds; null: there is none. */
  runToken?: string | null;
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

/** Lets through only what may go on, with the caller. @throws Failure `forbidden-host`, `unauthorized`,
 * `forbidden-origin`, `forbidden-role`, `database-unreachable` */
export function createAccessCheck(deps: {
  access: () => AccessOptions;
  tickets: Tickets;
  people: Pick<People, 'find'>;
}): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { method, path } = c.req;
    if (isWebhook(method, path)) return next();
    const options = deps.access();
    checkHost(c, options);
    if (isOpenPath(method, path)) return next();
    const caller = await findCaller(c, { ...deps, options });
    if (caller === null) throw new Failure('unauthorized', 'This needs a valid token.');
    checkOrigin(c, options);
    c.set('caller', caller);
    const needed = roleFor(method, path);
    if (!includesRole(caller.role, needed)) {
      const detail = `"${caller.name}" is ${caller.role}; this needs the role ${needed}.`;
      throw new Failure('forbidden-role', detail);
    }
    await next();
  };
}

/** What needs no token. */
export function isOpenPath(method: string, path: string): boolean {
  return (READING.has(method) && OPEN_PATHS.test(path)) || isWebhook(method, path);
}

/** Hosts call by a public name and have no token: their signature is checked where the body is read. */
function isWebhook(method: string, path: string): boolean {
  return method === 'POST' && path === WEBHOOK_PATH;
}

type CallerDeps = { options: AccessOptions; tickets: Tickets; people: Pick<People, 'find'> };

/** Null: nobody who may call. */
async function findCaller(c: Context, { options, tickets, people }: CallerDeps): Promise<Caller | null> {
  const { apiToken, runToken = null } = options;
  const sent = /^bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (sent !== undefined && apiToken !== null && equalInConstantTime(sent, apiToken))
    return { name: ADMIN_CALLER, role: 'admin', tokenId: null };
  if (sent !== undefined && runToken !== null && equalInConstantTime(sent, runToken))
    return { name: LOCAL_CALLER, role: 'admin', tokenId: null };
  const holder = sent === undefined ? null : await people.find(sent);
  // A token that was revoked must not fall back to the rights of callers without one.
  if (holder !== null) return holder === 'refused' ? null : holder;
  return (
    redeemTicket(c, tickets) ??
    (apiToken === null ? { name: LOCAL_CALLER, role: 'admin', tokenId: null } : null)
  );
}

/** Origins of the configuration, as browsers write them. */
export function isConfiguredOrigin(origin: string, corsOrigin: string | string[]): boolean {
  return [corsOrigin].flat().some((allowed) => new URL(allowed).origin === origin);
}

function redeemTicket(c: Context, tickets: Tickets): Caller | null {
  if (c.req.method !== 'GET' || c.req.path !== FEED_PATH) return null;
  const ticket = c.req.query('ticket');
  return ticket === undefined ? null : tickets.redeem(ticket);
}

function equalInConstantTime(a: string, b: string): boolean {
  // Digests have one length, so that not even the token's length can be measured.
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function checkHost(c: Context, options: AccessOptions): void {
  // Elsewhere the token protects, and the service cannot know every name that leads to it.
  if (!isLoopbackName(options.boundHost.toLowerCase())) return;
  const host = hostOf(c);
  if (HOST_FORM.test(host)) {
    const name = nameOf(host);
    const allowed = options.allowedHosts.map((entry) => entry.toLowerCase());
    if (isLoopbackName(name) || allowed.includes(host) || allowed.includes(name)) return;
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
  return (
    isLoopbackName(options.boundHost.toLowerCase()) &&
    isLoopbackName(from.hostname) &&
    port === options.port()
  );
}
