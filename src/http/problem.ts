// What a failed request is answered with: RFC 9457 problem+json, built from Failure codes by one table.
// Unknown errors are logged and answered without a word of their content.

import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { type Log, redact } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import { FAILURES, type FailureCode } from '../model/failure-codes.ts';
import type { Problem } from './schemas/common.ts';

/** One value of a request that cannot be used; `path` as in the body or the query, for example `github.mode`. */
type RequestFault = { path: string; message: string };

const STATUSES: Partial<Record<FailureCode, number>> = {
  'invalid-request': 400,
  'invalid-config': 400,
  'malformed-json': 400,
  unauthorized: 401,
  'webhook-signature-invalid': 401,
  'forbidden-host': 403,
  'forbidden-origin': 403,
  'forbidden-role': 403,
  'forbidden-from-network': 403,
  'path-outside-roots': 403,
  'not-found': 404,
  'project-not-found': 404,
  'snapshot-not-found': 404,
  'token-not-found': 404,
  'file-not-held': 404,
  'method-not-allowed': 405,
  'body-too-slow': 408,
  'project-disabled': 409,
  'project-exists': 409,
  'token-exists': 409,
  'project-elsewhere': 409,
  'no-conflict': 409,
  'notice-targets-missing': 409,
  'file-not-releasable': 409,
  'no-deletions': 409,
  'deletions-changed': 409,
  'service-stopped': 409,
  'backup-exists': 409,
  'backup-elsewhere': 409,
  'snapshot-branch-checked-out': 409,
  'snapshot-branch-foreign': 409,
  'ref-conflict': 409,
  'body-too-large': 413,
  'not-a-repository': 422,
  'bare-repository': 422,
  'folder-missing': 422,
  'folder-unreadable': 422,
  'project-file-invalid': 422,
  'database-in-project': 422,
  'unsupported-object-format': 422,
  'unsupported-ref-storage': 422,
  'unsupported-extension': 422,
  'needs-system-git': 422,
  'identity-missing': 422,
  'index-corrupt': 422,
  'remote-exists': 409,
  'repository-exists': 409,
  'no-side-branch': 409,
  'no-github-api': 409,
  'webhook-refused': 409,
  'public-url-missing': 409,
  'pull-request-refused': 502,
  'repository-refused': 502,
  'database-busy': 503,
  'repository-busy': 503,
  'file-changing': 503,
  'ref-moved': 503,
  'database-unreachable': 503,
  'too-many-listeners': 503,
};

/** What a host said or did, met by a request that speaks to it. A project meets them too, then as its state. */
const HOST_STATUSES: Partial<Record<FailureCode, number>> = {
  'remote-missing': 409,
  'repository-not-found': 502,
  'credential-missing': 502,
  'credential-rejected': 502,
  'credential-unreadable': 502,
  'push-forbidden': 502,
  'sso-required': 502,
  'account-suspended': 502,
  'insecure-remote': 502,
  'redirect-refused': 502,
  'remote-error': 502,
  'remote-invalid-answer': 502,
  'remote-timeout': 502,
  offline: 502,
  'rate-limited': 503,
  'job-timeout': 503,
};

/** The HTTP status of a failure; 500 for what no caller can mend. */
export function statusOf(code: FailureCode): number {
  return STATUSES[code] ?? 500;
}

function answerStatus(code: FailureCode): number {
  return HOST_STATUSES[code] ?? statusOf(code);
}

/** @throws never; answers Failure `invalid-request` that carries the faults for the answer's `errors` */
export function invalidRequest(errors: readonly RequestFault[]): Failure {
  const named = errors.map((fault) =>
    fault.path === '' ? fault.message : `${fault.path}: ${fault.message}`,
  );
  return new Failure('invalid-request', `The request cannot be used: ${named.join('; ')}.`, {
    data: { errors },
  });
}

/** Puts zod's findings into words; an unknown key is named by its own path. */
export function faultsOf(
  issues: readonly { code?: string; path: readonly PropertyKey[]; message: string; keys?: string[] }[],
): RequestFault[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
    return (issue.keys ?? []).map((key) => ({
      path: [...path, key].join('.'),
      message: `"${key}" is not a known key`,
    }));
  });
}

/** The body of a failed answer. `errors` is there for requests that did not validate. */
export function problemOf(failure: Failure): Problem {
  const code = failure.code === 'invalid-config' ? 'invalid-request' : failure.code;
  const words = code.replaceAll('-', ' ');
  const errors = failure.data.errors ?? failure.data.issues;
  return {
    success: false,
    type: `urn:gitferry:problem:${code}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status: answerStatus(code),
    detail: redact(failure.message),
    code,
    action: failure.code === code ? failure.action : FAILURES[code].action,
    ...(Array.isArray(errors) ? { errors: errors as RequestFault[] } : {}),
  };
}

/** Answers a failure, with the headers that belong to its status. */
function answerProblem(failure: Failure): Response {
  const body = problemOf(failure);
  const headers = new Headers({ 'Content-Type': 'application/problem+json' });
  if (body.status === 401) headers.set('WWW-Authenticate', 'Bearer realm="gitferry"');
  if (body.status === 405) headers.set('Allow', String(failure.data.allow));
  // The rest of the body may still come: nothing else can be read from this connection.
  if (body.status === 408) headers.set('Connection', 'close');
  if (body.status === 503) {
    headers.set('Retry-After', String(Math.max(1, Math.ceil((failure.data.retryAfterMs ?? 1000) / 1000))));
  }
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

/** The app's error handler: failures by the table, everything else as `internal-error`, logged under an id. */
export function createErrorHandler({ log, newId }: { log: Log; newId(): string }): ErrorHandler {
  return (error: unknown, c: Context) => {
    if (error instanceof Failure) {
      if (answerStatus(error.code) === 500)
        log.error(
          { err: error, code: error.code, requestId: c.get('requestId'), path: c.req.path },
          'request failed',
        );
      return answerProblem(error);
    }
    if (error instanceof HTTPException && error.status < 500) {
      return answerProblem(invalidRequest([{ path: '', message: error.message }]));
    }
    const errorId = c.get('requestId') ?? newId();
    log.error(
      { err: error, errorId, method: c.req.method, path: c.req.path },
      'unexpected error in a request',
    );
    return answerProblem(
      new Failure('internal-error', `Something unexpected happened; the log has it under ${errorId}.`),
    );
  };
}
