// Tells an unknown path (404) from a known path with a wrong method (405), before anything reads the body.

import type { MiddlewareHandler } from 'hono';
import { Failure } from '../model/failure.ts';

type RegisteredRoute = { method: string; path: string };

/** `routes` is asked at the first request, when all are there. @throws Failure `not-found`, `method-not-allowed` */
export function createRouteCheck(routes: () => readonly RegisteredRoute[]): MiddlewareHandler {
  let known: { method: string; pattern: RegExp }[] | undefined;
  return async (c, next) => {
    known ??= routes()
      .filter((route) => route.method !== 'ALL')
      .map((route) => ({ method: route.method, pattern: patternOf(route.path) }));
    const { path, method } = c.req;
    const methods = new Set(known.filter((route) => route.pattern.test(path)).map((route) => route.method));
    if (methods.has('GET')) methods.add('HEAD');
    if (methods.size === 0) {
      throw new Failure('not-found', `There is nothing at ${path.slice(0, 200)}.`);
    }
    if (!methods.has(method)) {
      const allow = [...methods].sort().join(', ');
      throw new Failure('method-not-allowed', `${method} is not possible at ${path}.`, { data: { allow } });
    }
    await next();
  };
}

function patternOf(path: string): RegExp {
  const literal = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/:[A-Za-z]+/g, '[^/]+')}$`);
}
