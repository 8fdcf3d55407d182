// A name for each request: in the answer's X-Request-Id, in the log and in the audit.

import type { MiddlewareHandler } from 'hono';
import type { Clock } from '../host/clock.ts';
import { type Log, redact } from '../host/log.ts';
import type { ApiEnv } from './api-app.ts';

/** A caller's own name is kept when it can be trusted in a log line. */
const FORM = /^[A-Za-z0-9._-]{1,64}$/;

type RequestIdDeps = { newId(): string; log: Log; clock: Pick<Clock, 'monotonic'> };

export function createRequestIds({ newId, log, clock }: RequestIdDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const sent = c.req.header('x-request-id');
    const requestId = sent !== undefined && FORM.test(sent) ? redact(sent) : newId();
    const began = clock.monotonic();
    c.set('requestId', requestId);
    await next();
    // Without the query, which may hold a ticket.
    const { method, path } = c.req;
    const durationMs = Math.round(clock.monotonic() - began);
    const caller = c.get('caller')?.name;
    log.debug({ requestId, method, path, status: c.res.status, durationMs, caller }, 'request answered');
    if (!c.get('upgraded')) c.res.headers.set('X-Request-Id', c.get('requestId'));
  };
}
