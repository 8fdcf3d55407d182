// The one error of the client: what the API refused, or that no answer came.

import type { Problem } from '../http/schemas/common.ts';

type Told = Omit<Partial<Problem>, 'code' | 'status'> & { status: number; code: string };

/**
 * Thrown by every method. `status` is that of HTTP, 0 when no answer came. `code` is the API's own and stays the same;
 * the client adds `no-answer`, `timed-out` and `unexpected-answer`. `errors` names each value that cannot be used.
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** What a person can do. */
  readonly action: string;
  readonly errors: readonly { path: string; message: string }[];
  /** How long the service asks to wait before the next try, milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(told: Told, options: { retryAfterMs?: number | null; cause?: unknown } = {}) {
    const detail = told.detail ?? told.title ?? `The service answered ${told.status}.`;
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = told.status;
    this.code = told.code;
    this.detail = detail;
    this.action = told.action ?? '';
    this.errors = told.errors ?? [];
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Whether trying again can help: no answer came, or the service says that it cannot answer now. */
export function isPassing(error: ClientError): boolean {
  return error.status < 400 || error.status >= 500 || [408, 409, 425, 429].includes(error.status);
}

/** A connection that broke, or that never came. */
export function lost(detail: string, cause?: unknown): ClientError {
  return new ClientError(
    { status: 0, code: 'no-answer', detail, action: 'See whether the service runs.' },
    { cause },
  );
}
