// Every route has its method, with the arguments that it takes: a new route without one fails here.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { ROUTES } from '../../src/client/routes.ts';
import { createFixture, type Fixture } from '../http/api-fixture.ts';

/** Routes that are for others than programs which control the service, and for whom. */
const NOT_FOR_CLIENTS: Record<string, string> = {
  'POST /mcp': 'MCP clients, which speak JSON-RPC',
  'POST /api/webhooks/github': 'GitHub, which signs what it sends',
  'GET /': 'people',
  'GET /docs': 'people',
  'GET /metrics': 'Prometheus',
  'GET /openapi.json': 'generators of clients',
};

type Operation = { requestBody?: unknown; parameters?: { name: string; in: string }[] };

let api: Fixture;
let operations: Map<string, Operation>;

beforeAll(async () => {
  api = await createFixture();
  const { body } = await api.get('/openapi.json');
  operations = new Map(
    Object.entries(body.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]),
    ),
  );
});
afterAll(() => api.close());

test('every route of the API has a method, and every method a route', () => {
  expect(operations.size).toBeGreaterThan(30);
  const covered = Object.values(ROUTES).map(({ method, path }) => `${method} ${path}`);
  expect([...covered, ...Object.keys(NOT_FOR_CLIENTS)].sort()).toEqual([...operations.keys()].sort());
});

test('a method sends each argument to where the route takes it', async () => {
  const sent: { method: string; url: URL; body: string | null }[] = [];
  const client = createClient({
    url: 'http://localhost:3001',
    async fetch(url, { method = '', body }) {
      sent.push({ method, url: new URL(url), body: (body as string | undefined) ?? null });
      return Response.json({ success: true });
    },
  });
  for (const [name, { method, path, input }] of Object.entries(ROUTES)) {
    const { requestBody, parameters = [] } = operations.get(`${method} ${path}`) as Operation;
    const inPath = parameters
      .filter((parameter) => parameter.in === 'path')
      .map((parameter) => parameter.name);
    const inQuery = parameters.filter((parameter) => parameter.in === 'query');
    const call = client[name as keyof typeof ROUTES] as (...args: unknown[]) => Promise<unknown>;
    await call(...inPath.map((argument) => `a/b ${argument}`), { limit: 7 });
    const { method: used, url, body } = sent.at(-1) ?? expect.fail('nothing was sent');
    expect(used, name).toBe(method);
    const filled = path.replace(/\{(\w+)\}/g, (_, argument) => encodeURIComponent(`a/b ${argument}`));
    expect(url.pathname, name).toBe(filled);
    expect(url.search, name).toBe(input === 'query' ? '?limit=7' : '');
    expect(body, name).toBe(input === 'body' ? '{"limit":7}' : null);
    if (input === 'query') expect(inQuery.length, `${name} takes a query`).toBeGreaterThan(0);
    if (input === 'body') expect(requestBody, `${name} takes a body`).toBeDefined();
    if (input === null) expect(inQuery, `${name} takes no query`).toEqual([]);
  }
});
