// A name for each request: in the answer's X-Request-Id, in problem answers' log lines and in the audit.

import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-app.ts';

/** A caller's own name is kept when it can be trusted in a log line. */
const FORM = /^[A-Za-z0-9._-]{1,64}$/;

export function createRequestIds({ newId }: { newId(): string }): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const sent = c.req.header('x-request-id');
    c.set('requestId', sent !== undefined && FORM.test(sent) ? sent : newId());
    await next();
    if (!c.get('upgraded')) c.res.headers.set('X-Request-Id', c.get('requestId'));
  };
}
