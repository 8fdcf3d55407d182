// History for tests, as the schema's triggers would write it.

import type { RunStatus } from '../../src/model/run.ts';
import type { Database } from '../../src/store/database.ts';

export type StoredRun = {
  status?: RunStatus;
  startedAt?: number;
  /** Null while it runs. */
  finishedAt: number | null;
};

/** Adds runs of a project in this order. */
export async function addRun(db: Database, projectId: string, runs: readonly StoredRun[]): Promise<void> {
  const list = runs.map(({ status = 'success', finishedAt, startedAt = (finishedAt ?? 0) - 10 }) => ({
    status: finishedAt === null ? null : status,
    startedAt,
    finishedAt,
  }));
  await db.run(
    `INSERT INTO runs(id, project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, started_at, status,
       finished_at)
     WITH last(id) AS (SELECT max(coalesce((SELECT max(id) FROM runs), 0),
       coalesce((SELECT value FROM meta WHERE key = 'runs_counted_through'), 0)))
     SELECT last.id + e.key + 1, p.id, 1, last.id + e.key + 1, 'w', 'sync', 'watch', 1, 1,
       e.value ->> 'startedAt', e.value ->> 'status', e.value ->> 'finishedAt'
     FROM last CROSS JOIN json_each(:runs) e CROSS JOIN projects p WHERE p.project_id = :projectId ORDER BY e.key`,
    { projectId, runs: JSON.stringify(list) },
  );
}
