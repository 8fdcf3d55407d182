// Compares whole work trees off the event loop, one after another in a thread (or a few).
// The thread starts with the first scan and ends when none was asked for a while; nothing is kept of repositories.

import { type Clock, systemClock } from '../../host/clock.ts';
import { startThread, type Thread } from '../../host/worker-threads.ts';
import { Failure } from '../../model/failure.ts';
import type { Environment } from '../config/user-config.ts';
import type { ScanAnswer, ScanOrder, ScanResult, ScanSetup } from './scan-messages.ts';

export type { ScanResult };

export type ChangeScanner = {
  /**
   * Probes the work tree and counts how it differs from HEAD. Waits for its turn.
   * @throws Failure `aborted` by the signal or by `close`, `crashed` when the thread ended, `internal-error`,
   *   `file-changing`, and what else a sync would retry
   */
  scan(worktree: string, signal: AbortSignal): Promise<ScanResult>;
  /** Ends the threads; scans under way are rejected, and new ones too. */
  close(): Promise<void>;
};

export type ScannerInput = {
  env: Environment;
  homeDir: string;
  /** Number of threads; default 1. */
  size?: number;
  /** A thread ends after this long without work; default 30000. */
  idleMs?: number;
  clock?: Clock;
  /** How threads are started; default real ones of this process. */
  start?: typeof startThread;
};

type Scan = {
  readonly id: number;
  readonly worktree: string;
  readonly settle: (outcome: ScanResult | Failure) => void;
};
/** `scan` is null while it waits for work. */
type Slot = { thread: Thread; scan: Scan | null; stopTimer: () => void };

const RUNS_GIT = new Set(['XDG_CONFIG_HOME', 'PATH', 'HOME', 'TMPDIR']);
// A thread that does not heed an abort is stuck in the file system.
const ABORT_GRACE_MS = 5_000;

export function createChangeScanner(input: ScannerInput): ChangeScanner {
  const scanner = new Scanner(input);
  return { scan: (worktree, signal) => scanner.scan(worktree, signal), close: () => scanner.close() };
}

class Scanner {
  readonly #setup: ScanSetup;
  readonly #size: number;
  readonly #idleMs: number;
  readonly #clock: Clock;
  readonly #start: typeof startThread;
  readonly #slots = new Set<Slot>();
  readonly #ending = new Set<Promise<void>>();
  #waiting: Scan[] = [];
  #lastId = 0;
  #isClosed = false;

  constructor(input: ScannerInput) {
    this.#setup = { env: gitSettings(input.env), homeDir: input.homeDir };
    this.#size = input.size ?? 1;
    this.#idleMs = input.idleMs ?? 30_000;
    this.#clock = input.clock ?? systemClock;
    this.#start = input.start ?? startThread;
  }

  scan(worktree: string, signal: AbortSignal): Promise<ScanResult> {
    if (this.#isClosed) return Promise.reject(new Failure('aborted', 'The scanner is closed.'));
    if (signal.aborted) return Promise.reject(stopped(worktree, signal.reason));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#abort(id);
        settle(stopped(worktree, signal.reason));
      };
      const settle = (outcome: ScanResult | Failure) => {
        signal.removeEventListener('abort', onAbort);
        if (outcome instanceof Failure) reject(outcome);
        else resolve(outcome);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push({ id, worktree, settle });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const scans = [...this.#waiting, ...[...this.#slots].flatMap((slot) => slot.scan ?? [])];
    this.#waiting = [];
    for (const scan of scans) scan.settle(stopped(scan.worktree, undefined));
    for (const slot of this.#slots) this.#end(slot);
    await Promise.all(this.#ending);
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const slot = [...this.#slots].find((candidate) => candidate.scan === null) ?? this.#open();
      const scan = slot && this.#waiting.shift();
      if (!slot || !scan) return;
      slot.stopTimer();
      slot.scan = scan;
      slot.thread.hold();
      this.#order(slot, { kind: 'scan', id: scan.id, worktree: scan.worktree, now: this.#clock.now() });
    }
  }

  /** Null when there are as many threads as may be. */
  #open(): Slot | null {
    if (this.#slots.size >= this.#size) return null;
    const thread = this.#start({
      module: './changes-worker',
      callerUrl: import.meta.url,
      data: this.#setup,
      onMessage: (message) => this.#finish(slot, message as ScanAnswer),
      onEnd: (cause) => this.#crash(slot, cause),
    });
    const slot: Slot = { thread, scan: null, stopTimer: () => {} };
    this.#slots.add(slot);
    return slot;
  }

  #finish(slot: Slot, answer: ScanAnswer): void {
    const { scan } = slot;
    if (scan?.id !== answer.id) return;
    slot.stopTimer();
    slot.scan = null;
    slot.thread.letGo();
    scan.settle(outcomeOf(answer, scan.worktree));
    this.#assign();
    if (slot.scan === null) slot.stopTimer = this.#clock.timer(this.#idleMs, () => this.#end(slot));
  }

  #crash(slot: Slot, cause: Error): void {
    slot.stopTimer();
    this.#slots.delete(slot);
    const { scan } = slot;
    scan?.settle(new Failure('crashed', `The scan of ${scan.worktree} crashed: ${cause.message}`, { cause }));
    this.#assign();
  }

  /** The caller has its answer already; the thread is free again when it says so, or replaced. */
  #abort(id: number): void {
    this.#waiting = this.#waiting.filter((scan) => scan.id !== id);
    for (const slot of this.#slots) {
      if (slot.scan?.id !== id) continue;
      this.#order(slot, { kind: 'abort', id });
      slot.stopTimer = this.#clock.timer(ABORT_GRACE_MS, () => {
        this.#end(slot);
        this.#assign();
      });
    }
  }

  #order(slot: Slot, order: ScanOrder): void {
    slot.thread.post(order);
  }

  #end(slot: Slot): void {
    slot.stopTimer();
    this.#slots.delete(slot);
    const ending = slot.thread.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function outcomeOf(answer: ScanAnswer, worktree: string): ScanResult | Failure {
  if ('result' in answer) return answer.result;
  if ('bug' in answer) return new Failure('internal-error', `The scan of ${worktree} failed: ${answer.bug}`);
  const { code, detail, action } = answer.failure;
  return new Failure(code, detail, { action });
}

function stopped(worktree: string, cause: unknown): Failure {
  return new Failure('aborted', `The scan of ${worktree} was stopped.`, { cause });
}

/** What concerns git's configuration, and running it where it is needed; tokens need not travel. */
function gitSettings(env: Environment): Environment {
  const wanted = (name: string) => name.startsWith('GIT_') || RUNS_GIT.has(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted(name)));
}
