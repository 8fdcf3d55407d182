// `gitferry mcp`: the service for MCP clients, over standard input and output.

import type { Command } from 'commander';
import type { Host } from '../host/types.ts';
import { VERSION } from '../version.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { reachRunning } from './reach/open-client.ts';

export function addMcpCommand(program: Command, { host, does }: Cli): void {
  program
    .command('mcp')
    .description('Answer an MCP client (an assistant, an editor) over standard input and output.')
    .option('--db <file>', 'the service on this database file')
    .option('--config <file>', 'settings file that names the database')
    .option('--url <address>', 'the service at this address; its token from SYNC_API_TOKEN')
    .action(does((options: ReachOptions) => serve(host, options)));
}

/** The service need not run yet, and may be started anew meanwhile: each call finds it again. */
async function serve(host: Host, options: ReachOptions): Promise<ExitCode> {
  const { serveMcp } = await import('../mcp/serve-stdio.ts');
  await serveMcp({ version: VERSION, reach: async () => (await reachRunning(host, options)).client });
  return EXIT.done;
}
