// The one error class for faults that the product knows. Anything else that is thrown is a bug.
// Texts come from the failure table, so that a code means the same words everywhere.

import { FAILURES, type FailureCode } from './failure-codes.ts';

/** What a person is told: a stable code, what happened with the value, and what they can do. */
export type Reason = { readonly code: FailureCode; readonly detail: string; readonly action: string };

/** Extra facts by which callers decide; never shown raw, never holding a secret. */
export type FailureData = {
  /** The remote asked for this pause (Retry-After or rate-limit reset), in milliseconds. */
  readonly retryAfterMs?: number;
  /** Which gate the pause concerns, for example `host:github.com`. */
  readonly gate?: string;
  /** Quota left and in all, as the remote said. */
  readonly remaining?: number;
  readonly limit?: number;
  readonly [key: string]: unknown;
};

export type FailureOptions = { data?: FailureData; cause?: unknown; action?: string };

/**
 * An expected fault. `retryable` and `action` come from the failure table unless given.
 * The message says what failed, with the value; it must never hold a token.
 */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly retryable: boolean;
  readonly action: string;
  readonly data: FailureData;

  constructor(code: FailureCode, detail: string, options: FailureOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.retryable = FAILURES[code].retry !== 'never';
    this.action = options.action ?? FAILURES[code].action;
    this.data = options.data ?? {};
  }

  /** The part of this failure that a person sees. */
  get reason(): Reason {
    return { code: this.code, detail: this.message, action: this.action };
  }
}

/** Builds a reason with the table's action text, for states that are answers and not faults. */
export function reasonOf(code: FailureCode, detail: string, action?: string): Reason {
  return { code, detail, action: action ?? FAILURES[code].action };
}
