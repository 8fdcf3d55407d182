// What a queue in a SQLite file cannot be faster than: the two transactions of a job through our driver, with a prepared
// statement for each row and nothing else: no search, no rule, no trigger, no JSON.

import { join } from 'node:path';
import Sqlite from 'libsql';
import type { QueueContender } from './queue-peers.ts';

/**
 * One row changed in each transaction; or as many rows as ours writes: job and event, then job, run and two events; or
 * these with the indexes that finding a job, its lock and the history need.
 */
export const LIMITS = ['two bare transactions', 'the same rows bare', 'the same rows and indexes'] as const;
export type Limit = (typeof LIMITS)[number];

const INDEXES = [
  "CREATE INDEX jobs_ready ON jobs(lane, rank, id) WHERE state = 'ready'",
  "CREATE UNIQUE INDEX jobs_lock ON jobs(lock) WHERE state = 'running'",
  'CREATE INDEX runs_job ON runs(job_id, finished_at)',
  'CREATE INDEX runs_finished ON runs(finished_at, id, status)',
];

const DATA = JSON.stringify({
  from: 'ready',
  trigger: 'watch',
  priority: 5,
  attempt: 1,
  runAt: null,
  error: null,
});

export async function openLimit(name: Limit, folder: string): Promise<QueueContender> {
  const sqlite = new Sqlite(join(folder, `${name.replaceAll(' ', '-')}.db`));
  // As ours: see src/store/local.ts.
  sqlite.exec('PRAGMA page_size = 1024');
  sqlite.exec('PRAGMA journal_mode = WAL');
  sqlite.exec('PRAGMA synchronous = NORMAL');
  sqlite.exec('PRAGMA wal_autocheckpoint = 8000');
  sqlite.exec(`CREATE TABLE jobs (id INTEGER PRIMARY KEY, lane INTEGER, rank INTEGER, lock TEXT, state TEXT,
    fence INTEGER NOT NULL DEFAULT 0)`);
  sqlite.exec(`CREATE TABLE runs (id INTEGER PRIMARY KEY, job_id INTEGER, fence INTEGER, status TEXT, started_at INTEGER,
    finished_at INTEGER)`);
  sqlite.exec(
    'CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER, type TEXT, job_id INTEGER, data TEXT)',
  );
  if (name === 'the same rows and indexes') for (const index of INDEXES) sqlite.exec(index);
  const job = sqlite.prepare('UPDATE jobs SET state = ?, fence = fence + 1 WHERE id = ?');
  const run = sqlite.prepare(
    'INSERT INTO runs(job_id, fence, status, started_at, finished_at) VALUES (?, ?, ?, ?, ?)',
  );
  const event = sqlite.prepare('INSERT INTO events(at, type, job_id, data) VALUES (?, ?, ?, ?)');
  const isWhole = name !== 'two bare transactions';
  let taken = 0n;
  const inTransaction = (act: () => void) => {
    sqlite.exec('BEGIN IMMEDIATE');
    act();
    sqlite.exec('COMMIT');
  };
  return {
    name,
    async fill(count) {
      sqlite.exec(`INSERT INTO jobs(lane, rank, lock, state)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
        SELECT 1, (SELECT coalesce(max(id), 0) FROM jobs) + i, 'remote:' || i, 'ready' FROM n`);
    },
    async pair() {
      taken += 1n;
      const at = BigInt(Date.now());
      inTransaction(() => {
        job.run('running', taken);
        if (isWhole) event.run(at, 'job.running', taken, DATA);
      });
      inTransaction(() => {
        job.run('idle', taken);
        if (!isWhole) return;
        run.run(taken, 1n, 'success', at, at);
        event.run(at, 'run.finished', taken, DATA);
        event.run(at, 'job.idle', taken, DATA);
      });
    },
    async close() {
      sqlite.close();
    },
  };
}
