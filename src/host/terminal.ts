// The terminal a command writes to, alike on Node and Deno: whether there is one, how wide it is, and writing all of a text.

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** What a pipe that is full is given to empty itself before the next try. */
const FULL_PIPE_MS = 5;

export type Terminal = {
  /** Whether a person reads what is written to standard output, and to standard error. */
  readonly out: boolean;
  readonly error: boolean;
  /** Columns; 80 where nobody knows. */
  columns(): number;
};

export const systemTerminal: Terminal = {
  out: isatty(1),
  error: isatty(2),
  columns: () => (isatty(1) ? process.stdout.columns : isatty(2) ? process.stderr.columns : 0) || 80,
};

/** Writes all of it: a pipe may take only a part, or nothing just now. @throws EPIPE when nobody reads any more */
export function writeAll(descriptor: 1 | 2, text: string): void {
  let rest = Buffer.from(text, 'utf8');
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS);
    }
  }
}
