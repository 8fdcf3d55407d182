// Work that must get done although the database is away for a while: tried again until it is, or the service stops.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 15_000;

/** Retries what fails with a retryable `Failure`; rejects with anything else, and with the signal's reason. */
export async function persist<T>(
  work: () => Promise<T>,
  ports: { clock: Clock; random: Random; log: Log; signal: AbortSignal },
): Promise<T> {
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Failure) || !error.retryable) throw error;
      ports.log.warn({ code: error.code, delayMs }, 'the database did not take a change; it is tried again');
    }
    await ports.clock.sleep(delayMs * (0.5 + ports.random() / 2), ports.signal);
  }
}
