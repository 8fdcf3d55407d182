// What a tool is, and how one is written down. Knows the client and nothing of MCP's messages.

import { z } from 'zod';
import type { Client } from '../client/index.ts';

/** `signal` ends a call that nobody waits for any more. */
export type ToolCall = { client: Client; signal: AbortSignal };

export type Tool = {
  name: string;
  title: string;
  description: string;
  input: z.ZodObject;
  /** `reads` changes nothing; `acts` can be repeated and undone; `restores` writes files in a work tree. */
  kind: 'reads' | 'acts' | 'restores';
  run(call: ToolCall, input: unknown): Promise<Record<string, unknown>>;
};

/** Keeps the type of what goes in between schema and function; it is checked before `run`. */
export function tool<Shape extends z.ZodRawShape>(told: {
  name: string;
  title: string;
  description: string;
  input: Shape;
  kind: Tool['kind'];
  run(call: ToolCall, input: z.output<z.ZodObject<Shape>>): Promise<Record<string, unknown>>;
}): Tool {
  return { ...told, input: z.strictObject(told.input), run: told.run as Tool['run'] };
}

export const projectId = z
  .string()
  .min(1)
  .max(200)
  .describe('The id of a project, as list_projects gives it.');
export const limit = z.int().min(1).max(500).optional().describe('Most entries of the answer.');
export const cursor = z.string().optional().describe('nextCursor of the answer before.');

/** What is left out is not sent. */
export function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
