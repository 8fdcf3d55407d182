// Ends a request to an API that takes too long, or that its caller no longer wants.

import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';

type TimeLimit = { signal: AbortSignal; stop(): void };

/** `timeoutMs` counts from now, the answer's body included; default 15000. */
export function startTimeLimit(input: {
  clock: Pick<Clock, 'timer'>;
  timeoutMs?: number;
  apiHost: string;
  outer?: AbortSignal;
}): TimeLimit {
  const { clock, timeoutMs = 15_000, apiHost, outer } = input;
  const controller = new AbortController();
  const stop = clock.timer(timeoutMs, () =>
    controller.abort(
      new Failure('remote-timeout', `${apiHost} did not answer within ${timeoutMs} ms.`, {
        data: { host: apiHost },
      }),
    ),
  );
  const aborted = () => controller.abort(new Failure('aborted', 'The question was called off.'));
  if (outer?.aborted) aborted();
  outer?.addEventListener('abort', aborted, { once: true });
  return {
    signal: controller.signal,
    stop() {
      stop();
      outer?.removeEventListener('abort', aborted);
    },
  };
}
