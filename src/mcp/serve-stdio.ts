// The MCP server over standard input and output, until the input ends.

import { stdin as input, stdout as output } from 'node:process';
import { createMcpServer, type McpPorts } from './create-server.ts';
import { StdioServerTransport } from './sdk.ts';

/** Resolves when the caller is gone. Nothing else may write to standard output meanwhile. */
export async function serveMcp(ports: McpPorts): Promise<void> {
  const server = createMcpServer(ports);
  const transport = new StdioServerTransport(input, output);
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    // The SDK reads until it is closed; only the end of the input says that the caller has gone.
    input.once('end', resolve).once('close', resolve);
  });
  await server.connect(transport);
  await closed;
  await server.close();
}
