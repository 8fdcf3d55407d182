// A thread or a few that scan: each has one order at a time, the others wait. A thread starts with the first order and
// ends when none came for a while. Knows nothing of what is ordered.

import type { Clock } from '../../host/clock.ts';
import { startThread, type Thread } from '../../host/worker-threads.ts';
import { Failure } from '../../model/failure.ts';
import type { Environment } from '../config/user-config.ts';
import type { ScanAnswer, ScanOrder, ScanSetup } from './scan-messages.ts';

/** What is to be done; `what` names it in messages. `order` is called when a thread is free for it. */
type ScanTask = { readonly what: string; order(): OrderBody };

export type ScanThreads = {
  /** Waits for its turn. @throws Failure `aborted`, `crashed`, `internal-error`, and what the thread failed with */
  ask(task: ScanTask, signal: AbortSignal): Promise<Answered>;
  close(): Promise<void>;
};

type ThreadsInput = {
  env: Environment;
  homeDir: string;
  size: number;
  clock: Clock;
  idleMs?: number;
  start?: typeof startThread;
};

type Answered = Extract<ScanAnswer, { result: unknown } | { same: unknown }>;
type Order = Exclude<ScanOrder, { kind: 'abort' }>;
type OrderBody = Order extends infer One ? Omit<One, 'id'> : never;
type Asked = ScanTask & { readonly id: number; readonly settle: (outcome: Answered | Failure) => void };
/** `asked` is null while it waits for work. */
type Slot = { thread: Thread; asked: Asked | null; stopTimer: () => void };

const RUNS_GIT = new Set(['XDG_CONFIG_HOME', 'PATH', 'HOME', 'TMPDIR']);
// A thread that does not heed an abort is stuck in the file system.
const ABORT_GRACE_MS = 5_000;
const IDLE_MS = 30_000;

export function createScanThreads(input: ThreadsInput): ScanThreads {
  const threads = new Threads(input);
  return { ask: (task, signal) => threads.ask(task, signal), close: () => threads.close() };
}

class Threads {
  readonly #setup: ScanSetup;
  readonly #size: number;
  readonly #idleMs: number;
  readonly #clock: Clock;
  readonly #start: typeof startThread;
  readonly #slots = new Set<Slot>();
  readonly #ending = new Set<Promise<void>>();
  #waiting: Asked[] = [];
  #lastId = 0;
  #isClosed = false;

  constructor(input: ThreadsInput) {
    this.#setup = { env: gitSettings(input.env), homeDir: input.homeDir };
    this.#size = input.size;
    this.#idleMs = input.idleMs ?? IDLE_MS;
    this.#clock = input.clock;
    this.#start = input.start ?? startThread;
  }

  ask(task: ScanTask, signal: AbortSignal): Promise<Answered> {
    if (this.#isClosed) return Promise.reject(new Failure('aborted', 'The scanner is closed.'));
    if (signal.aborted) return Promise.reject(stopped(task, signal.reason));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#abort(id);
        settle(stopped(task, signal.reason));
      };
      const settle = (outcome: Answered | Failure) => {
        signal.removeEventListener('abort', onAbort);
        if (outcome instanceof Failure) reject(outcome);
        else resolve(outcome);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push({ ...task, id, settle });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#waiting, ...[...this.#slots].flatMap((slot) => slot.asked ?? [])];
    this.#waiting = [];
    for (const asked of all) asked.settle(stopped(asked, undefined));
    for (const slot of this.#slots) this.#end(slot);
    await Promise.all(this.#ending);
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const slot = [...this.#slots].find((candidate) => candidate.asked === null) ?? this.#open();
      const asked = slot && this.#waiting.shift();
      if (!slot || !asked) return;
      slot.stopTimer();
      slot.asked = asked;
      slot.thread.hold();
      this.#post(slot, { ...asked.order(), id: asked.id } as Order);
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
    const slot: Slot = { thread, asked: null, stopTimer: () => {} };
    this.#slots.add(slot);
    return slot;
  }

  #finish(slot: Slot, answer: ScanAnswer): void {
    const { asked } = slot;
    if (asked?.id !== answer.id) return;
    slot.stopTimer();
    slot.asked = null;
    slot.thread.letGo();
    asked.settle(outcomeOf(answer, asked));
    this.#assign();
    if (slot.asked === null) slot.stopTimer = this.#clock.timer(this.#idleMs, () => this.#end(slot));
  }

  #crash(slot: Slot, cause: Error): void {
    slot.stopTimer();
    this.#slots.delete(slot);
    const { asked } = slot;
    asked?.settle(new Failure('crashed', `${asked.what} crashed: ${cause.message}`, { cause }));
    this.#assign();
  }

  /** The caller has its answer already; the thread is free again when it says so, or replaced. */
  #abort(id: number): void {
    this.#waiting = this.#waiting.filter((asked) => asked.id !== id);
    for (const slot of this.#slots) {
      if (slot.asked?.id !== id) continue;
      this.#post(slot, { kind: 'abort', id });
      slot.stopTimer = this.#clock.timer(ABORT_GRACE_MS, () => {
        this.#end(slot);
        this.#assign();
      });
    }
  }

  #post(slot: Slot, order: ScanOrder): void {
    slot.thread.post(order);
  }

  #end(slot: Slot): void {
    slot.stopTimer();
    this.#slots.delete(slot);
    const ending = slot.thread.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function outcomeOf(answer: ScanAnswer, { what }: ScanTask): Answered | Failure {
  if ('bug' in answer) return new Failure('internal-error', `${what} failed: ${answer.bug}`);
  if (!('failure' in answer)) return answer;
  const { code, detail, action } = answer.failure;
  return new Failure(code, detail, { action });
}

function stopped({ what }: ScanTask, cause: unknown): Failure {
  return new Failure('aborted', `${what} was stopped.`, { cause });
}

/** What concerns git's configuration, and running it where it is needed; tokens need not travel. */
function gitSettings(env: Environment): Environment {
  const wanted = (name: string) => name.startsWith('GIT_') || RUNS_GIT.has(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted(name)));
}
