// Compares whole work trees off the event loop, in a thread or two. A thread starts with the first scan and ends when
// none was asked for a while. What was found is kept with a short stamp each, by which a thread tells in a fraction of
// the time that a work tree is as it was.

import { type Clock, systemClock } from '../../host/clock.ts';
import { type startThread, threadsWorthHaving } from '../../host/worker-threads.ts';
import type { Environment } from '../config/user-config.ts';
import { LookMemory } from './look-memory.ts';
import type { ScanAim, ScanResult } from './scan-messages.ts';
import { createScanThreads } from './scan-threads.ts';

export type { ScanAim, ScanResult };

export type ChangeScanner = {
  /**
   * Probes the work tree and counts how it differs from HEAD. Waits for its turn.
   * @throws Failure `aborted` by the signal or by `close`, `crashed` when the thread ended, `internal-error`,
   *   `file-changing`, and what else a sync would retry
   */
  scan(worktree: string, signal: AbortSignal, aim?: ScanAim): Promise<ScanResult>;
  /**
   * Looks at each whether all is as two scans found it, and answers what they found; null for what has to be scanned.
   * @throws Failure as `scan`
   */
  recall(
    asked: readonly ({ worktree: string } & ScanAim)[],
    signal: AbortSignal,
  ): Promise<(ScanResult | null)[]>;
  /** Lets go of what is kept of a work tree. */
  forget(worktree: string): void;
  /** How many scans can be under way at once. */
  readonly size: number;
  /** Ends the threads; scans under way are rejected, and new ones too. */
  close(): Promise<void>;
};

export type ScannerInput = {
  env: Environment;
  homeDir: string;
  /** Number of threads; default two, or as many as run at once here. */
  size?: number;
  /** A thread ends after this long without work; default 30000. */
  idleMs?: number;
  clock?: Clock;
  /** How threads are started; default real ones of this process. */
  start?: typeof startThread;
};

const MOST_THREADS = 2;
const ALL_COUNTS: ScanAim = { syncBranches: null, alsoRead: [] };

export function createChangeScanner(input: ScannerInput): ChangeScanner {
  const { size = Math.min(MOST_THREADS, threadsWorthHaving()), clock = systemClock } = input;
  const threads = createScanThreads({ ...input, size, clock });
  const memory = new LookMemory();
  return {
    size,
    async scan(worktree, signal, aim = ALL_COUNTS) {
      let beganMs = 0;
      const order = () => {
        beganMs = clock.monotonic();
        return { kind: 'scan', worktree, now: clock.now(), ...aim } as const;
      };
      const answer = await threads.ask({ what: `The scan of ${worktree}`, order }, signal);
      if (!('result' in answer)) throw new Error('A scan was answered like another look.');
      memory.keep(worktree, aim, answer, { beganMs, endedMs: clock.monotonic() });
      return answer.result;
    },
    async recall(asked, signal) {
      const known = asked.map(({ worktree, ...aim }) => ({ worktree, found: memory.find(worktree, aim) }));
      const looks = known.flatMap(({ worktree, found }) =>
        found === null ? [] : [{ worktree, stamp: found.stamp }],
      );
      if (looks.length === 0) return asked.map(() => null);
      const order = () => ({ kind: 'look-again', looks }) as const;
      const answer = await threads.ask({ what: `The look at ${looks.length} work trees`, order }, signal);
      if (!('same' in answer)) throw new Error('A look was answered like a scan.');
      const same = new Set(looks.filter((_look, at) => answer.same[at]).map(({ worktree }) => worktree));
      return known.map(({ worktree, found }) => (found && same.has(worktree) ? found.result : null));
    },
    forget: (worktree) => memory.forget(worktree),
    close: () => threads.close(),
  };
}
