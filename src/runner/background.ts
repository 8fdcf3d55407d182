// Work that nobody waits for: its faults are logged, and a stop waits until none is left.

import type { Log } from '../host/log.ts';

export type Background = {
  /** Starts `work`; `what` names it in the log when it fails. */
  run(what: string, work: () => Promise<void>): void;
  /** Resolves when nothing started here runs any more. */
  settled(): Promise<void>;
};

export function createBackground(log: Log): Background {
  const running = new Set<Promise<void>>();
  const guarded = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.error({ err: error }, `${what} failed`);
    }
  };
  return {
    run(what, work) {
      const task = guarded(what, work).finally(() => running.delete(task));
      running.add(task);
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
