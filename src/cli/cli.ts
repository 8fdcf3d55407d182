// What each command is given when it registers itself, and what it answers: an exit code.

import type { Command } from 'commander';
import type { Host } from '../host/types.ts';

/**
 * - `done`; - `fault`: the text names it; - `wrongUse`: of the command line;
 * - `notRunning`: the command needs a running service and there is none;
 * - `needsYou`: it was done, and what was found needs a person.
 */
export const EXIT = { done: 0, fault: 1, wrongUse: 2, notRunning: 3, needsYou: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type Cli = {
  readonly host: Host;
  /** Makes of a command its action. Its answer is the exit code; null: a service goes on running. */
  does<Args extends unknown[]>(
    run: (...args: Args) => Promise<ExitCode | null>,
  ): (...args: Args) => Promise<void>;
};

/** One file a command: it adds itself to the program, with its words, arguments and options. */
export type AddCommand = (program: Command, cli: Cli) => void;
