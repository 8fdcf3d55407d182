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
