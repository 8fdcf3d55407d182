// Real databases for tests: a temporary file, or a real server; and rows to begin with.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import type { JobId, ProjectId } from '../../src/model/ids.ts';
import type { JobState } from '../../src/model/job.ts';
import type { Database } from '../../src/store/database.ts';
import { LANE_ID, laneStatements } from '../../src/store/lanes.ts';
import { openDatabase } from '../../src/store/open.ts';
import { type Sqld, sqldMissing, startSqld } from './sqld.ts';

export const databaseDeps = { clock: systemClock, random: systemRandom, log: silentLog };

/** A folder that is removed after the file's tests. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'gitferry-db-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

const EMPTY = [
  ...['projects', 'runs', 'lanes', 'gates', 'workers', 'settings', 'events'].map((table) => ({
    sql: `DELETE FROM ${table}`,
  })),
  { sql: "UPDATE meta SET value = 0 WHERE key = 'events_pruned_through'" },
];

/**
 * Runs the same tests against a local file and a real server; `db()` is empty at the start of each test.
 * Without a server binary the second half is skipped by name.
 */
export function describeDatabases(name: string, define: (db: () => Database) => void): void {
  describe(`${name} in a local file`, () => {
    let db: Database;
    let folder: { path: string; remove(): Promise<void> };
    beforeAll(async () => {
      folder = await temporaryFolder();
      db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
    });
    beforeEach(async () => void (await db.batch(EMPTY)));
    afterAll(async () => {
      await db.close();
      await folder.remove();
    });
    define(() => db);
  });
  if (sqldMissing) {
    test.skip(`${name} on a libSQL server: SKIPPED, ${sqldMissing}`, () => {});
    return;
  }
  describe(`${name} on a libSQL server`, () => {
    let db: Database;
    let sqld: Sqld;
    beforeAll(async () => {
      sqld = await startSqld();
      db = await openDatabase({ url: sqld.url }, databaseDeps);
    });
    beforeEach(async () => void (await db.batch(EMPTY)));
    afterAll(async () => {
      await db.close();
      await sqld.stop();
    });
    define(() => db);
  });
}

export type ProjectRow = {
  machineId?: string;
  hostGate?: string;
  credentialGate?: string;
  lockKey?: string;
  enabled?: boolean;
  quietMs?: number;
  maxWaitMs?: number;
  minIntervalMs?: number;
  pausedUntil?: number | null;
};

/** Adds a project with its lane; timings default to 0, so that jobs are due at once. */
export async function addProjectRow(
  db: Database,
  projectId: string,
  row: ProjectRow = {},
): Promise<ProjectId> {
  const machineId = row.machineId ?? 'laptop';
  const hostGate = row.hostGate ?? 'host:github.com';
  const credentialGate = row.credentialGate ?? 'credential:github.com';
  await db.batch([
    ...laneStatements({ machineId, hostGate, credentialGate }),
    {
      sql: `INSERT INTO projects(project_id, project_name, machine_id, path, lane_id, lock_key, enabled, quiet_ms,
              max_wait_ms, min_interval_ms, paused_until, created_at)
            VALUES (:projectId, :projectId, :machineId, '/p/' || :projectId, ${LANE_ID}, :lockKey, :enabled, :quietMs,
              :maxWaitMs, :minIntervalMs, :pausedUntil, 0)`,
      args: {
        projectId,
        machineId,
        hostGate,
        credentialGate,
        lockKey: row.lockKey ?? `${machineId}:${projectId}`,
        enabled: row.enabled ?? true,
        quietMs: row.quietMs ?? 0,
        maxWaitMs: row.maxWaitMs ?? 60_000,
        minIntervalMs: row.minIntervalMs ?? 0,
        pausedUntil: row.pausedUntil ?? null,
      },
    },
  ]);
  return projectId as ProjectId;
}

export type JobRow = {
  id: JobId;
  state: JobState;
  priority: number;
  run_at: number | null;
  rank: number | null;
  attempt: number;
  crashes: number;
  fence: number;
  want_gen: number;
  done_gen: number;
  started_at: number | null;
  lease_until: number | null;
  last_error: string | null;
};

export async function readJobRow(db: Database, projectId: string): Promise<JobRow> {
  const rows = await db.run(
    'SELECT j.* FROM jobs j JOIN projects p ON p.id = j.project_id WHERE p.project_id = :projectId',
    { projectId },
  );
  if (rows.length !== 1) throw new Error(`${rows.length} jobs of ${projectId}`);
  return rows[0] as JobRow;
}

export async function readEvents(
  db: Database,
): Promise<{ id: number; type: string; projectId: string | null; data: Record<string, unknown> }[]> {
  const rows = await db.run('SELECT id, type, project_id, data FROM events ORDER BY id');
  return rows.map((row) => ({
    id: Number(row.id),
    type: String(row.type),
    projectId: row.project_id as string | null,
    data: JSON.parse(String(row.data)),
  }));
}
