// How often listeners are written to while events keep coming: the first event goes out at once, those that follow within
// a beat go out together. What a write to a socket costs is the system's, and hardly depends on how much it carries: at
// 1,000 listeners and 200 events a second, writes without a beat took half of the service's time.

import type { Clock } from '../host/clock.ts';

const BEAT_MS = 50;

/** Resolves at the next beat, at the same moment for all who wait. */
export function createBeat(clock: Clock): () => Promise<void> {
  let next: Promise<void> | null = null;
  return () => {
    next ??= new Promise((resolve) => {
      clock.timer(BEAT_MS, () => {
        next = null;
        resolve();
      });
    });
    return next;
  };
}
