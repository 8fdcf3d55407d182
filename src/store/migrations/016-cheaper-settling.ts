// A job taken and settled costs fewer pages and less checking: a run that succeeded is in two indexes instead of four, its
// id and its figures are kept without pages of their own, and the rules of a job are one look at its state.

import type { Migration } from './migration.ts';

const removed = [
  'DROP TRIGGER jobs_added',
  'DROP TRIGGER jobs_state',
  'DROP TRIGGER runs_finished',
  'DROP TRIGGER projects_removed',
];

const jobs = [
  // Ids are never used again: how far they were counted is kept while the table is made anew.
  `CREATE TABLE kept_count AS SELECT seq FROM sqlite_sequence WHERE name = 'jobs'`,
  'CREATE TABLE kept_jobs AS SELECT * FROM jobs',
  'DROP TABLE jobs',
  // What is asked of each state, and nothing else. No IN of more than two: SQLite makes a table of it for every row.
  `CREATE TABLE jobs (
     id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects(id),
     kind TEXT NOT NULL DEFAULT 'sync', lane_id INTEGER NOT NULL REFERENCES lanes(id), lock_key TEXT NOT NULL,
     state TEXT NOT NULL,
     priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 10),
     forced INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)),
     trigger_kind TEXT NOT NULL CHECK (trigger_kind = 'watch' OR trigger_kind = 'scan' OR trigger_kind = 'api'
       OR trigger_kind = 'webhook' OR trigger_kind = 'schedule' OR trigger_kind = 'retry'),
     ask_remote INTEGER NOT NULL DEFAULT 0 CHECK (ask_remote IN (0, 1)),
     want_gen INTEGER NOT NULL DEFAULT 0, claimed_gen INTEGER NOT NULL DEFAULT 0, done_gen INTEGER NOT NULL DEFAULT 0,
     dirty_since INTEGER, run_at INTEGER, rank INTEGER,
     attempt INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
     fence INTEGER NOT NULL DEFAULT 0, worker_id TEXT, lease_until INTEGER, started_at INTEGER,
     last_status TEXT, last_error TEXT CHECK (json_valid(last_error)), last_stats TEXT CHECK (json_valid(last_stats)),
     updated_at INTEGER NOT NULL,
     claimed_forced INTEGER NOT NULL DEFAULT 0 CHECK (claimed_forced IN (0, 1)), claimed_trigger TEXT,
     UNIQUE (project_id, kind),
     CHECK (done_gen <= claimed_gen AND claimed_gen <= want_gen),
     CHECK (CASE state
       WHEN 'running' THEN worker_id IS NOT NULL AND lease_until IS NOT NULL AND rank IS NULL
       WHEN 'idle' THEN worker_id IS NULL AND lease_until IS NULL AND rank IS NULL AND dirty_since IS NULL
         AND done_gen = want_gen
       WHEN 'scheduled' THEN worker_id IS NULL AND lease_until IS NULL AND rank IS NULL AND dirty_since IS NOT NULL
         AND run_at IS NOT NULL
       WHEN 'ready' THEN worker_id IS NULL AND lease_until IS NULL AND rank IS NOT NULL AND dirty_since IS NOT NULL
       WHEN 'parked' THEN worker_id IS NULL AND lease_until IS NULL AND rank IS NULL AND dirty_since IS NOT NULL
       ELSE 0 END)
   ) STRICT`,
  'INSERT INTO jobs SELECT * FROM kept_jobs ORDER BY id',
  `DELETE FROM sqlite_sequence WHERE name = 'jobs'`,
  `INSERT INTO sqlite_sequence(name, seq) SELECT 'jobs', seq FROM kept_count`,
  'DROP TABLE kept_jobs',
  'DROP TABLE kept_count',
  // The last line of defence: two running jobs of one repository cannot be written.
  `CREATE UNIQUE INDEX jobs_lock ON jobs(lock_key) WHERE state = 'running'`,
  `CREATE INDEX jobs_ready ON jobs(lane_id, rank, id) WHERE state = 'ready'`,
  `CREATE INDEX jobs_due ON jobs(run_at) WHERE state = 'scheduled'`,
  `CREATE INDEX jobs_parked ON jobs(id) WHERE state = 'parked'`,
];

/** Adds to the figures what is not in them yet. */
const COUNT = `
     UPDATE counted_runs SET runs = counted_runs.runs + n.runs, duration_ms = counted_runs.duration_ms + n.duration_ms
     FROM (SELECT status, count(*) AS runs, sum(finished_at - started_at) AS duration_ms FROM runs
       WHERE id > (SELECT value FROM meta WHERE key = 'runs_counted_through') AND finished_at IS NOT NULL
       GROUP BY +status) n
     WHERE counted_runs.status = n.status;
     UPDATE meta SET value = max(value, coalesce((SELECT max(id) FROM runs), 0)) WHERE key = 'runs_counted_through';`;

