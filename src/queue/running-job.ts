// One claimed job while it runs: its lease, its time limit, and how it is told to end.
// Knows neither the loop nor the database: the loop renews the lease or reports it lost.

import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import type { ClaimedJob } from '../model/job.ts';

type StopCode = 'lease-lost' | 'job-timeout' | 'aborted';

export type RunningJob = {
  readonly job: ClaimedJob;
  /** False once the lease is lost: nothing may be done in its name, not even a heartbeat. */
  isHeld(): boolean;
  /** `leaseEndsAt` is on the monotonic clock, counted from before the request that renewed the lease. */
  renew(leaseEndsAt: number): void;
  /** Aborts the run's signal with a Failure; later calls change nothing, except that a lease can still be lost. */
  abort(code: StopCode, detail: string): void;
  /** Resolves when the run has ended, however it ended. */
  readonly ended: Promise<void>;
};

export type RunningJobOptions = {
  job: ClaimedJob;
  leaseEndsAt: number;
  leaseMs: number;
  jobTimeoutMs(): number;
  /** An earlier run of the same job that has not ended yet: one project is never worked on twice. */
  after: Promise<unknown>;
  run(job: ClaimedJob, signal: AbortSignal): Promise<void>;
  onError(error: unknown, job: ClaimedJob): void;
  onEnd(): void;
  clock: Clock;
};

export function startJob(options: RunningJobOptions): RunningJob {
  const { job, leaseMs, clock, onError } = options;
  const controller = new AbortController();
  const timers = new Set<() => void>();
  let leaseEndsAt = options.leaseEndsAt;
  let held = true;
  let over = false;

  const after = (delayMs: number, fire: () => void) => void timers.add(clock.timer(delayMs, fire));

  function abort(code: StopCode, detail: string): void {
    if (code === 'lease-lost') held = false;
    // A look that was under way when the job ended still knows it; a timer set now would never be cancelled.
    if (over || controller.signal.aborted) return;
    controller.abort(new Failure(code, detail));
    // A run that does not obey holds a slot and its project: that must not stay unsaid.
    after(leaseMs, () => {
      const text = `The sync of ${job.projectId} still runs ${leaseMs} ms after it was told to end (${code}).`;
      onError(new Failure('internal-error', text), job);
    });
  }

  /** Renewing only moves `leaseEndsAt`; the one timer looks again when it fires too early for it. */
  function guardLease(): void {
    const leftMs = leaseEndsAt - clock.monotonic();
    if (leftMs > 0) after(leftMs, guardLease);
    else abort('lease-lost', `The lease of ${job.projectId} was not renewed within ${leaseMs} ms.`);
  }

  async function live(): Promise<void> {
    try {
      guardLease();
      await options.after;
      if (!held) throw controller.signal.reason;
      const limitMs = options.jobTimeoutMs();
      after(limitMs, () =>
        abort('job-timeout', `The sync of ${job.projectId} took longer than ${limitMs} ms.`),
      );
      await options.run(job, controller.signal);
    } catch (error) {
      onError(error, job);
    } finally {
      over = true;
      for (const cancel of timers) cancel();
      options.onEnd();
    }
  }

  const renew = (endsAt: number) => {
    leaseEndsAt = endsAt;
  };
  return { job, isHeld: () => held, renew, abort, ended: live() };
}
