// Runs a command of gitferry in this process, with what it prints collected.

import { runCommandLine } from '../../src/cli/command-line.ts';
import { loadHost } from '../../src/host/load.ts';
import type { Host } from '../../src/host/types.ts';

export type Ran = { code: number | null; out: string; err: string };

export type RunOptions = Partial<
  Pick<Host, 'cwd' | 'homeDir' | 'platform' | 'program' | 'terminal' | 'readInput'>
> & {
  env?: Record<string, string>;
};

const NO_TERMINAL: Host['terminal'] = { out: false, error: false, columns: () => 80 };

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const ran = { out: '', err: '' };
  const host = await loadHost();
  const code = await runCommandLine({
    // `program` of Deno is a getter; the others are plain.
    ...host,
    ...{ terminal: NO_TERMINAL, ...options },
    env: { PATH: process.env.PATH ?? '', ...options.env },
    args,
    onStopSignal: () => {},
    writeOut: (text) => {
      ran.out += text;
    },
    writeError: (text) => {
      ran.err += text;
    },
  });
  return { code, ...ran };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
export const jsonOf = (ran: Ran): any => JSON.parse(ran.out);
