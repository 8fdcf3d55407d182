// A sync writes fewer rows and pages: its run is written once, when it ends, with what the job kept of its claim, and the
// feed counts its ids by itself. For a job taken and settled 13 pages are written instead of 18.

import type { Migration } from './migration.ts';

const claims = [
  // What the job was claimed for: a change that comes meanwhile may bring another trigger.
  'ALTER TABLE jobs ADD COLUMN claimed_trigger TEXT',
  `UPDATE jobs SET claimed_trigger = (
     SELECT r.trigger_kind FROM runs r WHERE r.job_id = jobs.id AND r.fence = jobs.fence)
   WHERE state = 'running'`,
];

const runs = [
  'DROP TRIGGER jobs_state',
  'DROP TRIGGER runs_finished',
  // Those of jobs that run now are written anew when they end.
  'DELETE FROM runs WHERE finished_at IS NULL',
  // One trigger, because the order between several is not defined: the run that ends, with its event, then the job's.
  `CREATE TRIGGER jobs_state AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
     INSERT INTO runs(project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, status, commit_id, branch,
       files_changed, bytes_pushed, remotes, error, started_at, finished_at)
     SELECT OLD.project_id, OLD.id, OLD.fence, OLD.worker_id, OLD.kind,
       coalesce(OLD.claimed_trigger, iif(OLD.attempt > 1, 'retry', OLD.trigger_kind)), OLD.attempt, OLD.claimed_gen,
       NEW.last_status, NEW.last_stats ->> '$.commit', NEW.last_stats ->> '$.branch',
       coalesce(NEW.last_stats ->> '$.filesChanged', 0), coalesce(NEW.last_stats ->> '$.bytesPushed', 0),
       coalesce(NEW.last_stats -> '$.remotes', '[]'), NEW.last_error, OLD.started_at, NEW.updated_at
     WHERE OLD.state = 'running';
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.updated_at, 'job.' || NEW.state, p.project_id, NEW.id, json_object('from', OLD.state,
       'trigger', iif(NEW.attempt > 1, 'retry', NEW.trigger_kind), 'priority', NEW.priority, 'attempt', NEW.attempt,
       'runAt', NEW.run_at, 'error', json(NEW.last_error))
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
  `CREATE TRIGGER runs_finished AFTER INSERT ON runs WHEN NEW.finished_at IS NOT NULL BEGIN
     UPDATE run_totals SET runs = runs + 1, duration_ms = duration_ms + NEW.finished_at - NEW.started_at
     WHERE status = NEW.status;
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.finished_at, 'run.finished', p.project_id, NEW.job_id, json_object('runId', NEW.id,
       'status', NEW.status, 'trigger', NEW.trigger_kind, 'attempt', NEW.attempt,
       'durationMs', NEW.finished_at - NEW.started_at, 'commit', NEW.commit_id, 'branch', NEW.branch,
       'filesChanged', NEW.files_changed, 'bytesPushed', NEW.bytes_pushed, 'error', json(NEW.error))
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
];

// Without AUTOINCREMENT, whose own table is one more page in every transaction: pruning leaves the newest event, and the
// next id is the one after it.
const events = [
  // None is left to count on from: whoever listened starts over.
  `UPDATE meta SET value = CASE key WHEN 'epoch' THEN lower(hex(randomblob(16))) ELSE 0 END
   WHERE key IN ('epoch', 'events_pruned_through') AND NOT EXISTS (SELECT 1 FROM events)
     AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events' AND seq > 0)`,
  'CREATE TABLE kept_events AS SELECT * FROM events',
  'DROP TABLE events',
  `CREATE TABLE events (
     id INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, project_id TEXT, job_id INTEGER,
     data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data))
   ) STRICT`,
  'INSERT INTO events SELECT id, at, type, project_id, job_id, data FROM kept_events ORDER BY id',
  'DROP TABLE kept_events',
];

export const endedRuns: Migration = {
  version: 15,
  name: 'ended-runs',
  statements: [...claims, ...runs, ...events],
};
