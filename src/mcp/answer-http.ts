// One MCP request over HTTP (streamable HTTP, without sessions: every request is whole in itself, so nothing is kept
// for callers who do not come back, and several machines can answer).

import type { Client } from '../client/index.ts';
import { createMcpServer } from './create-server.ts';
import { WebStandardStreamableHTTPServerTransport } from './sdk.ts';

type Asked = { request: Request; client: Client; version: string };

/** `parsedBody` has been read within its limit and is JSON. */
export async function answerMcp({ request, client, version }: Asked, parsedBody: unknown): Promise<Response> {
  const server = createMcpServer({ reach: () => client, version });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    // The SDK's own classes differ in an optional member only: under exactOptionalPropertyTypes that is a fault.
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    return await transport.handleRequest(request, { parsedBody });
  } finally {
    await server.close();
  }
}
