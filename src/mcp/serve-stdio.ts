// The MCP server over standard input and output, until the input ends.

import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Client } from '../client/index.ts';
import { createMcpServer } from './create-server.ts';

/** Resolves when the caller is gone. Nothing else may write to standard output meanwhile. */
export async function serveMcp(input: { client: Client; version: string }): Promise<void> {
  const server = createMcpServer(input);
  const transport = new StdioServerTransport();
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
  });
  await server.connect(transport);
  await closed;
}
