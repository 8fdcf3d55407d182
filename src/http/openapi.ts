// GET /openapi.json: the contract for programs, from the schemas that validate. GET /docs: the same for a person.

import { html } from 'hono/html';
import type { ApiApp } from './api-app.ts';
import { answerPage } from './page-frame.ts';

type Operation = { summary?: string };
type Paths = Record<string, Record<string, Operation>>;

/** Call it last: it describes the routes that are there. The document is built at its first use. */
export function addOpenApiRoutes(app: ApiApp, { version }: { version: string }): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  let built: ReturnType<typeof app.getOpenAPI31Document> | undefined;
  const document = () => {
    built ??= app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'gitferry',
        version,
        description: 'Keeps every project folder on a machine safely on GitHub, by itself, and proves it.',
      },
      security: [{}, { bearer: [] }],
    });
    return built;
  };
  app.get('/openapi.json', (c) => c.json(document()));
  app.get('/docs', (c) => answerPage(c, 200, 'API', routeTable(document().paths as Paths)));
}

function routeTable(paths: Paths) {
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(
      ([method, { summary }]) =>
        html`<tr><td><code>${method.toUpperCase()}</code></td><td><code>${path}</code></td><td>${summary}</td></tr>`,
    ),
  );
  return html`<p>The whole contract, with every field and error: <a href="/openapi.json">openapi.json</a>.</p>
    <table><thead><tr><th>Method</th><th>Path</th><th>What it does</th></tr></thead><tbody>${rows}</tbody></table>`;
}
