// Which files a conflict concerns, and what a person chose for them.

import type { Migration } from './migration.ts';

export const conflicts: Migration = {
  version: 4,
  name: 'conflicts',
  statements: [
    // A JSON list of {path, ours, theirs}. The choice is for exactly this list and goes when the list changes.
    `ALTER TABLE projects ADD COLUMN conflict_files TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(conflict_files))`,
    `ALTER TABLE projects ADD COLUMN conflict_choice TEXT CHECK (conflict_choice IN ('mine', 'theirs', 'both'))`,
  ],
};
