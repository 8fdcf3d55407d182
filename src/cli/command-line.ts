// The commands, each of which registers itself, and what becomes of their answers. Exit codes: see cli.ts.

import { Command, CommanderError } from 'commander';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { VERSION } from '../version.ts';
import { type AddCommand, type Cli, EXIT, type ExitCode } from './cli.ts';
import { addStartCommand } from './start.ts';

/** In the order of the help. A command is a file here: `add<Name>Command`. */
const COMMANDS: readonly AddCommand[] = [addStartCommand];

/** Answers the exit code, or null while a service goes on running. */
export async function runCommandLine(host: Host): Promise<ExitCode | null> {
  let code: ExitCode | null = EXIT.done;
  const program = new Command('gitferry')
    .description('Keeps every project folder on this machine safely on GitHub, by itself, and proves it.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: host.writeError, writeOut: host.writeOut });
  const cli: Cli = {
    host,
    does:
      (run) =>
      async (...args) => {
        code = await run(...args);
      },
  };
  for (const add of COMMANDS) add(program, cli);
  try {
    await program.parseAsync([...host.args], { from: 'user' });
    return code;
  } catch (error) {
    return report(error, host);
  }
}

function report(error: unknown, host: Host): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  if (error instanceof Failure) {
    host.writeError(`gitferry: ${error.message}\n${error.action} (${error.code})\n`);
    return EXIT.fault;
  }
  throw error;
}
