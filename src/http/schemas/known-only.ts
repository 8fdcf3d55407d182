// Shows of stored settings only what the schema names: keys of other programs stay inside.

import { z } from '@hono/zod-openapi';

/** The part of `value` that `schema` describes, at every depth; nothing is checked or filled in. */
export function knownOnly(schema: z.ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return knownOnly(schema.unwrap() as z.ZodType, value);
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((inner) => knownOnly(schema.element as z.ZodType, inner));
  }
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null) return value;
  const known = Object.entries(schema.shape).filter(([key]) => Object.hasOwn(value, key));
  return Object.fromEntries(
    known.map(([key, inner]) => [
      key,
      knownOnly(inner as z.ZodType, (value as Record<string, unknown>)[key]),
    ]),
  );
}
