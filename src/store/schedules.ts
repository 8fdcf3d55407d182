// What is stored of each project's times: when its cron times come next, and its quiet hours. Knows no rule for them.

import type { ProjectId } from '../model/ids.ts';
import type { QuietWindow } from '../model/schedule.ts';
import type { Database } from './database.ts';

export type StoredTimes = {
  /** The expression and zone for which `dueAt` was found, as one text; null without any. */
  cron: string | null;
  /** When the cron times come next; one that is over has not been acted upon. Epoch milliseconds. */
  dueAt: number | null;
  /** The quiet hours that are now, or the next. */
  quiet: QuietWindow | null;
};

export const NO_TIMES: StoredTimes = { cron: null, dueAt: null, quiet: null };

/** Of the machine's projects, those that have any. */
export async function listTimes(db: Database, machineId: string): Promise<Map<ProjectId, StoredTimes>> {
  const rows = await db.run(
    `SELECT project_id, cron, cron_due_at, quiet_from, quiet_until FROM projects
     WHERE machine_id = :machineId AND (cron IS NOT NULL OR quiet_until IS NOT NULL)`,
    { machineId },
  );
  return new Map(
    rows.map((row) => {
      const { cron, cron_due_at: dueAt, quiet_from: from, quiet_until: until } = row;
      const quiet = from === null || until === null ? null : { from: Number(from), until: Number(until) };
      return [
        String(row.project_id) as ProjectId,
        { cron: cron as string | null, dueAt: dueAt as number | null, quiet },
      ];
    }),
  );
}

/** Quiet hours that end earlier than was stored give back what waits for their end. */
export async function saveTimes(db: Database, projectId: ProjectId, times: StoredTimes): Promise<void> {
  const { cron, dueAt, quiet } = times;
  await db.run(
    `UPDATE projects SET cron = :cron, cron_due_at = :dueAt, quiet_from = :from, quiet_until = :until
     WHERE project_id = :projectId`,
    { projectId, cron, dueAt, from: quiet?.from ?? null, until: quiet?.until ?? null },
  );
}
