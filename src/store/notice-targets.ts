// How far each target of notices has come: the last that it has had, and when it is tried again. Knows no target.

import type { Notice, NoticeTarget, NoticeTargetName } from '../model/notice.ts';
import type { Database } from './database.ts';
import { noticeOf } from './notices.ts';

type Key = { machineId: string; target: NoticeTargetName };

/** A target that is new begins with what comes from now on; one that is gone from the settings is forgotten. */
export async function keepTargets(
  db: Database,
  machineId: string,
  targets: readonly NoticeTargetName[],
): Promise<void> {
  const args = { machineId, targets: JSON.stringify(targets) };
  await db.batch([
    {
      sql: `DELETE FROM notice_targets WHERE machine_id = :machineId
              AND target NOT IN (SELECT value FROM json_each(:targets))`,
      args,
    },
    {
      sql: `INSERT INTO notice_targets(machine_id, target, sent_through)
            SELECT :machineId, value, coalesce((SELECT max(id) FROM notices WHERE state = 'released'), 0)
            FROM json_each(:targets) WHERE true ON CONFLICT(machine_id, target) DO NOTHING`,
      args,
    },
  ]);
}

/** How each target stands; instants are epoch milliseconds. */
export async function listTargets(db: Database, machineId: string): Promise<NoticeTarget[]> {
  const rows = await db.run(
    `SELECT t.*, (SELECT count(*) FROM notices n WHERE n.machine_id = t.machine_id AND n.state = 'released'
       AND n.id > t.sent_through) AS waiting
     FROM notice_targets t WHERE t.machine_id = :machineId ORDER BY t.target DESC`,
    { machineId },
  );
  return rows.map((row) => ({
    target: row.target as NoticeTargetName,
    waiting: Number(row.waiting),
    lastSentAt: row.sent_at as number | null,
    failing:
      row.failing_since === null
        ? null
        : {
            since: Number(row.failing_since),
            attempts: Number(row.attempts),
            error: String(row.error),
            nextTryAt: Number(row.next_try_at),
          },
  }));
}

/** What the target has not had: the newest `limit` by id, and how many older ones there are. */
export async function readUnsent(
  db: Database,
  { machineId, target, limit }: Key & { limit: number },
): Promise<{ notices: Notice[]; omitted: number }> {
  const rows = await db.run(
    `SELECT n.*, count(*) OVER () AS total FROM notices n JOIN notice_targets t
       ON t.machine_id = n.machine_id AND t.target = :target AND n.id > t.sent_through
     WHERE n.machine_id = :machineId AND n.state = 'released' ORDER BY n.id DESC LIMIT :limit`,
    { machineId, target, limit },
  );
  return { notices: rows.map(noticeOf).reverse(), omitted: Number(rows[0]?.total ?? 0) - rows.length };
}

/** The target has had everything up to this notice. */
export async function noteSent(
  db: Database,
  { machineId, target, through, at }: Key & { through: number; at: number },
): Promise<void> {
  await db.run(
    `UPDATE notice_targets SET sent_through = :through, sent_at = :at, attempts = 0, failing_since = NULL,
       next_try_at = NULL, error = NULL WHERE machine_id = :machineId AND target = :target`,
    { machineId, target, through, at },
  );
}

export async function noteFailed(
  db: Database,
  { machineId, target, error, at, nextTryAt }: Key & { error: string; at: number; nextTryAt: number },
): Promise<void> {
  await db.run(
    `UPDATE notice_targets SET attempts = attempts + 1, failing_since = coalesce(failing_since, :at),
       next_try_at = :nextTryAt, error = :error WHERE machine_id = :machineId AND target = :target`,
    { machineId, target, error, at, nextTryAt },
  );
}
