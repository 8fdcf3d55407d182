// The first schema: projects, their jobs, runs, events, gates, lanes, workers and settings.
// Runs and events are written by triggers, in the transaction that changes the job, so they cannot disagree.
// Instants are epoch milliseconds of the database's clock; `updated_at` is the "now" of every job statement.

const keyed = [
  `CREATE VIEW clock(now) AS SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)`,
  // epoch: changes when the database was replaced. events_pruned_through: the newest event id no longer kept.
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID, STRICT`,
  `INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(16)))), ('events_pruned_through', 0)`,
  `CREATE TABLE settings (
     key TEXT PRIMARY KEY, value TEXT NOT NULL CHECK (json_valid(value)), updated_at INTEGER NOT NULL
   ) WITHOUT ROWID, STRICT`,
  `CREATE TABLE workers (
     id TEXT PRIMARY KEY, machine_id TEXT NOT NULL, boot_id TEXT, pid INTEGER, pid_start TEXT, version TEXT,
     started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
     state TEXT NOT NULL DEFAULT 'up' CHECK (state IN ('up', 'stopped', 'dead'))
   ) WITHOUT ROWID, STRICT`,
  `CREATE INDEX workers_machine ON workers(machine_id, state)`,
];

const gates = [
  // paused_until: 0 when open. strikes: pauses since the last success; while above 0, one job at a time passes.
  `CREATE TABLE gates (
     key TEXT PRIMARY KEY, paused_until INTEGER NOT NULL DEFAULT 0, strikes INTEGER NOT NULL DEFAULT 0,
     reason TEXT, quota_limit INTEGER, quota_remaining INTEGER, quota_reset_at INTEGER,
     updated_at INTEGER NOT NULL DEFAULT 0
   ) WITHOUT ROWID, STRICT`,
  `CREATE INDEX gates_paused ON gates(paused_until) WHERE paused_until > 0`,
  `CREATE TABLE lanes (
     id INTEGER PRIMARY KEY, machine_id TEXT NOT NULL,
     host_gate TEXT NOT NULL REFERENCES gates(key), credential_gate TEXT NOT NULL REFERENCES gates(key),
     UNIQUE (machine_id, host_gate, credential_gate)
   ) STRICT`,
];

const projects = [
  // id is internal; project_id is the public name. lock_key is equal for work trees of one repository.
  // AUTOINCREMENT: an id is never used again, so a late answer about a removed project cannot hit another.
  `CREATE TABLE projects (
     id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL UNIQUE, project_name TEXT NOT NULL,
     machine_id TEXT NOT NULL, path TEXT NOT NULL, lane_id INTEGER NOT NULL REFERENCES lanes(id),
     lock_key TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
     quiet_ms INTEGER NOT NULL DEFAULT 2000, max_wait_ms INTEGER NOT NULL DEFAULT 60000,
     min_interval_ms INTEGER NOT NULL DEFAULT 10000,
     config TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(config)),
     config_home TEXT NOT NULL DEFAULT 'database' CHECK (config_home IN ('file', 'database')),
     paused_until INTEGER,
     branch TEXT, pending_files INTEGER NOT NULL DEFAULT 0, unpushed_commits INTEGER NOT NULL DEFAULT 0,
     behind_commits INTEGER NOT NULL DEFAULT 0,
     held_files TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(held_files)),
     remote_tips TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(remote_tips)),
     blocked TEXT CHECK (json_valid(blocked)), last_safe_at INTEGER, last_activity_at INTEGER,
     created_at INTEGER NOT NULL, UNIQUE (machine_id, path)
   ) STRICT`,
  // Not left to foreign keys: a remote server's connections may have them switched off.
  `CREATE TRIGGER projects_removed BEFORE DELETE ON projects BEGIN
     DELETE FROM runs WHERE project_id = OLD.id;
     DELETE FROM jobs WHERE project_id = OLD.id;
   END`,
  `CREATE TRIGGER projects_moved AFTER UPDATE OF lane_id, lock_key ON projects
   WHEN NEW.lane_id <> OLD.lane_id OR NEW.lock_key <> OLD.lock_key BEGIN
     UPDATE jobs SET lane_id = NEW.lane_id, lock_key = NEW.lock_key WHERE project_id = NEW.id;
   END`,
  // Waiting work of a disabled project is dropped (a scan finds it again); a running job ends by itself.
  `CREATE TRIGGER projects_disabled AFTER UPDATE OF enabled ON projects WHEN NEW.enabled = 0 AND OLD.enabled = 1 BEGIN
     UPDATE jobs SET state = 'idle', claimed_gen = want_gen, done_gen = want_gen, attempt = 0, crashes = 0, forced = 0,
       ask_remote = 0, dirty_since = NULL, run_at = NULL, rank = NULL, updated_at = (SELECT now FROM clock)
     WHERE project_id = NEW.id AND state IN ('scheduled', 'ready', 'parked');
   END`,
  // Enabling lifts a parking: the person who did it wants another try.
  `CREATE TRIGGER projects_enabled AFTER UPDATE OF enabled ON projects WHEN NEW.enabled = 1 AND OLD.enabled = 0 BEGIN
     UPDATE jobs SET state = 'scheduled', attempt = 0, crashes = 0, run_at = dirty_since,
       updated_at = (SELECT now FROM clock)
     WHERE project_id = NEW.id AND state = 'parked';
   END`,
  // A pause moves the waiting job to its end; resuming takes back exactly what a pause had moved.
  `CREATE TRIGGER projects_paused AFTER UPDATE OF paused_until ON projects
   WHEN NEW.paused_until IS NOT OLD.paused_until BEGIN
     UPDATE jobs SET run_at = dirty_since, updated_at = (SELECT now FROM clock)
     WHERE project_id = NEW.id AND state = 'scheduled' AND run_at = OLD.paused_until;
     UPDATE jobs SET state = 'scheduled', run_at = max(coalesce(run_at, 0), NEW.paused_until), rank = NULL,
       updated_at = (SELECT now FROM clock)
     WHERE project_id = NEW.id AND state IN ('scheduled', 'ready') AND NEW.paused_until IS NOT NULL;
   END`,
];

const jobs = [
  // One row per (project, kind). Generations: every change bumps want_gen, a claim copies it to claimed_gen, finishing
  // copies that to done_gen; so changes coalesce and none that arrives during a run is lost.
  // dirty_since: since when something waits; null when nothing does. started_at: of the latest claim, kept afterwards.
  // rank orders what is ready, smallest first. fence grows with every claim; every settle names (id, fence).
  `CREATE TABLE jobs (
     id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects(id),
     kind TEXT NOT NULL DEFAULT 'sync', lane_id INTEGER NOT NULL REFERENCES lanes(id), lock_key TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('idle', 'scheduled', 'ready', 'running', 'parked')),
     priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 10),
     forced INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)),
     trigger_kind TEXT NOT NULL CHECK (trigger_kind IN ('watch', 'scan', 'api', 'webhook', 'schedule', 'retry')),
     ask_remote INTEGER NOT NULL DEFAULT 0 CHECK (ask_remote IN (0, 1)),
     want_gen INTEGER NOT NULL DEFAULT 0, claimed_gen INTEGER NOT NULL DEFAULT 0, done_gen INTEGER NOT NULL DEFAULT 0,
     dirty_since INTEGER, run_at INTEGER, rank INTEGER,
     attempt INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
     fence INTEGER NOT NULL DEFAULT 0, worker_id TEXT, lease_until INTEGER, started_at INTEGER,
     last_status TEXT, last_error TEXT CHECK (json_valid(last_error)), last_stats TEXT CHECK (json_valid(last_stats)),
     updated_at INTEGER NOT NULL,
     UNIQUE (project_id, kind),
     CHECK ((state = 'running') = (worker_id IS NOT NULL)),
     CHECK ((state = 'running') = (lease_until IS NOT NULL)),
     CHECK (state <> 'scheduled' OR run_at IS NOT NULL),
     CHECK ((state = 'ready') = (rank IS NOT NULL)),
     CHECK (state NOT IN ('scheduled', 'ready', 'parked') OR dirty_since IS NOT NULL),
     CHECK (done_gen <= claimed_gen AND claimed_gen <= want_gen),
     CHECK (state <> 'idle' OR (done_gen = want_gen AND dirty_since IS NULL))
   ) STRICT`,
  // The last line of defence: two running jobs of one repository cannot be written.
  `CREATE UNIQUE INDEX jobs_lock ON jobs(lock_key) WHERE state = 'running'`,
  `CREATE INDEX jobs_ready ON jobs(lane_id, rank, id) WHERE state = 'ready'`,
  `CREATE INDEX jobs_due ON jobs(run_at) WHERE state = 'scheduled'`,
  `CREATE INDEX jobs_lease ON jobs(lease_until) WHERE state = 'running'`,
  `CREATE INDEX jobs_parked ON jobs(id) WHERE state = 'parked'`,
];

const history = [
  // status is null while it runs. worker_id, fence: who ran it, and under which claim.
  `CREATE TABLE runs (
     id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects(id),
     job_id INTEGER NOT NULL, fence INTEGER NOT NULL, worker_id TEXT NOT NULL, kind TEXT NOT NULL,
     trigger_kind TEXT NOT NULL, attempt INTEGER NOT NULL, gen INTEGER NOT NULL,
     status TEXT CHECK (status IN ('success', 'failed', 'retrying', 'no-change', 'blocked', 'conflict', 'crashed')),
     commit_id TEXT, branch TEXT, files_changed INTEGER NOT NULL DEFAULT 0, bytes_pushed INTEGER NOT NULL DEFAULT 0,
     remotes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(remotes)), error TEXT CHECK (json_valid(error)),
     started_at INTEGER NOT NULL, finished_at INTEGER,
     UNIQUE (job_id, fence), CHECK ((status IS NULL) = (finished_at IS NULL))
   ) STRICT`,
  `CREATE INDEX runs_project ON runs(project_id, id)`,
  `CREATE INDEX runs_status ON runs(status, id)`,
  `CREATE INDEX runs_finished ON runs(finished_at) WHERE finished_at IS NOT NULL`,
  // Kept by trigger, so that figures over a million runs cost one small read; pruning history leaves them.
  `CREATE TABLE run_totals (
     status TEXT PRIMARY KEY, runs INTEGER NOT NULL DEFAULT 0, duration_ms INTEGER NOT NULL DEFAULT 0
   ) WITHOUT ROWID, STRICT`,
  `INSERT INTO run_totals(status) VALUES
     ('success'), ('failed'), ('retrying'), ('no-change'), ('blocked'), ('conflict'), ('crashed')`,
  // project_id is the public id, without a foreign key: events outlive their project.
  `CREATE TABLE events (
     id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, project_id TEXT, job_id INTEGER,
     data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data))
   ) STRICT`,
];

const triggers = [
  `CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.updated_at, 'job.' || NEW.state, p.project_id, NEW.id, json_object('from', NULL,
       'trigger', NEW.trigger_kind, 'priority', NEW.priority, 'attempt', NEW.attempt, 'runAt', NEW.run_at, 'error', NULL)
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
  // One trigger, because the order between several is not defined: the run closes or opens, then the job's event.
  `CREATE TRIGGER jobs_state AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
     UPDATE runs SET finished_at = NEW.updated_at, status = NEW.last_status, error = NEW.last_error,
       commit_id = NEW.last_stats ->> '$.commit', branch = NEW.last_stats ->> '$.branch',
       files_changed = coalesce(NEW.last_stats ->> '$.filesChanged', 0),
       bytes_pushed = coalesce(NEW.last_stats ->> '$.bytesPushed', 0),
       remotes = coalesce(NEW.last_stats -> '$.remotes', '[]')
     WHERE OLD.state = 'running' AND job_id = OLD.id AND fence = OLD.fence;
     INSERT INTO runs(project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, started_at)
     SELECT NEW.project_id, NEW.id, NEW.fence, NEW.worker_id, NEW.kind,
       iif(NEW.attempt > 1, 'retry', NEW.trigger_kind), NEW.attempt, NEW.claimed_gen, NEW.started_at
     WHERE NEW.state = 'running';
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.updated_at, 'job.' || NEW.state, p.project_id, NEW.id, json_object('from', OLD.state,
       'trigger', iif(NEW.attempt > 1, 'retry', NEW.trigger_kind), 'priority', NEW.priority, 'attempt', NEW.attempt,
       'runAt', NEW.run_at, 'error', json(NEW.last_error))
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
  `CREATE TRIGGER runs_finished AFTER UPDATE OF finished_at ON runs
   WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN
     UPDATE run_totals SET runs = runs + 1, duration_ms = duration_ms + NEW.finished_at - NEW.started_at
     WHERE status = NEW.status;
     INSERT INTO events(at, type, project_id, job_id, data)
     SELECT NEW.finished_at, 'run.finished', p.project_id, NEW.job_id, json_object('runId', NEW.id,
       'status', NEW.status, 'trigger', NEW.trigger_kind, 'attempt', NEW.attempt,
       'durationMs', NEW.finished_at - NEW.started_at, 'commit', NEW.commit_id, 'branch', NEW.branch,
       'filesChanged', NEW.files_changed, 'bytesPushed', NEW.bytes_pushed, 'error', json(NEW.error))
     FROM projects p WHERE p.id = NEW.project_id;
   END`,
  `CREATE TRIGGER gates_paused AFTER UPDATE OF paused_until ON gates WHEN NEW.paused_until > OLD.paused_until BEGIN
     INSERT INTO events(at, type, data) VALUES (NEW.updated_at, 'gate.paused', json_object('key', NEW.key,
       'pausedUntil', NEW.paused_until, 'reason', NEW.reason, 'remaining', NEW.quota_remaining, 'limit', NEW.quota_limit));
   END`,
  `CREATE TRIGGER gates_resumed AFTER UPDATE OF paused_until ON gates
   WHEN NEW.paused_until = 0 AND OLD.paused_until > 0 BEGIN
     INSERT INTO events(at, type, data) VALUES (NEW.updated_at, 'gate.resumed', json_object('key', NEW.key));
   END`,
];

export const init = {
  version: 1,
  name: 'init',
  statements: [...keyed, ...gates, ...projects, ...jobs, ...history, ...triggers],
};
