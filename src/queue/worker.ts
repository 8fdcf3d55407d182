// The loop that asks for jobs, keeps their leases alive, runs them and ends them in time.
// It knows no database and no git: `fetch` claims, `run` does the work and settles it.
//
//   stopped ──start()──► claiming ──stop()──► draining (heartbeats only, until every job has ended) ──► stopped

import type { Clock } from '../host/clock.ts';
import type { ClaimedJob } from '../model/job.ts';
import type { Lease } from './heartbeat.ts';
import { type RunningJob, startJob } from './running-job.ts';

export type WorkerOptions = {
  /**
   * Heartbeats `held`, claims up to `freeSlots` jobs (0: none), and says which leases are gone and in how many
   * milliseconds something is due next (null: nothing known). A rejection is reported and retried.
   */
  fetch(
    freeSlots: number,
    held: Lease[],
  ): Promise<{ claimed: readonly ClaimedJob[]; lost: readonly Lease[]; nextWakeMs: number | null }>;
  /**
   * Does the job and settles it. `signal` is aborted with a Failure: `lease-lost` (another may run it: do nothing
   * more), `job-timeout`, or `aborted` (stopping). A job claimed at the moment of stopping comes with an aborted
   * signal: it only has to be given back. A rejection is a fault: reported, and the lease runs out.
   */
  run(job: ClaimedJob, signal: AbortSignal): Promise<void>;
  /** Told of every fault. Must not throw. */
  onError(error: unknown, job?: ClaimedJob): void;
  clock: Clock;
  /** Asked at every look, so a change works from the next one on. */
  maxConcurrent(): number;
  /** How long a claim or heartbeat holds; heartbeats go out at a third of it. */
  leaseMs: number;
  /** Longest run of one job; asked when it starts. */
  jobTimeoutMs(): number;
  /** Longest time without a look: other machines write to the queue too. */
  idlePollMs: number;
};

export type Worker = {
  /** Starts claiming; once started, does nothing. Throws while a stop is under way. */
  start(): void;
  /** Claims no more, lets running jobs finish for `graceMs`, aborts the rest, and waits until all have ended. */
  stop(graceMs: number): Promise<void>;
  /** Something was enqueued or changed: look now. Calls during a look make one more. */
  wake(): void;
  /** Jobs that have not ended yet. */
  active(): number;
};

// A job that is due but could not be claimed is held up by something that has no due time (its repository is busy
// elsewhere): look again soon, but never spin.
const HELD_UP_RETRY_MS = 250;
const FIRST_ERROR_DELAY_MS = 100;
const LONGEST_ERROR_DELAY_MS = 5_000;
const MOST_DOUBLINGS = 10;

export function createWorker(options: WorkerOptions): Worker {
  return new QueueWorker(options);
}

