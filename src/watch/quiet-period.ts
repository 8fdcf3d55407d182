// How often a burst of changes is written to the queue. The queue row itself keeps when the sync is due and the
// longest wait since the first change; here it is only decided that a burst costs a handful of writes.

import type { Clock } from '../host/clock.ts';
import type { ProjectId } from '../model/ids.ts';
import type { ProjectTimings } from '../model/project-config.ts';

export type QuietPeriodDeps = {
  clock: Pick<Clock, 'monotonic' | 'timer'>;
  timings(projectId: ProjectId): Pick<ProjectTimings, 'quietMs'>;
  /** Makes the project's sync due `delayMs` from now, or later than it was so far. */
  enqueue(projectId: ProjectId, delayMs: number): void;
};

export type QuietPeriod = {
  /**
   * Something changed `ageMs` ago (default: now). Enqueues at once when the project was quiet, else as seldom as the
   * quiet period allows.
   */
  changed(projectId: ProjectId, ageMs?: number): void;
  forget(projectId: ProjectId): void;
  close(): void;
};

type Burst = { changedAt: number; writtenAt: number; cancelTrailing: (() => void) | null };

// With a quiet period of next to nothing, a burst must not become a write for every change.
const LEAST_SPACING_MS = 50;
// With a long one, a change must not go unseen on the status page until a quarter of it is over.
const MOST_SPACING_MS = 1_000;

export function createQuietPeriod({ clock, timings, enqueue }: QuietPeriodDeps): QuietPeriod {
  const bursts = new Map<ProjectId, Burst>();

  function write(projectId: ProjectId, burst: Burst, now: number): void {
    const { quietMs } = timings(projectId);
    burst.cancelTrailing?.();
    burst.cancelTrailing = null;
    burst.writtenAt = now;
    enqueue(projectId, Math.max(0, quietMs - (now - burst.changedAt)));
  }

  function forget(projectId: ProjectId): void {
    bursts.get(projectId)?.cancelTrailing?.();
    bursts.delete(projectId);
  }

  return {
    changed(projectId, ageMs = 0) {
      const now = clock.monotonic();
      // The quiet period counts from the change itself: one save raises several events, and only the first is told
      // at once.
      const changedAt = now - ageMs;
      const burst = bursts.get(projectId);
      if (!burst) {
        const first: Burst = { changedAt, writtenAt: now, cancelTrailing: null };
        bursts.set(projectId, first);
        write(projectId, first, now);
        return;
      }
      burst.changedAt = Math.max(burst.changedAt, changedAt);
      const quarterMs = timings(projectId).quietMs / 4;
      const spacingMs = Math.min(Math.max(quarterMs, LEAST_SPACING_MS), MOST_SPACING_MS);
      const waitMs = burst.writtenAt + spacingMs - now;
      if (waitMs <= 0) write(projectId, burst, now);
      // The trailing write counts from the last change, so the sync is due exactly one quiet period after it.
      else burst.cancelTrailing ??= clock.timer(waitMs, () => write(projectId, burst, clock.monotonic()));
    },
    forget,
    close() {
      for (const projectId of [...bursts.keys()]) forget(projectId);
    },
  };
}
