// docs/api-reference.md, written from the contract: every route with its parameters, body and answers, and every shape.

type Schema = {
  $ref?: string;
  type?: string | string[];
  format?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
};
type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: Schema };
type Content = Record<string, { schema?: Schema }>;
type Operation = {
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};
export type Contract = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

const HEAD = `# API reference

Written by \`npm run docs\` from the contract that a running service answers at \`GET /openapi.json\`. [API](api.md) explains it.
A field with \`?\` may be left out. Every route also answers 401, 403, 404, 405, 500 and 503 as [Problem](#problem) where it applies.
`;

/** Answered before any route is chosen, so they are not said of each. */
const OF_ALL_ROUTES = new Set(['401', '403', '404', '405', '500', '503']);

export function apiReference({ paths, components }: Contract): string {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => routeSection(method, path, operation)),
  );
  const shapes = Object.entries(components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => shapeSection(name, schema));
  return [HEAD, '## Routes\n', ...routes, '## Shapes\n', ...shapes].join('\n').replace(/\n+$/, '\n');
}

function routeSection(method: string, path: string, operation: Operation): string {
  const { summary = '', description, parameters = [], requestBody, responses } = operation;
  const shown = path.replace(/\{(\w+)\}/g, ':$1');
  const rows = parameters.map(({ name, in: place, required, description: said, schema = {} }) => [
    `\`${name}\`${required ? '' : '?'}`,
    place,
    typeOf(schema),
    plain(said ?? schema.description ?? ''),
  ]);
  const answers = Object.entries(responses)
    .filter(([status, { content }]) => !(OF_ALL_ROUTES.has(status) && isProblem(content)))
    .map(([status, { description: said, content }]) => [status, plain(said), contentOf(content)]);
  return [
    `### ${method.toUpperCase()} ${shown}\n`,
    `${plain(summary)}. ${plain(description ?? 'Needs no token.')}\n`,
    ...(rows.length === 0 ? [] : [`${narrowTable(['Value', 'In', 'Type', 'What it means'], rows)}\n`]),
    ...(requestBody === undefined ? [] : [`Body: ${contentOf(requestBody.content)}\n`]),
    `${narrowTable(['Answer', 'When', 'Body'], answers)}\n`,
  ].join('\n');
}

function shapeSection(name: string, schema: Schema): string {
  const fields = fieldsOf(schema);
  const said = schema.description === undefined ? '' : `${plain(schema.description)}\n\n`;
  if (fields.length === 0) return `### ${name}\n\n${said}${typeOf(schema)}\n`;
  return `### ${name}\n\n${said}${narrowTable(['Field', 'Type', 'What it means'], fields)}\n`;
}

/** Fields of objects without a name are listed with those of the one they are in. */
function fieldsOf(schema: Schema, prefix = ''): string[][] {
  const parts = schema.allOf?.flatMap((part) => fieldsOf(part, prefix)) ?? [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const isRequired = schema.required?.includes(key) === true;
    const row = [
      `\`${prefix}${key}\`${isRequired ? '' : '?'}`,
      typeOf(value),
      plain(value.description ?? ''),
    ];
    const inner = innerObject(value);
    return [row, ...(inner === null ? [] : fieldsOf(inner.schema, `${prefix}${key}${inner.suffix}.`))];
  });
  return [...parts, ...own];
}

function innerObject(schema: Schema): { schema: Schema; suffix: string } | null {
  if (schema.properties !== undefined) return { schema, suffix: '' };
  if (schema.items?.properties !== undefined) return { schema: schema.items, suffix: '[]' };
  const objects = (schema.anyOf ?? []).filter((part) => part.properties !== undefined);
  return objects.length === 1 ? { schema: objects[0] as Schema, suffix: '' } : null;
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return linkTo(schema.$ref);
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return [...new Set(either.map(typeOf))].join(' or ');
  if (schema.allOf !== undefined) return schema.allOf.map(typeOf).join(' and ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  const names = [schema.type ?? 'anything'].flat();
  const fallback = schema.default === undefined ? '' : `, default \`${JSON.stringify(schema.default)}\``;
  return `${names.join(' or ')}${boundsOf(schema)}${fallback}`;
}

function boundsOf({ minimum, maximum, minLength, maxLength, format }: Schema): string {
  const isWide = (value: number | undefined) =>
    value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER;
  const words = [
    format,
    isWide(minimum) ? undefined : `from ${minimum}`,
    isWide(maximum) ? undefined : `to ${maximum}`,
    minLength === undefined ? undefined : `at least ${minLength} characters`,
    maxLength === undefined ? undefined : `at most ${maxLength} characters`,
  ].filter((word) => word !== undefined);
  return words.length === 0 ? '' : ` (${words.join(' ')})`;
}

function contentOf(content: Content | undefined): string {
  const shapes = Object.entries(content ?? {}).map(([type, { schema = {} }]) => {
    const fields = Object.entries(schema.properties ?? {}).map(
      ([key, value]) => `\`${key}\`${schema.required?.includes(key) ? '' : '?'}: ${typeOf(value)}`,
    );
    const shape = fields.length === 0 ? typeOf(schema) : fields.join('; ');
    return type.endsWith('json') ? shape : `\`${type}\``;
  });
  return [...new Set(shapes)].join(' or ');
}

function isProblem(content: Content | undefined): boolean {
  return Object.keys(content ?? {}).every((type) => type === 'application/problem+json');
}

function linkTo(ref: string): string {
  const name = ref.split('/').at(-1) ?? '';
  return `[${name}](#${name.toLowerCase()})`;
}

/** Words of the contract as words of a document: no line breaks, and nothing that Markdown would take apart. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('<', '&lt;').trim();
}

/** Not padded: the widest of so many cells would make the file five times as large. */
function narrowTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
