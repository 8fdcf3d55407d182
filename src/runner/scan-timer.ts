// When the periodic scan runs: at start, then every interval jittered 3/4 to 5/4, never two at once.
// A clock that jumped (the machine slept) brings the next scan forward.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';

export type ScanTimer = {
  start(): void;
  stop(): Promise<void>;
  times(): { lastScanAt: number | null; nextScanAt: number | null };
};

/** How often the wall clock is compared with the monotonic one. */
const JUMP_CHECK_MS = 15_000;

export function createScanTimer(ports: {
  clock: Clock;
  random: Random;
  log: Log;
  /** Read anew before each wait, so that a changed setting works at once. */
  intervalMs(): number;
  scan(): Promise<void>;
}): ScanTimer {
  const { clock, random, log } = ports;
  let loop: { stop: AbortController; done: Promise<void> } | null = null;
  let lastScanAt: number | null = null;
  let nextScanAt: number | null = null;

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await ports.scan();
      } catch (error) {
        log.error({ err: error }, 'a scan failed; the next one comes at its time');
      }
      lastScanAt = clock.now();
      await waitForNext(signal);
    }
  }

  async function waitForNext(signal: AbortSignal): Promise<void> {
    const jitter = 0.75 + random() / 2;
    const scannedAt = clock.now();
    for (;;) {
      const dueAt = scannedAt + ports.intervalMs() * jitter;
      nextScanAt = dueAt;
      const left = dueAt - clock.now();
      if (left <= 0 || signal.aborted) return;
      await clock.sleep(Math.min(left, JUMP_CHECK_MS), signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  return {
    start() {
      if (loop) return;
      const stop = new AbortController();
      loop = { stop, done: run(stop.signal) };
    },
    async stop() {
      const ending = loop;
      loop = null;
      nextScanAt = null;
      ending?.stop.abort();
      await ending?.done;
      nextScanAt = null;
    },
    times: () => ({ lastScanAt, nextScanAt }),
  };
}
