// What a person let pass the guard once, and the deletions that wait for their word.

import type { Migration } from './migration.ts';

export const releases: Migration = {
  version: 6,
  name: 'releases',
  statements: [
    // Released contents: a JSON list of {path, oid}. The digest of the deletions that were confirmed.
    `ALTER TABLE projects ADD COLUMN released_files TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(released_files))`,
    'ALTER TABLE projects ADD COLUMN confirmed_deletions TEXT',
    // {deleted, tracked, digest}
    'ALTER TABLE projects ADD COLUMN refused_deletions TEXT CHECK (json_valid(refused_deletions))',
  ],
};
