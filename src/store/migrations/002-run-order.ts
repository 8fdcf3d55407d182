// History is read by the time runs finished: in all, of one project, of one status. With these indexes a page costs
// the same with a million runs as with a hundred.

import type { Migration } from './migration.ts';

export const runOrder: Migration = {
  version: 2,
  name: 'run-order',
  statements: [
    'DROP INDEX runs_project',
    'CREATE INDEX runs_project ON runs(project_id, finished_at)',
    'DROP INDEX runs_status',
    'CREATE INDEX runs_status ON runs(status, finished_at)',
  ],
};
