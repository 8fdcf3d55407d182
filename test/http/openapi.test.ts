// /openapi.json as others will read it: by linters, generators and people.

import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFixture, type Fixture } from './api-fixture.ts';
import { type OpenApiDocument, routesOf } from './contract.ts';

let api: Fixture;
let text: string;
let document: OpenApiDocument;
beforeAll(async () => {
  api = await createFixture();
  const answer = await api.get('/openapi.json');
  text = answer.text;
  document = answer.body;
});
afterAll(() => api.close());

test("the document has no fault under Redocly's recommended rules", async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source: text, config });
  expect(
    problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`),
  ).toEqual([]);
});

test('the linter would find a fault', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const broken = { ...document, paths: { '/x': { get: { responses: {} } } } };
  expect((await lintFromString({ source: JSON.stringify(broken), config })).length).toBeGreaterThan(0);
});

test('every route of the service is described, and no other', () => {
  const served = api.app.routes
    .filter(({ method, path }) => method !== 'ALL' && path !== '/style.css' && path !== '/assets/:name')
    .map(({ method, path }) => `${method} ${path.replace(/:([A-Za-z]+)/g, '{$1}')}`);
  const described = routesOf(document).map(({ method, path }) => `${method} ${path}`);
  expect(described.sort()).toEqual([...new Set(served)].sort());
});

test('every route has an id of its own, a summary, and the role that it needs', () => {
  const ids = new Set<string>();
  for (const { method, path, operation } of routesOf(document)) {
    const named = operation as typeof operation & { operationId: string; summary: string; 'x-role'?: string };
    expect(named.operationId, path).toMatch(/^[a-z]+([A-Z][A-Za-z]*)*$/);
    expect(ids.has(named.operationId), named.operationId).toBe(false);
    ids.add(named.operationId);
    expect(named.summary.length, path).toBeGreaterThan(10);
    const isOpen = ['GET /', 'GET /health', 'POST /api/webhooks/github'].includes(`${method} ${path}`);
    expect(named['x-role'] === undefined, path).toBe(isOpen);
  }
});

type Shape = {
  type?: string | string[];
  format?: string;
  $ref?: string;
  allOf?: Shape[];
  anyOf?: Shape[];
  enum?: unknown[];
  properties?: Record<string, Shape>;
  required?: string[];
};
const shapeOf = (shape: Shape): Shape =>
  shape.$ref === undefined
    ? shape
    : shapeOf((document.components.schemas[shape.$ref.split('/').at(-1) ?? ''] ?? {}) as Shape);

/** With what its parts have. */
function propertiesOf(shape: Shape): Record<string, Shape> {
  const { allOf = [], properties = {} } = shapeOf(shape);
  return Object.assign({}, ...allOf.map(propertiesOf), properties);
}

/** Pages, forms of other standards, and what only looks whether somebody is there. */
const OTHER_FORMS = ['GET /', 'GET /health', 'POST /mcp', 'GET /openapi.json'];

test('every success says so, and every failure is a problem with a code', () => {
  let successes = 0;
  for (const { method, path, operation } of routesOf(document)) {
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      const name = `${method} ${path} ${status}`;
      const success = content['application/json']?.schema;
      if (success !== undefined && !OTHER_FORMS.includes(`${method} ${path}`)) {
        successes += 1;
        expect(shapeOf(propertiesOf(success).success ?? {}).enum, name).toEqual([true]);
      }
      if (Number(status) < 400 || OTHER_FORMS.includes(`${method} ${path}`)) continue;
      const problem = content['application/problem+json']?.schema;
      const fields = ['success', 'type', 'title', 'status', 'detail', 'code', 'action'];
      expect(Object.keys(propertiesOf(problem ?? {})), name).toEqual(expect.arrayContaining(fields));
      expect(shapeOf(problem ?? {}).required, name).toEqual(expect.arrayContaining(fields));
    }
  }
  expect(successes).toBeGreaterThan(40);
});

test('every list is paged alike', () => {
  // Lists that are mostly looked at as a whole.
  const large = ['GET /api/sync/projects', 'GET /api/sync/projects/{projectId}/held'];
  const lists = routesOf(document).filter(({ operation }) =>
    operation.parameters?.some(({ name }) => name === 'cursor'),
  );
  expect(lists.length).toBeGreaterThan(8);
  for (const { method, path, operation } of lists) {
    const name = `${method} ${path}`;
    const limit = operation.parameters?.find((parameter) => parameter.name === 'limit')?.schema;
    expect(limit, name).toMatchObject({ minimum: 1, maximum: 500, default: large.includes(name) ? 500 : 50 });
    const answer = operation.responses[200]?.content?.['application/json']?.schema ?? {};
    expect([shapeOf(propertiesOf(answer).nextCursor ?? {}).type].flat().sort(), name).toEqual([
      'null',
      'string',
    ]);
  }
});

test('instants are texts with a time zone, and durations are whole milliseconds that say so in their name', () => {
  const HISTORIC = ['scanInterval', 'retryDelay', 'rateLimitDelay'];
  const found = { instants: 0, durations: 0 };
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties = {} } = node as Shape;
    for (const [name, property] of Object.entries(properties)) {
      const { type, format } = shapeOf(property);
      const types = [type].flat().filter((each) => each !== 'null');
      if (/(?:At|Until|Since|^at|^since|^until)$/.test(name) && name !== 'nextSince') {
        found.instants += 1;
        expect([types, format], name).toEqual([['string'], 'date-time']);
      }
      if (/Ms$/.test(name)) {
        found.durations += 1;
        expect(types, name).toEqual([
          name === 'averageDurationMs' || name === 'p95DurationMs' ? 'number' : 'integer',
        ]);
      }
      const isDuration = /(?:duration|interval|delay|timeout|uptime|grace|age)$/i.test(name);
      if (isDuration && types.some((each) => each === 'integer' || each === 'number')) {
        expect(HISTORIC, name).toContain(name);
      }
    }
    for (const child of Object.values(node)) walk(child);
  };
  walk(document);
  expect(found.instants).toBeGreaterThan(30);
  expect(found.durations).toBeGreaterThan(15);
});

test('no shared schema is null by itself: that would be null wherever it is used', () => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect([schema.type].flat(), name).not.toContain('null');
  }
});

test('GET /docs shows every route to a person, without script', async () => {
  const { status, text: page } = await api.get('/docs');
  expect(status).toBe(200);
  for (const { method, path } of routesOf(document)) expect(page).toContain(`${method} ${path}`);
  expect(page).toContain('Needs the role operator.');
  expect(page).not.toContain('<script');
  expect(page).not.toContain('undefined');
});
