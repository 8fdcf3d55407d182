// `gitferry start`: the service in the foreground until SIGINT or SIGTERM.

import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createApp } from '../app.ts';
import { type ConfigIssue, type Layer, type Layers, mergeLayers, readEnvironment } from '../config/layers.ts';
import { readConfigFile } from '../config/read-file.ts';
import { unknownVariables } from '../config/unknown-variables.ts';
import { createLog } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import { wholeNumber } from './arguments.ts';
import type { Cli } from './cli.ts';
import { stopOnSignal } from './stop-on-signal.ts';

const FLAGS = { port: 'port', host: 'host', db: 'schedulerOptions.dbPath', logLevel: 'logLevel' } as const;
/** What a stop may take beyond the grace for running syncs: feeds, connections, database. */
const CLOSING_MS = 15_000;

export function addStartCommand(program: Command, { host, does }: Cli): void {
  program
    .command('start', { isDefault: true })
    .description('Start the service. A named folder that is a git work tree becomes an enabled project.')
    .argument('[folder...]', 'work trees to sync, or folders that hold some')
    .option('--port <number>', 'port of the API (0: a free one)', wholeNumber)
    .option('--host <address>', 'address to listen on')
    .option('--db <file>', 'database file')
    .option('--config <file>', 'settings file (default: gitferry.json, if it exists)')
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .action(does((folders: string[], options: Record<string, unknown>) => start(host, folders, options)));
}

/** Answers null: the service runs until it is stopped by a signal, which ends the process. */
async function start(
  host: Host,
  folders: readonly string[],
  options: Record<string, unknown>,
): Promise<null> {
  const { layers, issues } = await readLayers(host, options);
  const { config } = mergeLayers(layers, issues);
  const log = createLog(config.logLevel);
  for (const { variable, nearest } of unknownVariables(host.env))
    log.warn({ variable, nearest }, `${variable} is no setting and is left out; the nearest is ${nearest}`);
  const stop = stopOnSignal(host, log, config.shutdownGraceMs + CLOSING_MS);
  const app = await createApp({ host, layers, log });
  const started = app.start({ folders: folders.map((folder) => resolve(host.cwd, folder)) });
  // Half a start cannot be ended; it is over in moments.
  stop.ends(() => Promise.allSettled([started]).then(() => app.stop()));
  try {
    const found = await started;
    const lines = [`gitferry ${app.version} on ${app.url}`, ...found.map((line) => `  ${line}`)];
    if (!stop.isAsked()) host.writeOut(`${lines.join('\n')}\n`);
    return null;
  } catch (error) {
    if (stop.isAsked()) {
      log.warn({ err: error }, 'the start failed; it was to be stopped anyway');
      return null;
    }
    await app.stop();
    throw error;
  }
}

/** File, environment and flags; the saved settings come when the database is open. */
async function readLayers(
  host: Host,
  options: Record<string, unknown>,
): Promise<{ layers: Layers; issues: ConfigIssue[] }> {
  const named = typeof options.config === 'string' ? options.config : undefined;
  const file = await readConfigFile(
    resolve(host.cwd, named ?? join(host.cwd, 'gitferry.json')),
    named !== undefined,
  );
  const environment = readEnvironment(host.env);
  const flag: Layer = {};
  for (const [option, key] of Object.entries(FLAGS))
    if (options[option] !== undefined) flag[key] = options[option];
  return {
    layers: { file: file.layer, environment: environment.layer, flag },
    issues: [...file.issues, ...environment.issues],
  };
}
