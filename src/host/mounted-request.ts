// A request to a program that has this service under a path of its own: the same one with that path taken off, and
// the way back to the one that came. Deno upgrades only the very request that it was given.

const came = new WeakMap<Request, Request>();

/** The request as it is without `path` before its own; one that is elsewhere stays as it is. */
export function takeOffPath(request: Request, path: string): Request {
  const prefix = path.replace(/\/+$/, '');
  const url = new URL(request.url);
  if (prefix === '' || (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`))) return request;
  url.pathname = url.pathname.slice(prefix.length) || '/';
  const mounted = new Request(url, request);
  came.set(mounted, request);
  return mounted;
}

/** The request as the server got it. */
export const asItCame = (request: Request): Request => came.get(request) ?? request;
