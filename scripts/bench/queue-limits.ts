// What a queue in a SQLite file cannot be faster than: the two transactions of a job through our driver, with a prepared
// statement for each row and nothing else: no search, no rule, no trigger, no index, no JSON.

import { join } from 'node:path';
import Sqlite from 'libsql';
import type { QueueContender } from './queue-peers.ts';

/** One row changed in each transaction; or as many rows as ours writes: job, run and event, then job, run and two events. */
export type Limit = 'two bare transactions' | 'the same rows bare';
export const LIMITS: readonly Limit[] = ['two bare transactions', 'the same rows bare'];

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
  sqlite.exec('PRAGMA journal_mode = WAL');
  sqlite.exec('PRAGMA synchronous = NORMAL');
  // As ours: see src/store/local.ts.
  sqlite.exec('PRAGMA wal_autocheckpoint = 2000');
  sqlite.exec('CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT, fence INTEGER NOT NULL DEFAULT 0)');
  sqlite.exec('CREATE TABLE runs (id INTEGER PRIMARY KEY, job_id INTEGER, status TEXT, started_at INTEGER)');
  sqlite.exec(
    'CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER, type TEXT, job_id INTEGER, data TEXT)',
  );
  const job = sqlite.prepare('UPDATE jobs SET state = ?, fence = fence + 1 WHERE id = ?');
  const run = sqlite.prepare('INSERT INTO runs(id, job_id, started_at) VALUES (?, ?, ?)');
  const end = sqlite.prepare('UPDATE runs SET status = ? WHERE id = ?');
  const event = sqlite.prepare('INSERT INTO events(at, type, job_id, data) VALUES (?, ?, ?, ?)');
  const isWhole = name === 'the same rows bare';
  let taken = 0n;
  const inTransaction = (act: () => void) => {
    sqlite.exec('BEGIN IMMEDIATE');
    act();
    sqlite.exec('COMMIT');
  };
  return {
    name,
    async fill(count) {
      sqlite.exec(`INSERT INTO jobs(state) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
        SELECT 'ready' FROM n`);
    },
    async pair() {
      taken += 1n;
      const at = BigInt(Date.now());
      inTransaction(() => {
        job.run('running', taken);
        if (!isWhole) return;
        run.run(taken, taken, at);
        event.run(at, 'job.running', taken, DATA);
      });
      inTransaction(() => {
        job.run('idle', taken);
        if (!isWhole) return;
        end.run('success', taken);
        event.run(at, 'run.finished', taken, DATA);
        event.run(at, 'job.idle', taken, DATA);
      });
    },
    async close() {
      sqlite.close();
    },
  };
}
