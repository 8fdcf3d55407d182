// Where a request comes from: the peer of its connection, and whether that is this machine.

import type { Context } from 'hono';

export type Peer = {
  /** Null: the service is embedded in a server that does not say. */
  address: string | null;
  /** What a proxy said, or whoever claims to be one. */
  forwardedFor: string | null;
};

/** By which a proxy shows. */
export const PROXY_HEADERS = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-real-ip',
  'via',
] as const;
const LONGEST = 200;

export function peerOf(c: Context): Peer {
  const { remoteAddress = null } = (c.env ?? {}) as { remoteAddress?: string };
  const said = c.req.header('x-forwarded-for') ?? c.req.header('forwarded') ?? null;
  return { address: remoteAddress, forwardedFor: said?.slice(0, LONGEST) ?? null };
}

/**
 * Whether the caller is on this machine. A proxy on it speaks for others: it shows by its headers, or by a name that
 * is not this machine's. Embedded, the bound address decides.
 */
export function isFromThisMachine(c: Context, boundHost: string): boolean {
  if (PROXY_HEADERS.some((name) => c.req.header(name) !== undefined)) return false;
  const { address } = peerOf(c);
  if (address === null) return isLoopbackName(boundHost.toLowerCase());
  return isLoopbackAddress(address) && isLoopbackName(nameOf(hostOf(c)));
}

/** The Host header, in lower case. */
export function hostOf(c: Context): string {
  return (c.req.header('host') ?? new URL(c.req.url).host).toLowerCase();
}

/** A host without its port. */
export function nameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}

export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

function isLoopbackAddress(address: string): boolean {
  return isLoopbackName(address.replace(/^::ffff:/i, ''));
}
