// One line that says how far long work is: phase, counts, rate. On standard error, and only on a terminal.

import type { Host } from '../../host/types.ts';
import { harmless } from './style.ts';

/** `done` of `total` things; `detail` is what is being done now. */
export type Step = { phase: string; done?: number; total?: number; detail?: string };

export type Progress = {
  show(step: Step): void;
  /** Takes the line away, so that what is printed next stands alone. */
  clear(): void;
};

const CLEAR = '\r\u001B[2K';
/** A rate needs a while to mean something. */
const RATE_AFTER_MS = 1_000;

export function createProgress(host: Host, { quiet }: { quiet: boolean }): Progress {
  if (quiet || !host.terminal.error || host.env.TERM === 'dumb') return { show() {}, clear() {} };
  const began = host.clock.monotonic();
  let isShown = false;
  return {
    show(step) {
      const text = progressText(step, host.clock.monotonic() - began);
      host.writeError(`${CLEAR}${harmless(text).slice(0, host.terminal.columns() - 1)}`);
      isShown = true;
    },
    clear() {
      if (isShown) host.writeError(CLEAR);
      isShown = false;
    },
  };
}

/** Pure; `elapsedMs` since the work began. */
export function progressText({ phase, done, total, detail }: Step, elapsedMs: number): string {
  const counted = done === undefined ? '' : ` ${done}${total === undefined ? '' : ` of ${total}`}`;
  const hasRate = done !== undefined && done > 0 && elapsedMs >= RATE_AFTER_MS;
  const rate = hasRate ? `, ${((done * 1000) / elapsedMs).toFixed(1)}/s` : '';
  return `${phase}${counted}${rate}${detail === undefined ? '' : `: ${detail}`}`;
}
