// Calls outside of the queue pass the gates too: after a pause one of them goes first.

import type { Migration } from './migration.ts';

export const probes: Migration = {
  version: 9,
  name: 'probes',
  // Until then at the latest, a call is finding out whether the host answers again.
  statements: ['ALTER TABLE gates ADD COLUMN probe_until INTEGER NOT NULL DEFAULT 0'],
};
