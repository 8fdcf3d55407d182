// What a row of the table of settings says. Knows no setting.

import { z } from 'zod';

/** How a setting's environment variable is read. */
type EnvironmentForm = 'text' | 'integer' | 'boolean' | 'json' | 'paths' | 'list';

/**
 * - `live`: applies at once; - `restart`: saved, applies at the next start;
 * - `start-only`: needed before the database is open, or secret; never saved there.
 */
type Applies = 'live' | 'restart' | 'start-only';

export type Setting = {
  readonly schema: z.ZodType;
  readonly default: unknown;
  readonly env?: string;
  readonly form?: EnvironmentForm;
  readonly applies: Applies;
  readonly secret?: true;
  readonly doc: string;
};

/** The part of a row that says that its value is a whole number within bounds. */
export const integer = (min: number, max: number) =>
  ({ schema: z.int().min(min).max(max), form: 'integer' }) as const;
