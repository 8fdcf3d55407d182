// Runs a command of gitferry in this process, with what it prints collected.

import { runCommandLine } from '../../src/cli/command-line.ts';
import { loadHost } from '../../src/host/load.ts';
import type { Host } from '../../src/host/types.ts';

export type Ran = { code: number | null; out: string; err: string };

export type RunOptions = Partial<
  Pick<Host, 'cwd' | 'homeDir' | 'platform' | 'program' | 'terminal' | 'readInput' | 'onStopSignal'>
> & {
  env?: Record<string, string>;
  /** All that was printed until now, whenever something is. */
  onOut?: (out: string) => void;
};

const NO_TERMINAL: Host['terminal'] = { out: false, error: false, columns: () => 80 };

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const ran = { out: '', err: '' };
  const host = await loadHost();
  const code = await runCommandLine({
    // `program` of Deno is a getter; the others are plain.
    ...host,
    ...{ terminal: NO_TERMINAL, onStopSignal: () => {}, ...options },
    env: { PATH: process.env.PATH ?? '', ...options.env },
    args,
    writeOut: (text) => {
      ran.out += text;
      options.onOut?.(ran.out);
    },
    writeError: (text) => {
      ran.err += text;
    },
  });
  return { code, ...ran };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
export const jsonOf = (ran: Ran): any => JSON.parse(ran.out);

/** Runs a command that goes on until Ctrl-C, which a person presses at the end of `meanwhile`. */
export async function runUntilStopped(
  args: readonly string[],
  options: RunOptions,
  meanwhile: (printed: (pattern: RegExp) => Promise<void>) => Promise<void>,
): Promise<Ran> {
  let out = '';
  let stop = () => {};
  let look = () => {};
  const ran = runCli(args, {
    ...options,
    onStopSignal: (press) => {
      stop = () => press('SIGINT');
    },
    onOut: (text) => {
      out = text;
      look();
    },
  });
  const printed = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      look = () => pattern.test(out) && resolve();
      look();
      void ran.then(
        (ended) => reject(new Error(`It ended before it printed ${pattern}: ${ended.err}`)),
        reject,
      );
    });
  await meanwhile(printed);
  stop();
  return ran;
}