const runs = [
  `INSERT INTO meta VALUES ('runs_counted_through',
     coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0))`,
  // Without AUTOINCREMENT, whose own table is one more page for each run: see runs_deleted. One run a claim: the fence of
  // a job grows with each (jobs_state), and its run is written in the change that ends the claim.
  `CREATE TABLE new_runs (
     id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id),
     job_id INTEGER NOT NULL, fence INTEGER NOT NULL, worker_id TEXT NOT NULL, kind TEXT NOT NULL,
     trigger_kind TEXT NOT NULL, attempt INTEGER NOT NULL, gen INTEGER NOT NULL,
     status TEXT CHECK (status = 'success' OR status = 'no-change' OR status = 'failed' OR status = 'retrying'
       OR status = 'blocked' OR status = 'conflict' OR status = 'crashed'),
     commit_id TEXT, branch TEXT, files_changed INTEGER NOT NULL DEFAULT 0, bytes_pushed INTEGER NOT NULL DEFAULT 0,
     remotes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(remotes)), error TEXT CHECK (json_valid(error)),
     started_at INTEGER NOT NULL, finished_at INTEGER,
     CHECK ((status IS NULL) = (finished_at IS NULL))
   ) STRICT`,
  // Copied once: there may be a million.
  'INSERT INTO new_runs SELECT * FROM runs ORDER BY id',
  'DROP TABLE runs',
  'ALTER TABLE new_runs RENAME TO runs',
  'CREATE INDEX runs_project ON runs(project_id, finished_at)',
  // With the status, because those that succeeded are in no index by it: they are the most, and found here.
  'CREATE INDEX runs_finished ON runs(finished_at, id, status) WHERE finished_at IS NOT NULL',
  `CREATE INDEX runs_status ON runs(status, finished_at) WHERE finished_at IS NOT NULL AND status <> 'success'`,
];

const figures = [
  `CREATE TABLE counted_runs (
     status TEXT PRIMARY KEY, runs INTEGER NOT NULL DEFAULT 0, duration_ms INTEGER NOT NULL DEFAULT 0
   ) WITHOUT ROWID, STRICT`,
  'INSERT INTO counted_runs SELECT status, runs, duration_ms FROM run_totals',
  'DROP TABLE run_totals',
  `CREATE VIEW run_totals(status, runs, duration_ms) AS
     SELECT c.status, c.runs + count(r.id), c.duration_ms + coalesce(sum(r.finished_at - r.started_at), 0)
     FROM counted_runs c LEFT JOIN runs r ON r.id > (SELECT value FROM meta WHERE key = 'runs_counted_through')
       AND +r.status = c.status
     GROUP BY c.status`,
  `CREATE TRIGGER runs_counted AFTER INSERT ON runs WHEN NEW.id % 64 = 0 BEGIN${COUNT}
   END`,
  // What is deleted stays in the figures, and the newest id is remembered.
  `CREATE TRIGGER runs_deleted BEFORE DELETE ON runs
   WHEN OLD.id > (SELECT value FROM meta WHERE key = 'runs_counted_through') BEGIN${COUNT}
   END`,
];

const triggers = [
  `CREATE TRIGGER projects_removed BEFORE DELETE ON projects BEGIN
     DELETE FROM runs WHERE project_id = OLD.id;
     DELETE FROM jobs WHERE project_id = OLD.id;
   END`,
  `CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.updated_at, 'job.' || NEW.state, p.project_id, NEW.id, json_object('from', NULL,
       'trigger', NEW.trigger_kind, 'priority', NEW.priority, 'attempt', NEW.attempt, 'runAt', NEW.run_at, 'error', NULL)
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
  // One trigger, because the order between several is not defined: the run that ends, with its event, then the job's.
  `CREATE TRIGGER jobs_state AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
     SELECT RAISE(ABORT, 'a claim needs a new fence') WHERE NEW.state = 'running' AND NEW.fence <= OLD.fence;
     INSERT INTO runs(id, project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, status, commit_id, branch,
       files_changed, bytes_pushed, remotes, error, started_at, finished_at)
     SELECT max(coalesce((SELECT max(id) FROM runs), 0), (SELECT value FROM meta WHERE key = 'runs_counted_through')) + 1,
       OLD.project_id, OLD.id, OLD.fence, OLD.worker_id, OLD.kind,
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
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.finished_at, 'run.finished', p.project_id, NEW.job_id, json_object('runId', NEW.id,
       'status', NEW.status, 'trigger', NEW.trigger_kind, 'attempt', NEW.attempt,
       'durationMs', NEW.finished_at - NEW.started_at, 'commit', NEW.commit_id, 'branch', NEW.branch,
       'filesChanged', NEW.files_changed, 'bytesPushed', NEW.bytes_pushed, 'error', json(NEW.error))
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
];

export const cheaperSettling: Migration = {
  version: 16,
  name: 'cheaper-settling',
  statements: [...removed, ...jobs, ...runs, ...figures, ...triggers],
};
