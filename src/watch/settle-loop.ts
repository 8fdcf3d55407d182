// Runs one asynchronous step at a time for as long as there is work. Knows nothing of what the work is.

import { setImmediate as nextTurn } from 'node:timers/promises';

export type SettleLoop = {
  /** There is work: starts the loop unless it runs. */
  wake(): void;
  readonly closed: boolean;
  /** Starts no further step; resolves when the current one is done. */
  close(): Promise<void>;
};

/** `step` answers false when nothing is left to do. An error ends the loop until the next `wake()`. */
export function createSettleLoop(
  step: () => Promise<boolean>,
  onError: (error: unknown) => void,
): SettleLoop {
  let running: Promise<void> | null = null;
  let asked = false;
  let closed = false;

  async function run(): Promise<void> {
    try {
      await nextTurn(); // what the system has queued belongs together
      do {
        asked = false;
        while (!closed && (await step()));
      } while (asked && !closed); // asked while the last step was ending
    } catch (error) {
      if (!closed) onError(error);
    } finally {
      running = null;
    }
  }

  return {
    wake() {
      asked = true;
      if (!closed) running ??= run();
    },
    get closed() {
      return closed;
    },
    async close() {
      closed = true;
      await running;
    },
  };
}
