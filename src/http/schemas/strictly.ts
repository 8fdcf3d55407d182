// Turns a schema for stored settings (unknown keys kept, defaults filled in) into one for requests:
// unknown keys refused at every depth, every key optional, `null` to take a key away, no defaults.

import { z } from '@hono/zod-openapi';

/** Only checks: hand on the request's own value, not the parsed one, when the original schema has defaults. */
export function strictly(schema: z.ZodObject): z.ZodObject {
  const shape: Record<string, z.ZodType> = {};
  for (const [key, value] of Object.entries(schema.shape)) {
    shape[key] = strictValue(value as z.ZodType)
      .nullable()
      .optional();
  }
  return z.strictObject(shape);
}

function strictValue(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return strictValue(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodObject) return strictly(schema);
  return schema;
}
