// A signal that aborts when the person ends a command with Ctrl-C.

import type { Host } from '../host/types.ts';

export function untilStopped(host: Host): AbortSignal {
  const stopped = new AbortController();
  host.onStopSignal(() => stopped.abort());
  return stopped.signal;
}
