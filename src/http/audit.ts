// Records who changed what, when and from where, and answers the record. Names of values are kept, never values.

import { createRoute } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { type Log, redact } from '../host/log.ts';
import type { Caller } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import type { FailureCode } from '../model/failure-codes.ts';
import { type AuditEntry, addAuditEntry, listAudit, type NewAuditEntry } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import type { ApiApp, ApiEnv } from './api-app.ts';
import { peerOf } from './peer.ts';
import { AuditAnswerSchema, AuditQuerySchema, type WireAuditEntry } from './schemas/audit.ts';
import { json, problems } from './schemas/common.ts';
import { isoOf } from './wire.ts';

const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const READING_POSTS = new Set(['/api/sync/tickets']);
const LONGEST = 500;

type AuditDeps = { db: Database; log: Log; service: { machineId: string } };

/** Wraps the access check: refusals for the role are recorded too, refusals of strangers are not. */
export function createAuditor({ db, log, service }: AuditDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next();
    const caller = c.get('caller');
    if (caller === undefined || !isRecorded(c)) return;
    const entry = entryOf(c, caller, service.machineId);
    try {
      await addAuditEntry(db, entry);
    } catch (error) {
      // It was done: the answer must not say otherwise. The log keeps what the database could not take.
      log.error({ err: error, audit: entry }, 'a change could not be recorded in the audit');
    }
  };
}

/** What was changed, what may have been, and what a person wanted without having the right. */
function isRecorded(c: Context<ApiEnv>): boolean {
  const { method, path } = c.req;
  if (!CHANGING.has(method) || READING_POSTS.has(path) || c.get('isAuditedElsewhere')) return false;
  const { status } = c.res;
  return status < 400 || status >= 500 || codeOf(c.error) === 'forbidden-role';
}

function entryOf(c: Context<ApiEnv>, caller: Caller, machineId: string): NewAuditEntry {
  const { address, forwardedFor } = peerOf(c);
  return {
    machineId,
    actor: caller.name,
    role: caller.role,
    tokenId: caller.tokenId,
    address,
    forwardedFor: forwardedFor && redact(forwardedFor),
    requestId: c.get('requestId'),
    method: c.req.method,
    route: routePath(c, -1).replace(/:([A-Za-z]+)/g, '{$1}') || c.req.path.slice(0, LONGEST),
    projectId: c.req.param('projectId')?.slice(0, LONGEST) ?? null,
    subject: c.get('subject')?.slice(0, LONGEST) ?? null,
    keys: c.get('bodyKeys') ?? [],
    status: c.res.status,
    code: codeOf(c.error),
  };
}

function codeOf(error: unknown): FailureCode | null {
  if (error === undefined) return null;
  return error instanceof Failure ? error.code : 'internal-error';
}

const listRoute = createRoute({
  method: 'get',
  path: '/api/sync/audit',
  summary: 'Who changed what, when and from where, newest first',
  request: { query: AuditQuerySchema },
  responses: { 200: json(AuditAnswerSchema, 'One page.'), ...problems(400) },
});

export function addAuditRoutes(app: ApiApp, { db }: { db: Database }): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor = null, ...filter } = c.req.valid('query');
    const { entries, nextCursor } = await listAudit(db, { limit, cursor, ...given(filter) });
    return c.json({ success: true as const, entries: entries.map(wireEntry), nextCursor }, 200);
  });
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}

function wireEntry(entry: AuditEntry): WireAuditEntry {
  const { auditId, at, machineId, actor, role, tokenId, address, forwardedFor, ...rest } = entry;
  return {
    auditId,
    at: isoOf(at),
    machineId,
    actor: { name: actor, role, tokenId },
    from: { address, forwardedFor },
    ...rest,
    code: rest.code as FailureCode | null,
  };
}
