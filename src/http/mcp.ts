// POST /mcp: the service for MCP clients. Each tool calls this API as its own caller did, with the same token, name
// and address: the rules of who may do what, and the audit, are those of the routes.

import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { createClient } from '../client/index.ts';
import type { Clock } from '../host/clock.ts';
import type { Service } from '../model/service.ts';
import type { ApiApp, ApiEnv } from './api-app.ts';
import { createBodyReader } from './body.ts';
import { PROXY_HEADERS } from './peer.ts';
import { json, jsonBody, onlyProblems, problems } from './schemas/common.ts';

const MCP_PATH = '/mcp';
/** What is in it is MCP's own. */
const MessageSchema = z.looseObject({ jsonrpc: z.literal('2.0') }).openapi('JsonRpcMessage');

/** Loaded at the first use: a service that nobody asks by MCP does not pay for it. */
const loadAnswer = async () => (await import('../mcp/answer-http.ts')).answerMcp;

type McpDeps = { service: Pick<Service, 'version'>; clock: Clock };

export function addMcpRoutes(app: ApiApp, { service, clock }: McpDeps): void {
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: MCP_PATH,
    summary: 'The service for MCP clients: streamable HTTP, without sessions',
    request: { body: jsonBody(MessageSchema, true) },
    responses: {
      200: json(MessageSchema, 'The JSON-RPC answer.'),
      202: { description: 'A notification was taken.' },
      400: {
        description: 'This is no message of JSON-RPC, or of an unknown version of the protocol.',
        content: { ...json(MessageSchema, '').content, ...onlyProblems(400)[400].content },
      },
      406: json(MessageSchema, 'The caller must accept application/json and text/event-stream.'),
      ...problems(408, 413),
    },
  });
  app.use(MCP_PATH, createBodyReader({ clock }));
  app.post(MCP_PATH, async (c) => {
    c.set('isAuditedElsewhere', true);
    const answer = await loadAnswer();
    const { version } = service;
    const request = c.req.raw;
    return answer({ request, version, client: clientFor(app, c) }, await request.clone().json());
  });
}

/** A client whose calls come from where this request came from. */
function clientFor(app: ApiApp, c: Context<ApiEnv>) {
  const carried = ['authorization', 'host', ...PROXY_HEADERS];
  const url = new URL(c.req.url);
  return createClient({
    url: url.origin,
    WebSocket: null,
    fetch: async (address, init) => {
      const headers = new Headers(init.headers);
      for (const name of carried) {
        const value = c.req.header(name);
        if (value !== undefined) headers.set(name, value);
      }
      return app.fetch(new Request(address, { ...init, headers }), c.env);
    },
  });
}
