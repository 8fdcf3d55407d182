// What a row of the table of failures says: how it is retried, and what a person can do.

/**
 * - `never`: needs a person; the job is parked or the project blocked.
 * - `backoff`: retried with growing delays, counted as an attempt.
 * - `gate`: the host or credential is paused; costs no attempt.
 * - `soon`: lost a race on this machine; retried shortly.
 */
export type RetryRule = 'never' | 'backoff' | 'gate' | 'soon';
export type FailureRow = { readonly retry: RetryRule; readonly action: string };

export const never = (action: string): FailureRow => ({ retry: 'never', action });
export const backoff = (action: string): FailureRow => ({ retry: 'backoff', action });
export const gate = (action: string): FailureRow => ({ retry: 'gate', action });
export const soon = (action: string): FailureRow => ({ retry: 'soon', action });
