// Writes changes to the queue. Those that it cannot take, because its server is away, are owed: remembered here, at
// most once for each of this machine's projects, committed on this machine meanwhile, and queued when it is back.
// In memory only: what a crash forgets, the scan at the next start finds.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Background } from './background.ts';
import type { CommitHere } from './commit-here.ts';
import type { Queueing } from './queueing.ts';

export type OwedPorts = {
  clock: Clock;
  random: Random;
  log: Log;
  background: Background;
  signal: AbortSignal;
  queue: Queueing;
  commitHere: CommitHere;
  timings(projectId: ProjectId): { quietMs: number; maxWaitMs: number };
  /** Notes that the project is not known to be safe until the answered function is called. */
  doubt(projectId: ProjectId, why: string): () => void;
  /** The changes of these projects are in the queue. */
  onQueued(projectIds: readonly ProjectId[]): Promise<void>;
};

export type OwedChanges = {
  /** Makes the project's sync due `delayMs` from now. Returns at once. */
  queue(projectId: ProjectId, delayMs: number): void;
  /** The queue cannot be reached: what these projects wait for is owed. */
  owe(projectIds: readonly ProjectId[]): void;
  list(): ProjectId[];
  forget(projectId: ProjectId): void;
};

/** `dueAt` on the monotonic clock: when it is quiet, or was long enough without being so. */
type Debt = { dueAt: number; latestAt: number; isCommitted: boolean; settle(): void };

const RETRY_MS = 500;

export function createOwedChanges(ports: OwedPorts): OwedChanges {
  return new Debts(ports);
}

class Debts implements OwedChanges {
  readonly #ports: OwedPorts;
  readonly #owed = new Map<ProjectId, Debt>();
  #isSettling = false;

  constructor(ports: OwedPorts) {
    this.#ports = ports;
  }

  queue(projectId: ProjectId, delayMs: number): void {
    if (this.#owed.has(projectId)) this.#owe(projectId, delayMs);
    else this.#ports.background.run('queueing a change', () => this.#write(projectId, delayMs));
  }

  owe(projectIds: readonly ProjectId[]): void {
    for (const projectId of projectIds) {
      if (!this.#owed.has(projectId)) this.#owe(projectId, this.#ports.timings(projectId).quietMs);
    }
  }

  list(): ProjectId[] {
    return [...this.#owed.keys()];
  }

  forget(projectId: ProjectId): void {
    this.#owed.get(projectId)?.settle();
    this.#owed.delete(projectId);
  }

  async #write(projectId: ProjectId, delayMs: number): Promise<void> {
    const { queue, doubt } = this.#ports;
    const settle = doubt(projectId, 'A change could not be written to the queue yet.');
    try {
      await queue([projectId], asked(delayMs));
    } catch (error) {
      if (!isPassing(error)) throw error;
      return this.#owe(projectId, delayMs, settle);
    }
    settle();
    await this.#tell([projectId]);
  }

  #owe(projectId: ProjectId, delayMs: number, settle?: () => void): void {
    const { clock, timings, doubt, background } = this.#ports;
    const now = clock.monotonic();
    const known = this.#owed.get(projectId);
    const latestAt = known && !known.isCommitted ? known.latestAt : now + timings(projectId).maxWaitMs;
    if (known) settle?.();
    this.#owed.set(projectId, {
      ...{ latestAt, dueAt: Math.min(now + delayMs, latestAt), isCommitted: false },
      settle: known?.settle ?? settle ?? doubt(projectId, 'A change waits for the queue to be reached.'),
    });
    if (this.#isSettling) return;
    this.#isSettling = true;
    background.run('settling what the queue could not take', () => this.#settleAll());
  }

  async #settleAll(): Promise<void> {
    const { clock, log, random, signal } = this.#ports;
    let settled = 0;
    log.warn('the queue cannot be reached: changes are committed here, and queued when it is back');
    try {
      while (this.#owed.size > 0) {
        await this.#commitDue();
        settled += await this.#queueDue();
        if (this.#owed.size > 0) await clock.sleep(RETRY_MS * (0.75 + random() / 2), signal);
      }
      log.info({ settled }, 'the queue is reached again');
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#isSettling = false;
    }
  }

  #due(): [ProjectId, Debt][] {
    return [...this.#owed].filter(([, debt]) => debt.dueAt <= this.#ports.clock.monotonic());
  }

  async #commitDue(): Promise<void> {
    const { signal, commitHere } = this.#ports;
    for (const [projectId, debt] of this.#due()) {
      if (debt.isCommitted) continue;
      signal.throwIfAborted();
      debt.isCommitted = (await commitHere(projectId, signal)) === 'done';
    }
  }

  /** A change that comes while it is written stays owed: its debt is another one. */
  async #queueDue(): Promise<number> {
    const { log, queue } = this.#ports;
    const due = this.#due();
    if (due.length === 0) return 0;
    try {
      await queue(
        due.map(([projectId]) => projectId),
        asked(0),
      );
    } catch (error) {
      if (!isPassing(error)) throw error;
      return 0;
    }
    const settled = due.filter(([projectId, debt]) => this.#owed.get(projectId) === debt);
    for (const [projectId] of settled) this.forget(projectId);
    log.debug({ projects: settled.length }, 'changes were queued late');
    await this.#tell(settled.map(([projectId]) => projectId));
    return settled.length;
  }

  /** The queue may be away again at once: what is in it stays in it, only nobody is told. */
  async #tell(projectIds: readonly ProjectId[]): Promise<void> {
    try {
      await this.#ports.onQueued(projectIds);
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#ports.log.debug({ err: error }, 'that changes were queued could not be told');
    }
  }
}

const asked = (delayMs: number) => ({ trigger: 'watch', delayMs, force: false, askRemote: false }) as const;

const isPassing = (error: unknown) => error instanceof Failure && error.retryable;
