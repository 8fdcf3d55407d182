// Ends a request on which nothing moves, or that its caller no longer wants. Knows nothing of HTTP.

import type { Clock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';

type IdleWatch = {
  /** For the request: aborted when idle for too long, or with the caller's signal. */
  readonly signal: AbortSignal;
  /** A byte moved. */
  touch(): void;
  stop(): void;
  /** Why the request was ended; null when not by this watch. */
  failure(): Failure | null;
};

/** Starts at once; `timeoutMs` is the longest time without a touch. */
export function startIdleWatch(input: {
  clock: Clock;
  timeoutMs: number;
  signal: AbortSignal;
  host: string;
}): IdleWatch {
  const { clock, timeoutMs, signal, host } = input;
  const controller = new AbortController();
  let failure: Failure | null = null;
  let lastMs = clock.monotonic();
  let cancelTimer = () => {};

  const end = (reason: Failure) => {
    failure ??= reason;
    controller.abort(reason);
  };
  // One timer that looks back is cheaper than a new one for every chunk.
  const arm = (delayMs: number) => {
    cancelTimer = clock.timer(delayMs, () => {
      const idleMs = clock.monotonic() - lastMs;
      if (idleMs < timeoutMs) return arm(timeoutMs - idleMs);
      end(new Failure('remote-timeout', `${host} sent nothing for ${timeoutMs} ms.`, { data: { host } }));
    });
  };
  const onAbort = () => end(abortFailure(signal, host));

  arm(timeoutMs);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });

  return {
    signal: controller.signal,
    touch() {
      lastMs = clock.monotonic();
    },
    stop() {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    },
    failure: () => failure,
  };
}

/** The caller's own failure (`job-timeout`, ...) when it gave one, else `aborted`. */
export function abortFailure(signal: AbortSignal, host: string): Failure {
  const { reason } = signal;
  if (reason instanceof Failure) return reason;
  return new Failure('aborted', `The request to ${host} was given up.`, { data: { host }, cause: reason });
}
