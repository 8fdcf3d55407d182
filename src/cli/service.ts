// `gitferry service`: lets the system start gitferry for this user and keep it running.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { exists, stateFolderOf } from './reach/known-services.ts';
import { planService } from './service/plan.ts';
import { runProgram } from './service/run-program.ts';
import type { ServicePlan } from './service/service-plan.ts';
import { createOutput } from './terminal/output.ts';

type Options = { json?: boolean };
type InstallOptions = Options & { db?: string; config?: string; start: boolean; print?: boolean };

export function addServiceCommand(program: Command, { host, does }: Cli): void {
  const service = program
    .command('service')
    .description('Let the system start gitferry for you and keep it running.');
  service
    .command('install')
    .description('Install it for this user (systemd, launchd, or a Windows task), and start it.')
    .argument('[folder...]', 'work trees to sync, or folders that hold some')
    .option('--db <file>', "database file (default: in the user's state folder)")
    .option('--config <file>', 'settings file')
    .option('--no-start', 'write the file only')
    .option('--print', 'print what would be written; change nothing')
    .option('--json', 'print JSON')
    .action(does((folders: string[], options: InstallOptions) => install(host, folders, options)));
  service
    .command('uninstall')
    .description('Stop it and take it away; database and projects stay.')
    .option('--json', 'print JSON')
    .action(does((options: Options) => uninstall(host, options)));
  service
    .command('status')
    .description('Say whether it is installed, and what the system says of it.')
    .option('--json', 'print JSON')
    .action(does((options: Options) => showStatus(host, options)));
}

async function install(host: Host, folders: readonly string[], options: InstallOptions): Promise<ExitCode> {
  const output = createOutput(host, options);
  const plan = planFor(host, folders, options);
  if (options.print) {
    output.document({ success: true, path: plan.path, text: String(plan.text), enable: plan.enable });
    output.line(String(plan.text));
    return EXIT.done;
  }
  refuseFleetingProgram(host);
  await mkdir(stateFolderOf(host), { recursive: true, mode: 0o700 });
  await mkdir(dirname(plan.path), { recursive: true });
  await writeFile(plan.path, plan.text);
  if (options.start) for (const command of plan.enable) await mustRun(host, command);
  output.document({ success: true, path: plan.path, started: options.start, notes: plan.notes });
  output.line(`Written: ${plan.path}`);
  if (options.start) output.line('It runs now, and from your next login on. See `gitferry status`.');
  else output.line(`To start it: ${plan.enable.map((command) => command.join(' ')).join(' && ')}`);
  for (const note of plan.notes) output.line(note);
  return EXIT.done;
}

async function uninstall(host: Host, options: Options): Promise<ExitCode> {
  const output = createOutput(host, options);
  const plan = planFor(host, [], {});
  const wasThere = await exists(plan.path);
  if (wasThere) {
    for (const command of plan.disable) await mustRun(host, command);
    await rm(plan.path, { force: true });
  }
  output.document({ success: true, path: plan.path, wasInstalled: wasThere });
  output.line(wasThere ? `Stopped and removed: ${plan.path}` : 'It was not installed.');
  return EXIT.done;
}

async function showStatus(host: Host, options: Options): Promise<ExitCode> {
  const output = createOutput(host, options);
  const plan = planFor(host, [], {});
  const isInstalled = await exists(plan.path);
  const told = isInstalled ? await runProgram(host, plan.status) : null;
  const isRunning = told?.code === 0;
  const words = told === null ? null : (told.out || told.error).trim();
  const { kind, path } = plan;
  output.document({ success: true, kind, path, isInstalled, isRunning, system: words });
  if (!isInstalled) output.line(`Not installed (${kind}, ${path}).`);
  else output.line(`Installed: ${path}\n${kind} says: ${words}`);
  return isRunning ? EXIT.done : EXIT.needsYou;
}

function planFor(
  host: Host,
  folders: readonly string[],
  { db, config }: Partial<InstallOptions>,
): ServicePlan {
  const stateFolder = stateFolderOf(host);
  const database = db === undefined ? join(stateFolder, 'sync-queue.db') : resolve(host.cwd, db);
  const named = config === undefined ? [] : ['--config', resolve(host.cwd, config)];
  const paths = folders.map((folder) => resolve(host.cwd, folder));
  return planService(host, {
    command: [...host.program, 'start', ...paths, '--db', database, ...named],
    homeDir: host.homeDir,
    searchPath: host.env.PATH ?? '',
    stateFolder,
  });
}

/** What npx unpacks may be gone tomorrow. @throws Failure `invalid-request` */
function refuseFleetingProgram({ program }: Host): void {
  const main = program.at(-1) ?? '';
  if (!/[\\/]_npx[\\/]/.test(main)) return;
  throw new Failure('invalid-request', `${main} is a copy of npx that may be removed at any time.`, {
    action: 'Install it first: `npm install --global gitferry`, then `gitferry service install`.',
  });
}

async function mustRun(host: Host, command: readonly string[]): Promise<void> {
  const { code, out, error } = await runProgram(host, command);
  if (code === 0) return;
  throw new Failure('invalid-request', `${command.join(' ')} ended with ${code}: ${(error || out).trim()}`, {
    action: 'Run it by hand; the file that it is about is written.',
  });
}
