// What a person insisted on stays insisted on when the run that was begun for it gives way or is released.

import type { Migration } from './migration.ts';

export const claimedForce: Migration = {
  version: 14,
  name: 'claimed-force',
  statements: [
    // Whether the job was forced when it was claimed last.
    'ALTER TABLE jobs ADD COLUMN claimed_forced INTEGER NOT NULL DEFAULT 0 CHECK (claimed_forced IN (0, 1))',
  ],
};
