// The service as an MCP server: its tools, over a client of the API. Which transport carries it is not known here.

import { type Client, ClientError } from '../client/index.ts';
import { Failure } from '../model/failure.ts';
import { CONTENT_TOOLS } from './content-tools.ts';
import { PROJECT_TOOLS } from './project-tools.ts';
import { McpServer } from './sdk.ts';
import type { Tool } from './tool.ts';

const TOOLS: readonly Tool[] = [...PROJECT_TOOLS, ...CONTENT_TOOLS];

const INSTRUCTIONS =
  'gitferry commits and pushes project folders by itself. Begin with list_projects or why_blocked. Files that are ' +
  'held and deletions that wait are let pass by a person only.';

/** `reach` is asked at each call: a service may have come, or come back elsewhere. */
export type McpPorts = { reach(): Client | Promise<Client>; version: string };

export function createMcpServer({ reach, version }: McpPorts): McpServer {
  const server = new McpServer(
    { name: 'gitferry', title: 'gitferry', version },
    { instructions: INSTRUCTIONS },
  );
  for (const tool of TOOLS) register(server, reach, tool);
  return server;
}

function register(server: McpServer, reach: McpPorts['reach'], tool: Tool): void {
  const { name, title, description, input, kind } = tool;
  const annotations = {
    readOnlyHint: kind === 'reads',
    // A restore takes a snapshot of what it overwrites first, but it does overwrite.
    destructiveHint: kind === 'restores',
    idempotentHint: kind !== 'restores',
    openWorldHint: name === 'trigger_sync',
  };
  server.registerTool(
    name,
    { title, description, inputSchema: input, annotations },
    async (given, { signal }) => {
      try {
        const answer = await tool.run({ client: await reach(), signal }, given);
        return { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: answer };
      } catch (error) {
        if (!(error instanceof ClientError) && !(error instanceof Failure)) throw error;
        return { isError: true, content: [{ type: 'text', text: wordsOf(error) }] };
      }
    },
  );
}

function wordsOf(error: ClientError | Failure): string {
  const { message, action, code } = error;
  const faults = error instanceof ClientError ? error.errors : [];
  const named = faults.map((fault) => `\n${fault.path}: ${fault.message}`).join('');
  return `${message}${action === '' ? '' : ` ${action}`} (${code})${named}`;
}