class QueueWorker implements Worker {
  readonly #options: WorkerOptions;
  readonly #jobs = new Set<RunningJob>();
  readonly #alarm: Alarm;
  #state: 'stopped' | 'claiming' | 'draining' = 'stopped';
  #looping: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;
  #failures = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#alarm = createAlarm(options.clock);
  }

  start(): void {
    if (this.#state === 'draining') {
      throw new Error('The worker is still stopping: wait for stop() before start().');
    }
    if (this.#state === 'claiming') return;
    this.#state = 'claiming';
    this.#looping = this.#loop();
  }

  stop(graceMs: number): Promise<void> {
    if (this.#state === 'claiming') this.#stopping = this.#drain(graceMs);
    return this.#stopping ?? Promise.resolve();
  }

  wake(): void {
    this.#alarm.ring('wake');
  }

  active(): number {
    return this.#jobs.size;
  }

  async #loop(): Promise<void> {
    const { leaseMs, onError } = this.#options;
    while (this.#state === 'claiming' || this.#jobs.size > 0) {
      this.#alarm.reset();
      try {
        const waitMs = await this.#look();
        this.#failures = 0;
        await this.#alarm.wait(waitMs, 'wake');
      } catch (error) {
        onError(error);
        const delayMs = FIRST_ERROR_DELAY_MS * 2 ** Math.min(this.#failures, MOST_DOUBLINGS);
        this.#failures += 1;
        await this.#alarm.wait(Math.min(delayMs, LONGEST_ERROR_DELAY_MS, leaseMs / 3), 'stop');
      }
    }
  }

  /** One request: heartbeat and claim. Answers how long to wait for the next. */
  async #look(): Promise<number> {
    const { clock, leaseMs, fetch, maxConcurrent, idlePollMs } = this.#options;
    const held = [...this.#jobs].filter((running) => running.isHeld());
    const freeSlots = this.#state === 'claiming' ? Math.max(0, maxConcurrent() - this.#jobs.size) : 0;
    const sentAt = clock.monotonic();
    const leases = held.map(({ job }) => ({ jobId: job.jobId, fence: job.fence }));
    const answer = await fetch(freeSlots, leases);
    const lost = new Set(answer.lost.map(leaseKey));
    for (const running of held) {
      if (!lost.has(leaseKey(running.job))) running.renew(sentAt + leaseMs);
      else running.abort('lease-lost', `The lease of ${running.job.projectId} was taken away.`);
    }
    for (const job of answer.claimed) this.#begin(job, sentAt + leaseMs);
    const waits = [idlePollMs];
    if (this.#jobs.size > 0) waits.push(sentAt + leaseMs / 3 - clock.monotonic());
    if (answer.claimed.length < freeSlots && answer.nextWakeMs !== null) {
      waits.push(answer.nextWakeMs > 0 ? answer.nextWakeMs : HELD_UP_RETRY_MS);
    }
    return Math.max(0, Math.min(...waits));
  }

  #begin(job: ClaimedJob, leaseEndsAt: number): void {
    // A lease that was lost and won back can come while its old run is still winding down.
    const earlier = [...this.#jobs].filter((other) => other.job.jobId === job.jobId);
    const running = startJob({
      ...this.#options,
      job,
      leaseEndsAt,
      after: Promise.all(earlier.map((other) => other.ended)),
      onEnd: () => {
        this.#jobs.delete(running);
        this.#alarm.ring(this.#state === 'draining' ? 'stop' : 'wake');
      },
    });
    this.#jobs.add(running);
    if (this.#state === 'draining') {
      running.abort('aborted', `The service stops; the sync of ${job.projectId} was not begun.`);
    }
  }

  async #drain(graceMs: number): Promise<void> {
    this.#state = 'draining';
    this.#alarm.ring('stop');
    const endAll = () => {
      for (const running of this.#jobs) {
        running.abort('aborted', `The service stops; the sync of ${running.job.projectId} goes on later.`);
      }
    };
    if (graceMs <= 0) endAll();
    const cancel = this.#options.clock.timer(graceMs, endAll);
    await this.#looping;
    cancel();
    this.#state = 'stopped';
    this.#stopping = null;
  }
}

const leaseKey = (lease: Lease) => `${lease.jobId}:${lease.fence}`;

/** `wake` ends an ordinary wait; `stop` ends every wait, also the one after an error. */
type Ring = 'wake' | 'stop';
type Alarm = {
  /** Forgets earlier rings: what they announced is about to be looked at. */
  reset(): void;
  ring(ring: Ring): void;
  /** Waits `delayMs`, or until a ring that it heeds, also one since `reset()`. */
  wait(delayMs: number, heeds: Ring): Promise<void>;
};

function createAlarm(clock: Clock): Alarm {
  const rung = new Set<Ring>();
  let waiting: { heeds: Ring; end(): void } | null = null;
  const ends = (ring: Ring, heeds: Ring) => ring === 'stop' || heeds === 'wake';
  return {
    reset: () => rung.clear(),
    ring(ring) {
      rung.add(ring);
      if (waiting && ends(ring, waiting.heeds)) waiting.end();
    },
    wait(delayMs, heeds) {
      if ([...rung].some((ring) => ends(ring, heeds))) return Promise.resolve();
      return new Promise((resolve) => {
        const end = () => {
          cancel();
          waiting = null;
          resolve();
        };
        const cancel = clock.timer(delayMs, end);
        waiting = { heeds, end };
      });
    },
  };
}
