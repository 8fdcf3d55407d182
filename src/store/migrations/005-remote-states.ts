// Mirrors have a state, a backoff and a last safe instant of their own.

import type { Migration } from './migration.ts';

export const remoteStates: Migration = {
  version: 5,
  name: 'remote-states',
  statements: [
    `ALTER TABLE projects ADD COLUMN remote_states TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(remote_states))`,
  ],
};
