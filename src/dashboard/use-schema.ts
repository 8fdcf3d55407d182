// A named schema of the API's own description, for forms.

import { useLoad } from './page-context.ts';
import type { JsonSchema } from './schema-fields.ts';

type Document = { components: { schemas: Record<string, JsonSchema> } };

/** Null until it is there. */
export function useSchema(name: 'GithubPatch' | 'ConfigPatch'): JsonSchema | null {
  const { value } = useLoad((api) => api.get<Document>('/openapi.json'), []);
  return value?.components.schemas[name] ?? null;
}
