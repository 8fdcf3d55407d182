// The commands and their options. Exit codes: 0 done, 1 a fault that the text names, 2 wrong use.

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { VERSION } from '../version.ts';
import { startCommand } from './start.ts';

/** Answers the exit code, or null while a service goes on running. */
export async function runCommandLine(host: Host): Promise<number | null> {
  let code: number | null = 0;
  const program = new Command('gitferry')
    .description('Keeps every project folder on this machine safely on GitHub, by itself, and proves it.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: host.writeError, writeOut: host.writeOut });

  program
    .command('start', { isDefault: true })
    .description('Start the service. A named folder that is a git work tree becomes an enabled project.')
    .argument('[folder...]', 'work trees to sync, or folders that hold some')
    .option('--port <number>', 'port of the API (0: a free one)', wholeNumber)
    .option('--host <address>', 'address to listen on')
    .option('--db <file>', 'database file')
    .option('--config <file>', 'settings file (default: gitferry.json, if it exists)')
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .action(async (folders: string[], options: Record<string, unknown>) => {
      code = await startCommand(host, folders, options);
    });

  try {
    await program.parseAsync([...host.args], { from: 'user' });
    return code;
  } catch (error) {
    return report(error, host);
  }
}

function report(error: unknown, host: Host): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failure) {
    host.writeError(`gitferry: ${error.message}\n${error.action} (${error.code})\n`);
    return 1;
  }
  throw error;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
