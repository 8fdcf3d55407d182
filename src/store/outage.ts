// Whether the database server answers, and since when not. While it is away calls fail at once, and one at a time is
// let through to find out whether it is back. Knows neither the driver nor the statements.

import type { Clock } from '../host/clock.ts';
import type { Failure } from '../model/failure.ts';
import type { Outage } from './database.ts';

/** While the server is away it is asked again this often, when there is something to ask. */
const ASK_EVERY_MS = 500;
/** One quick failure may be a connection that was closed while it was idle; a slow one, or a second, is none. */
const QUICK_MS = 1_000;
const MOST_QUICK_FAILURES = 1;

export type OutageWatch = {
  outage(): Outage | null;
  /** @throws Failure the last one, while the server is away and was asked a moment ago or is being asked */
  admit(): void;
  /** Makes one call and learns from how it ended. Calls must not overlap. */
  watched<T>(call: () => Promise<T>): Promise<T>;
};

/** `asOutage` answers the failure when an error means that the server cannot be used, else null. */
export function watchOutage(clock: Clock, asOutage: (error: unknown) => Failure | null): OutageWatch {
  let failing: { since: number; count: number; last: Failure; askedAt: number } | null = null;
  let isAway = false;
  let isAsking = false;

  function note(failure: Failure | null, beganAt: number): void {
    if (failure === null) {
      failing = null;
      isAway = false;
      return;
    }
    const since = failing?.since ?? clock.now();
    const askedAt = clock.monotonic();
    failing = { since, count: (failing?.count ?? 0) + 1, last: failure, askedAt };
    isAway ||= failing.count > MOST_QUICK_FAILURES || askedAt - beganAt > QUICK_MS;
  }

  function admit(): void {
    if (!isAway || failing === null) return;
    if (isAsking || clock.monotonic() - failing.askedAt < ASK_EVERY_MS) throw failing.last;
  }

  return {
    outage: () => (isAway && failing ? { since: failing.since, reason: failing.last.reason } : null),
    admit,
    async watched(call) {
      admit();
      const beganAt = clock.monotonic();
      isAsking = true;
      try {
        const answer = await call();
        note(null, beganAt);
        return answer;
      } catch (error) {
        note(asOutage(error), beganAt);
        throw error;
      } finally {
        isAsking = false;
      }
    },
  };
}
