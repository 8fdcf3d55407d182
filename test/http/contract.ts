// Holds answers against /openapi.json: the status must be documented for the route, and the body must be exactly of the
// documented shape: no field is missing, none is there that the document does not name.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

type Schema = { [key: string]: unknown };
type Operation = {
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
};
export type OpenApiDocument = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};
export type Route = { method: string; path: string; operation: Operation };

export function routesOf(document: OpenApiDocument): Route[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

/** The files of the page are named anew with every build. */
const UNDOCUMENTED = /^\/(?:style\.css|assets\/.*)$/;
/** Answered before any route is chosen. */
const WITHOUT_ROUTE = ['401', '403', '404', '405', '500', '503'];
const PROBLEM = 'application/problem+json';

export type ReceivedAnswer = { status: number; type: string | null; text: string };

export function createContract(document: OpenApiDocument) {
  const routes = routesOf(document).map((route) => ({ ...route, pattern: patternOf(route.path) }));
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(closed(document), 'openapi');
  const validators = new Map<string, ValidateFunction>();

  /** What is wrong with the answer, or null. `reached` is called with the route that the document names. */
  function check(method: string, address: string, answer: ReceivedAnswer): string | null {
    if (method === 'HEAD' || method === 'OPTIONS') return null;
    const path = decodePath(new URL(address, 'http://localhost').pathname);
    const route = routes.find((known) => known.method === method && known.pattern.test(path));
    if (route === undefined) return checkStray(path, answer);
    const response = route.operation.responses[answer.status];
    const name = `${method} ${route.path}`;
    if (response === undefined)
      return `${name} answers ${answer.status}, which is not documented: ${answer.text}`;
    reached.add(`${name} ${answer.status}`);
    const type = answer.type?.split(';')[0] ?? null;
    if (type === null || !type.endsWith('json')) return checkType(name, type, answer, response.content);
    const pointer = [
      'paths',
      route.path,
      method.toLowerCase(),
      'responses',
      answer.status,
      'content',
      type,
      'schema',
    ];
    if (response.content?.[type] === undefined) return `${name} answers ${answer.status} as ${type}`;
    return checkBody(name, pointer, answer);
  }

  function checkStray(path: string, answer: ReceivedAnswer): string | null {
    if (UNDOCUMENTED.test(path)) return null;
    if (!WITHOUT_ROUTE.includes(String(answer.status)))
      return `${path} answers ${answer.status} and is not documented`;
    if (answer.type !== PROBLEM) return `${path} answers ${answer.status} as ${answer.type}`;
    return checkBody(path, ['components', 'schemas', 'Problem'], answer);
  }

  function checkBody(
    name: string,
    pointer: (string | number)[],
    { status, text }: ReceivedAnswer,
  ): string | null {
    const reference = `openapi#/${pointer.map((part) => encodeURIComponent(escapePointer(String(part)))).join('/')}`;
    const validate = validators.get(reference) ?? ajv.compile({ $ref: reference });
    validators.set(reference, validate);
    if (validate(JSON.parse(text))) return null;
    const faults = validate.errors?.map(
      (error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
    );
    return `${name} answers ${status} with a body that is not documented: ${faults?.slice(0, 5).join('; ')}: ${text.slice(0, 500)}`;
  }

  /** `GET /api/sync/status 200`, for every documented status that was answered. */
  const reached = new Set<string>();
  return { check, reached, routes: routes.map(({ pattern: _pattern, ...route }) => route) };
}

function checkType(
  name: string,
  type: string | null,
  { status, text }: ReceivedAnswer,
  content: object = {},
): string | null {
  if (type === null ? text === '' : type in content) return null;
  return `${name} answers ${status} as ${type}, which is not documented`;
}

function patternOf(path: string): RegExp {
  const literal = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/\{[A-Za-z]+\}/g, '[^/]+')}$`);
}

// As the router does: what cannot be decoded stays as it is.
function decodePath(path: string): string {
  try {
    return decodeURI(path.replaceAll('%25', '%2525'));
  } catch {
    return path;
  }
}

const escapePointer = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');

/** The document with every object closed: a field that it does not name is a fault. */
function closed(document: OpenApiDocument): OpenApiDocument {
  return close(structuredClone(document)) as OpenApiDocument;
}

function close(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(close);
  if (typeof node !== 'object' || node === null) return node;
  const { schemas, ...rest } = node as { schemas?: Record<string, Schema> };
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, close(value)]));
  // A shared schema may be a part of another one: it is closed where it is used.
  if (schemas !== undefined && !('properties' in rest))
    inner.schemas = Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, opened(close(schema))]),
    );
  return closedSchema(inner);
}

function closedSchema(node: Schema): Schema {
  if (Array.isArray(node.allOf))
    return { ...node, allOf: node.allOf.map(opened), unevaluatedProperties: false };
  if (typeof node.$ref === 'string') return { allOf: [node], unevaluatedProperties: false };
  const isOpenObject = 'properties' in node && node.type !== undefined && !('additionalProperties' in node);
  return isOpenObject ? { ...node, unevaluatedProperties: false } : node;
}

function opened(node: unknown): unknown {
  const { unevaluatedProperties, ...rest } = node as Schema;
  if (unevaluatedProperties !== false) return node;
  const { allOf } = rest;
  return Array.isArray(allOf) && allOf.length === 1 ? allOf[0] : rest;
}
