// A sync writes fewer pages: each index that a row enters and leaves is one more page in each of its transactions.

import type { Migration } from './migration.ts';

export const fewerIndexes: Migration = {
  version: 12,
  name: 'fewer-indexes',
  statements: [
    // jobs_lock holds the running jobs, too: they are few.
    'DROP INDEX jobs_lease',
    // History is asked for by status only of what has finished.
    'DROP INDEX runs_status',
    'CREATE INDEX runs_status ON runs(status, finished_at) WHERE finished_at IS NOT NULL',
  ],
};
