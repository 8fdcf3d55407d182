// The contract as a page for a person: every route with its parameters, body and answers. No script.

import { html } from 'hono/html';

type Parameter = {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: { type?: string; enum?: unknown[]; default?: unknown; description?: string };
};
type Content = Record<string, { schema?: unknown }>;
type Operation = {
  summary?: string;
  description?: string;
  operationId?: string;
  'x-role'?: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};
export type Paths = Record<string, Record<string, Operation>>;

export function showContract(paths: Paths) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      showOperation(method.toUpperCase(), path, operation),
    ),
  );
  return html`<p>The whole contract, with every field and error: <a href="/openapi.json">openapi.json</a>.</p>
    ${operations}`;
}

function showOperation(method: string, path: string, operation: Operation) {
  const { summary, parameters = [], requestBody, responses } = operation;
  const role = operation['x-role'];
  return html`<details id="${operation.operationId}">
    <summary><code>${method} ${path}</code> ${summary}</summary>
    <p class="quiet">${role === undefined ? 'Needs no token.' : `Needs the role ${role}.`}</p>
    ${parameters.length > 0 ? showParameters(parameters) : ''}
    ${requestBody === undefined ? '' : html`<p>Body: ${schemaName(requestBody.content)}</p>`}
    <table><thead><tr><th>Answer</th><th>When</th><th>Body</th></tr></thead>
    <tbody>${Object.entries(responses).map(
      ([status, { description, content = {} }]) =>
        html`<tr><td>${status}</td><td>${description}</td><td>${schemaName(content)}</td></tr>`,
    )}</tbody></table>
  </details>`;
}

function showParameters(parameters: readonly Parameter[]) {
  const rows = parameters.map(({ name, in: place, required, description, schema = {} }) => {
    const words = [description ?? schema.description, schema.enum?.join(', '), required ? 'required' : ''];
    const text = words.filter((word) => word !== undefined && word !== '').join(' · ');
    const fallback = schema.default === undefined ? '' : `default ${schema.default}`;
    return html`<tr><td><code>${name}</code></td><td>${place}</td><td>${schema.type} ${fallback}</td><td>${text}</td></tr>`;
  });
  return html`<table><thead><tr><th>Value</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead>
    <tbody>${rows}</tbody></table>`;
}

/** The name of a shared schema, or the names of the fields of one that has no name. */
function schemaName(content: Content) {
  const found = Object.entries(content).map(([type, { schema = {} }]) => {
    const { $ref, properties } = schema as { $ref?: string; properties?: object };
    const name = $ref?.split('/').at(-1) ?? Object.keys(properties ?? {}).join(', ');
    return html`<code>${type}</code> ${name} `;
  });
  return html`${found}`;
}
