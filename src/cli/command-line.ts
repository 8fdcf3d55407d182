// The commands, each of which registers itself, and what becomes of their answers. Exit codes: see cli.ts.

import { Command, CommanderError } from 'commander';
import { ClientError } from '../client/index.ts';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { VERSION } from '../version.ts';
import { addAddCommand } from './add.ts';
import { addBackupCommand } from './backup.ts';
import { type AddCommand, type Cli, EXIT, type ExitCode } from './cli.ts';
import { addCompletionCommand } from './completion.ts';
import { addConfigCommand } from './config.ts';
import { addConflictCommand } from './conflict.ts';
import { addDemoCommand } from './demo.ts';
import { addDoctorCommand } from './doctor.ts';
import { addHistoryCommand } from './history.ts';
import { addHoldCommand } from './hold.ts';
import { addListCommand } from './list.ts';
import { addLogCommand } from './log.ts';
import { addLoginCommand, addLogoutCommand } from './login.ts';
import { addMcpCommand } from './mcp.ts';
import { addPauseCommand, addResumeCommand } from './pause.ts';
import { addQueueCommand } from './queue.ts';
import { NotRunning } from './reach/open-client.ts';
import { addRemoveCommand } from './remove.ts';
import { addRestoreCommand } from './restore.ts';
import { addServiceCommand } from './service.ts';
import { addSnapshotsCommand } from './snapshots.ts';
import { addStartCommand } from './start.ts';
import { addStatusCommand } from './status.ts';
import { addStopCommand } from './stop.ts';
import { addSyncCommand } from './sync.ts';
import { addTokenCommand } from './token.ts';
import { addVersionCommand } from './version.ts';

/** In the order of the help. A command is a file here: `add<Name>Command`. */
const COMMANDS: readonly AddCommand[] = [
  addStartCommand,
  addStopCommand,
  addAddCommand,
  addRemoveCommand,
  addListCommand,
  addStatusCommand,
  addSyncCommand,
  addQueueCommand,
  addLogCommand,
  addHistoryCommand,
  addPauseCommand,
  addResumeCommand,
  addHoldCommand,
  addSnapshotsCommand,
  addRestoreCommand,
  addConflictCommand,
  addConfigCommand,
  addTokenCommand,
  addDoctorCommand,
  addLoginCommand,
  addLogoutCommand,
  addServiceCommand,
  addBackupCommand,
  addDemoCommand,
  addMcpCommand,
  addCompletionCommand,
  addVersionCommand,
];

const EXIT_CODES = `
Exit codes: 0 done; 1 a fault, which the text names; 2 wrong use; 3 no service runs and the command needs one;
4 done, and something needs you (status --check, sync --wait, doctor, conflict, restore, service status).`;

/** Answers the exit code, or null while a service goes on running. */
export async function runCommandLine(host: Host): Promise<ExitCode | null> {
  let code: ExitCode | null = EXIT.done;
  const cli: Cli = {
    host,
    does:
      (run) =>
      async (...args) => {
        code = await run(...args);
      },
  };
  try {
    await createProgram(cli).parseAsync([...host.args], { from: 'user' });
    return code;
  } catch (error) {
    return report(error, host);
  }
}

/** The commands with their words, arguments and options; `cli` runs them. */
export function createProgram(cli: Cli): Command {
  const { host } = cli;
  const program = new Command('gitferry')
    .description('Keeps every project folder on this machine safely on GitHub, by itself, and proves it.')
    .version(VERSION, '-V, --version')
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeErr: host.writeError, writeOut: host.writeOut });
  for (const add of COMMANDS) add(program, cli);
  return program;
}

function report(error: unknown, host: Host): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  // Whoever read our output has enough: `gitferry history | head`.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.done;
  if (!(error instanceof Failure || error instanceof ClientError)) throw error;
  const { code, message: detail, action } = error;
  if (host.args.includes('--json')) {
    host.writeOut(`${JSON.stringify({ success: false, code, detail, action }, null, 2)}\n`);
  }
  host.writeError(`gitferry: ${detail}\n${action} (${code})\n`);
  return error instanceof NotRunning || code === 'no-answer' ? EXIT.notRunning : EXIT.fault;
}
