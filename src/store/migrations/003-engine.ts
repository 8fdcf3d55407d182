// Which git engine works in a project, and why: a fact of the last look.

import type { Migration } from './migration.ts';

export const engine: Migration = {
  version: 3,
  name: 'engine',
  statements: ['ALTER TABLE projects ADD COLUMN engine TEXT CHECK (engine IS NULL OR json_valid(engine))'],
};
