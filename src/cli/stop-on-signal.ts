// Ends the program politely at SIGINT or SIGTERM, from its first moment on: also while it still starts. A second signal
// ends it at once, and so does a stop that takes too long.

import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';

export type StopOnSignal = {
  isAsked(): boolean;
  /** What there is to end, once there is something; begun at once when a stop was asked for before. */
  ends(end: () => Promise<void>): void;
};

/** `mostMs` is how long all of a stop may take, milliseconds. */
export function stopOnSignal(host: Host, log: Log, mostMs: number): StopOnSignal {
  let isAsked = false;
  let ending: (() => Promise<void>) | null = null;

  function begin(end: () => Promise<void>): void {
    end().then(
      () => host.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the stop failed');
        host.exit(1);
      },
    );
  }

  host.onStopSignal((signal) => {
    if (isAsked) {
      log.warn({ signal }, 'stopping at once');
      host.exit(1);
    }
    isAsked = true;
    log.info({ signal }, 'stopping: running syncs may finish');
    host.clock.timer(mostMs, () => {
      log.error({ mostMs }, 'the stop took too long: ending at once');
      host.exit(1);
    });
    if (ending !== null) begin(ending);
  });

  return {
    isAsked: () => isAsked,
    ends(end) {
      ending = end;
      if (isAsked) begin(end);
    },
  };
}
