// GET /openapi.json: the contract for programs, from the schemas that validate. GET /docs: the same for a person.

import { z } from '@hono/zod-openapi';
import { isOpenPath } from './access.ts';
import type { ApiApp } from './api-app.ts';
import { type Paths, showContract } from './docs-page.ts';
import { answerPage } from './page-frame.ts';
import { roleFor } from './roles.ts';
import { onlyProblems, problems } from './schemas/common.ts';

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'SYNC_API_TOKEN, or a named token.' },
  ticket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'From POST /api/sync/tickets.' },
} as const;

const INFO = {
  title: 'gitferry',
  description: 'Keeps every project folder on a machine safely on GitHub, by itself, and proves it.',
  license: { name: 'MIT', identifier: 'MIT' },
};

const page = (description: string) => ({
  description,
  content: { 'text/html': { schema: z.string() } },
});

/** Call it last: it describes the routes that are there. The document is built at its first use. */
export function addOpenApiRoutes(app: ApiApp, { version }: { version: string }): void {
  let built: ReturnType<typeof app.getOpenAPI31Document> | undefined;
  const document = () => {
    built ??= describe(app, version);
    return built;
  };
  registerOwnRoutes(app);
  app.get('/openapi.json', (c) => c.json(document()));
  app.get('/docs', (c) => answerPage(c, 200, 'API', showContract(document().paths as Paths)));
}

function registerOwnRoutes({ openAPIRegistry: registry }: ApiApp): void {
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES))
    registry.registerComponent('securitySchemes', name, scheme);
  registry.registerPath({
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    responses: {
      200: { description: 'It.', content: { 'application/json': { schema: z.looseObject({}) } } },
      ...problems(),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/docs',
    summary: 'This document for a person',
    responses: { 200: page('A page.'), ...problems() },
  });
  registry.registerPath({
    method: 'get',
    path: '/',
    summary: 'The page on which a person sees and does everything; needs no token and holds no data',
    security: [],
    responses: { 200: page('The page.'), 503: page('It was not built yet.'), ...onlyProblems(403) },
  });
}

function describe(app: ApiApp, version: string) {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { ...INFO, version },
    servers: [{ url: '/', description: 'The service that answers this document.' }],
    security: [{}, { bearer: [] }],
  });
  for (const [path, operations] of Object.entries(document.paths as Paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      operation.operationId ??= operationIdOf(method, path);
      if (isOpenPath(method.toUpperCase(), path)) continue;
      const role = roleFor(method.toUpperCase(), path.replace(/\{([A-Za-z]+)\}/g, ':$1'));
      operation.description ??= `Needs the role \`${role}\`.`;
      operation['x-role'] = role;
    }
  }
  return document;
}

/** `GET /api/sync/history/{projectId}` becomes `getHistoryByProjectId`. */
function operationIdOf(method: string, path: string): string {
  const words = path
    .replace(/^\/api\/sync\//, '/')
    .replace(/\{([A-Za-z]+)\}/g, 'by-$1')
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== '');
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('') || method;
}
