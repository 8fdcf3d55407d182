// `gitferry start`: the service in the foreground until SIGINT or SIGTERM.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { mergeLayers } from '../config/layers.ts';
import { unknownVariables } from '../config/unknown-variables.ts';
import { createLog, type Log } from '../host/log.ts';
import { processStart } from '../host/process-start.ts';
import type { Host } from '../host/types.ts';
import { wholeNumber } from './arguments.ts';
import type { Cli } from './cli.ts';
import { exists, knownServices, rememberService } from './reach/known-services.ts';
import { newRunToken, runtimeFileOf, writeRuntimeFile } from './reach/runtime-file.ts';
import { type LayerOptions, readLayers } from './read-layers.ts';
import { stopOnSignal } from './stop-on-signal.ts';

/** What a stop may take beyond the grace for running syncs: feeds, connections, database. */
const CLOSING_MS = 15_000;

export function addStartCommand(program: Command, { host, does }: Cli): void {
  program
    .command('start')
    .description('Start the service. A named folder that is a git work tree becomes an enabled project.')
    .argument('[folder...]', 'work trees to sync, or folders that hold some')
    .option('--port <number>', 'port of the API (0: a free one)', wholeNumber)
    .option('--host <address>', 'address to listen on')
    .option('--db <file>', 'database file')
    .option('--config <file>', 'settings file (default: gitferry.json, if it exists)')
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .action(does((folders: string[], options: LayerOptions) => start(host, folders, options)));
}

/** Answers null: the service runs until it is stopped by a signal, which ends the process. */
async function start(host: Host, folders: readonly string[], options: LayerOptions): Promise<null> {
  const { layers, issues } = await readLayers(host, options);
  const { config } = mergeLayers(layers, issues);
  const log = createLog(config.logLevel);
  for (const { variable, nearest } of unknownVariables(host.env))
    log.warn({ variable, nearest }, `${variable} is no setting and is left out; the nearest is ${nearest}`);
  const stop = stopOnSignal(host, log, config.shutdownGraceMs + CLOSING_MS);
  const databasePath = resolve(host.cwd, config['schedulerOptions.dbPath']);
  const news = config.dbUrl === null ? await tellNewDatabase(databasePath, host) : [];
  const { createApp } = await import('../app.ts');
  const runToken = newRunToken();
  const app = await createApp({ host, layers, log, runToken });
  const started = app.start({ folders: folders.map((folder) => resolve(host.cwd, folder)) });
  let announced: Promise<() => Promise<void>> | null = null;
  const end = async () => {
    // A stop that comes while the file is written takes it away all the same.
    await (await announced)?.();
    await app.stop();
  };
  // Half a start cannot be ended; it is over in moments.
  stop.ends(() => Promise.allSettled([started]).then(end));
  try {
    const found = await started;
    if (!stop.isAsked()) announced = announce({ host, log, app, runToken, databasePath });
    await announced;
    const lines = [
      `gitferry ${app.version} on ${app.url}`,
      ...[...found, ...news].map((line) => `  ${line}`),
    ];
    if (!stop.isAsked()) host.writeOut(`${lines.join('\n')}\n`);
    return null;
  } catch (error) {
    if (stop.isAsked()) {
      log.warn({ err: error }, 'the start failed; it was to be stopped anyway');
      return null;
    }
    await end();
    throw error;
  }
}

/** Who starts it in another folder than before would look for their projects in vain. */
async function tellNewDatabase(path: string, host: Host): Promise<string[]> {
  if (await exists(path)) return [];
  const others = await knownServices(host);
  return others.length === 0 ? [] : [`new database ${path}; others of yours, for --db: ${others.join(', ')}`];
}

/** Lets commands of this user find the service. What only they need keeps no service from running. */
async function announce(input: {
  host: Host;
  log: Log;
  app: App;
  runToken: string;
  databasePath: string;
}): Promise<() => Promise<void>> {
  const { host, log, app, runToken, databasePath } = input;
  const path = runtimeFileOf(databasePath);
  await rememberService(databasePath, host).catch((error: unknown) => {
    log.info({ err: error }, 'commands in other folders must be told the database of this service: --db');
  });
  try {
    const start = (await processStart(host.pid)) ?? 'unknown';
    const startedAt = new Date(host.clock.now()).toISOString();
    const { url, version } = app;
    const remove = await writeRuntimeFile(path, {
      pid: host.pid,
      start,
      url,
      token: runToken,
      version,
      startedAt,
    });
    return remove;
  } catch (error) {
    log.warn({ err: error, path }, 'commands must be told the address of this service: --url');
    return async () => {};
  }
}
