// From the API's JSON schema to the fields of a form, and from edited texts back to a patch. Pure.

export type JsonSchema = {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  enum?: (string | null)[];
  anyOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  description?: string;
};

/** `path` is dotted, as the API names faults. `lines`: one text a line. `json`: anything else. */
export type Field = {
  path: string;
  kind: 'boolean' | 'integer' | 'choice' | 'text' | 'lines' | 'json';
  choices: string[];
  minimum: number | undefined;
  maximum: number | undefined;
  description: string | undefined;
};

/** Objects with named keys become their keys. */
export function fieldsOf(schema: JsonSchema, prefix = ''): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (inner.properties !== undefined) return fieldsOf(inner, path);
    const choices = (inner.enum ?? []).filter((choice) => choice !== null);
    const { minimum, maximum, description } = inner;
    return [{ path, kind: kindOf(inner), choices, minimum, maximum, description }];
  });
}

function kindOf(schema: JsonSchema): Field['kind'] {
  if (schema.enum !== undefined) return 'choice';
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  if (types[0] === 'boolean' || types[0] === 'integer') return types[0];
  if (types[0] === 'string') return 'text';
  if (types[0] === 'array' && schema.items?.type === 'string') return 'lines';
  return 'json';
}

export function valueAt(values: unknown, path: string): unknown {
  let value = values;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** What stands in the form for a value; nothing set is an empty text. */
export function textOf({ kind }: Field, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (kind === 'lines') return (value as string[]).join('\n');
  return kind === 'json' ? JSON.stringify(value, null, 2) : String(value);
}

/** The value for the patch; an empty text takes the setting back. A text that is no JSON is sent as it is: the API names the fault. */
export function typedValue({ kind }: Field, text: string): unknown {
  if (text.trim() === '') return null;
  switch (kind) {
    case 'boolean':
      return text === 'true';
    case 'integer':
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case 'lines':
      return text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
    case 'choice':
    case 'text':
      return text;
    case 'json':
      return parsed(text);
    default:
      return kind satisfies never;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON: perhaps a plain text is meant; what cannot be used is refused with its reason.
    return text;
  }
}

/** One nested patch of the fields that were edited, by dotted path. */
export function patchOf(edited: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const [path, value] of edited) {
    const keys = path.split('.');
    const last = keys.pop() as string;
    let place = patch;
    for (const key of keys) {
      place[key] ??= {};
      place = place[key] as Record<string, unknown>;
    }
    place[last] = value;
  }
  return patch;
}
