// Times at which a project is due by the clock, quiet hours, and calls to a host that keep a distance.

import type { Migration } from './migration.ts';

const schedules = [
  // cron: the expression and its time zone for which cron_due_at was found; kept, so that a time that came while
  // nothing ran is noticed. quiet_from, quiet_until: the quiet hours that are now, or the next.
  'ALTER TABLE projects ADD COLUMN cron TEXT',
  'ALTER TABLE projects ADD COLUMN cron_due_at INTEGER',
  'ALTER TABLE projects ADD COLUMN quiet_from INTEGER',
  'ALTER TABLE projects ADD COLUMN quiet_until INTEGER',
  // Quiet hours that end early give back exactly what they had moved.
  `CREATE TRIGGER projects_quiet AFTER UPDATE OF quiet_until ON projects
   WHEN NEW.quiet_until IS NOT OLD.quiet_until BEGIN
     UPDATE jobs SET run_at = dirty_since, updated_at = (SELECT now FROM clock)
     WHERE project_id = NEW.id AND state = 'scheduled' AND run_at = OLD.quiet_until;
   END`,
];

const gates = [
  // The earliest instant of the next spaced call.
  'ALTER TABLE gates ADD COLUMN next_call_at INTEGER NOT NULL DEFAULT 0',
  // An outage is told of once, however often it is probed: when it begins, and when the host has answered.
  'DROP TRIGGER gates_paused',
  `CREATE TRIGGER gates_paused AFTER UPDATE OF paused_until ON gates
   WHEN NEW.paused_until > OLD.paused_until
     AND NOT (OLD.strikes > 0 AND OLD.reason IS 'offline' AND NEW.reason IS 'offline') BEGIN
     INSERT INTO events(at, type, data) VALUES (NEW.updated_at, 'gate.paused', json_object('key', NEW.key,
       'pausedUntil', NEW.paused_until, 'reason', NEW.reason, 'remaining', NEW.quota_remaining, 'limit', NEW.quota_limit));
   END`,
  'DROP TRIGGER gates_resumed',
  `CREATE TRIGGER gates_resumed AFTER UPDATE OF paused_until ON gates
   WHEN NEW.paused_until = 0 AND OLD.paused_until > 0 AND OLD.reason IS NOT 'offline' BEGIN
     INSERT INTO events(at, type, data) VALUES (NEW.updated_at, 'gate.resumed', json_object('key', NEW.key));
   END`,
  `CREATE TRIGGER gates_answered AFTER UPDATE OF strikes ON gates
   WHEN NEW.strikes = 0 AND OLD.strikes > 0 AND OLD.reason IS 'offline' BEGIN
     INSERT INTO events(at, type, data) VALUES (NEW.updated_at, 'gate.resumed', json_object('key', NEW.key));
   END`,
];

export const scheduleTimes: Migration = {
  version: 8,
  name: 'schedules',
  statements: [...schedules, ...gates],
};
