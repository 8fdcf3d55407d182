// Every migration in order. To change the schema: a new numbered file and a row here; never edit a released one.

import { init } from './001-init.ts';
import { runOrder } from './002-run-order.ts';

/** Runs as one transaction. Versions grow by one. */
export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
};

export const MIGRATIONS: readonly Migration[] = [init, runOrder];
