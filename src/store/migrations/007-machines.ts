// Several machines on one queue: a machine that falls silent is told of, once, and so is its return.

import type { Migration } from './migration.ts';

// A machine is alive while one of its processes is. `state` is what becomes of the machine by this change.
const TOLD = (state: string) => `
  INSERT INTO events(at, type, data)
  SELECT (SELECT now FROM clock), 'machine.state', json_object('machineId', NEW.machine_id, 'state', ${state},
    'version', NEW.version, 'lastHeartbeatAt', NEW.seen_at)
  WHERE NOT EXISTS (SELECT 1 FROM workers w
    WHERE w.machine_id = NEW.machine_id AND w.id <> NEW.id AND w.state = 'up');`;

const STATE = `CASE NEW.state WHEN 'up' THEN 'alive' ELSE NEW.state END`;

export const machines: Migration = {
  version: 7,
  name: 'machines',
  statements: [
    // Since when the process was seen without a gap: who was cut off itself may call nobody else silent.
    'ALTER TABLE workers ADD COLUMN steady_since INTEGER NOT NULL DEFAULT 0',
    `CREATE TRIGGER workers_added AFTER INSERT ON workers WHEN NEW.state = 'up' BEGIN ${TOLD(STATE)} END`,
    `CREATE TRIGGER workers_state AFTER UPDATE OF state ON workers WHEN NEW.state <> OLD.state BEGIN ${TOLD(STATE)} END`,
  ],
};
