// What commands that ask a service have in common: their options, and opening and closing the client.

import type { Command } from 'commander';
import type { Host } from '../../host/types.ts';
import { createOutput, type Output } from '../terminal/output.ts';
import type { ReachOptions } from './find-service.ts';
import { type Reached, reachForReading, reachRunning } from './open-client.ts';

export type Asked = Reached & { host: Host; output: Output };

/** Adds --json, and which service is meant. */
export function asking(command: Command): Command {
  return command
    .option('--json', "print JSON: the API's own answer")
    .option('--db <file>', 'the service on this database file')
    .option('--config <file>', 'settings file that names the database')
    .option('--url <address>', 'the service at this address; its token from SYNC_API_TOKEN');
}

/** Only looks: works on the database when no service runs. */
export function look<T>(host: Host, options: ReachOptions, use: (asked: Asked) => Promise<T>): Promise<T> {
  return using(host, options, reachForReading, use);
}

/** Needs the running service. @throws NotRunning */
export function ask<T>(host: Host, options: ReachOptions, use: (asked: Asked) => Promise<T>): Promise<T> {
  return using(host, options, reachRunning, use);
}

async function using<T>(
  host: Host,
  options: ReachOptions,
  reach: typeof reachRunning,
  use: (asked: Asked) => Promise<T>,
): Promise<T> {
  const output = createOutput(host, options);
  const reached = await reach(host, options);
  try {
    if (!reached.isRunning)
      output.line(output.paint('yellow', 'No service runs: this is from its database.'));
    return await use({ ...reached, host, output });
  } finally {
    output.progress.clear();
    await reached.close();
  }
}
