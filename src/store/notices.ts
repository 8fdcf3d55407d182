// Notices as they are stored: what lasts of each project, what is gathered, what has gone out. The only writer of its
// tables. Knows neither what is worth a notice nor where one goes.

import { z } from 'zod';
import type { ProjectId } from '../model/ids.ts';
import type { Notice } from '../model/notice.ts';
import type { Condition, Judgement, NewNotice } from '../model/notice-judgement.ts';
import type { Database, Row, SqlStatement } from './database.ts';
import { readCursor, writeCursor } from './page-cursor.ts';

const KEPT_MS = 30 * 86_400_000;
const MOST_KEPT = 2_000;

type Place = { machineId: string; projectId: ProjectId };

/** What lasts of these projects. */
export async function readConditions(
  db: Database,
  machineId: string,
  projectIds: readonly ProjectId[],
): Promise<Map<ProjectId, Condition[]>> {
  const rows = await db.run(
    `SELECT c.project_id, c.kind, c.code, c.since, c.paths, n.state AS told,
       iif(n.state = 'gathering', n.paths, '[]') AS gathering, c.notice_id
     FROM notice_conditions c LEFT JOIN notices n ON n.id = c.notice_id
     WHERE c.machine_id = :machineId AND c.project_id IN (SELECT value FROM json_each(:projects))`,
    { machineId, projects: JSON.stringify(projectIds) },
  );
  const found = new Map<ProjectId, Condition[]>();
  for (const row of rows) {
    const projectId = row.project_id as ProjectId;
    found.set(projectId, [...(found.get(projectId) ?? []), conditionOf(row)]);
  }
  return found;
}

function conditionOf(row: Row): Condition {
  // A notice that was pruned had gone out long ago.
  const told = row.notice_id === null ? null : ((row.told ?? 'released') as Condition['told']);
  return {
    kind: row.kind as Condition['kind'],
    code: row.code as Condition['code'],
    since: Number(row.since),
    paths: JSON.parse(String(row.paths)),
    told,
    gathering: JSON.parse(String(row.gathering)),
  };
}

/** Writes what became of a project, all or none. `at` is epoch milliseconds. */
export async function applyJudgement(
  db: Database,
  place: Place & { projectName: string; at: number },
  { drop, set, recovered }: Judgement,
): Promise<void> {
  const statements = [
    ...drop.flatMap((kind) => [ungather(place, kind), dropCondition(place, kind)]),
    ...set.flatMap(({ notice, ...condition }) => [
      ...(notice === null ? [] : [ungather(place, condition.kind), insertNotice(place, notice)]),
      setCondition(place, condition, notice !== null),
    ]),
    ...(recovered === null ? [] : [insertNotice(place, recovered)]),
  ];
  if (statements.length > 0) await db.batch(statements);
}

/** What is over, or replaced, before it went out is not told. */
const ungather = ({ machineId, projectId }: Place, kind: string): SqlStatement => ({
  sql: `DELETE FROM notices WHERE machine_id = :machineId AND state = 'gathering' AND project_id = :projectId
          AND kind = :kind`,
  args: { machineId, projectId, kind },
});

const dropCondition = ({ machineId, projectId }: Place, kind: string): SqlStatement => ({
  sql: `DELETE FROM notice_conditions WHERE machine_id = :machineId AND project_id = :projectId AND kind = :kind`,
  args: { machineId, projectId, kind },
});

function insertNotice(
  { machineId, projectId, projectName, at }: Place & { projectName: string; at: number },
  { paths, ...notice }: NewNotice,
): SqlStatement {
  return {
    sql: `INSERT INTO notices(machine_id, project_id, project_name, kind, code, detail, action, paths, at)
          VALUES (:machineId, :projectId, :projectName, :kind, :code, :detail, :action, :paths, :at)`,
    args: { machineId, projectId, projectName, at, ...notice, paths: JSON.stringify(paths) },
  };
}

function setCondition(
  { machineId, projectId }: Place,
  { kind, code, since, paths }: Pick<Condition, 'kind' | 'code' | 'since' | 'paths'>,
  isTold: boolean,
): SqlStatement {
  return {
    sql: `INSERT INTO notice_conditions(machine_id, project_id, kind, code, since, paths, notice_id)
          SELECT :machineId, :projectId, :kind, :code, :since, :paths, iif(:isTold, (SELECT max(id) FROM notices
            WHERE machine_id = :machineId AND project_id = :projectId AND kind = :kind), NULL) WHERE true
          ON CONFLICT(machine_id, project_id, kind) DO UPDATE SET code = excluded.code, since = excluded.since,
            paths = excluded.paths, notice_id = coalesce(excluded.notice_id, notice_id)`,
    args: { machineId, projectId, kind, code, since, paths: JSON.stringify(paths), isTold },
  };
}

/** Projects that are unsafe since `before` or longer, that nobody was told of, and why a person was told otherwise. */
export async function listUntoldUnsafe(
  db: Database,
  machineId: string,
): Promise<{ projectId: ProjectId; since: number; isCalledFor: boolean }[]> {
  const rows = await db.run(
    `SELECT c.project_id, c.since, EXISTS (SELECT 1 FROM notice_conditions o WHERE o.machine_id = c.machine_id
       AND o.project_id = c.project_id AND o.kind IN ('needs-attention', 'conflict') AND o.notice_id IS NOT NULL) AS called
     FROM notice_conditions c WHERE c.machine_id = :machineId AND c.kind = 'unsafe' AND c.notice_id IS NULL
     ORDER BY c.since`,
    { machineId },
  );
  return rows.map((row) => ({
    projectId: row.project_id as ProjectId,
    since: Number(row.since),
    isCalledFor: row.called === 1,
  }));
}

/** What lasts of projects that are gone is forgotten. */
export async function forgetProjects(db: Database, machineId: string): Promise<void> {
  await db.run(
    `DELETE FROM notice_conditions WHERE machine_id = :machineId
       AND project_id NOT IN (SELECT project_id FROM projects WHERE machine_id = :machineId)`,
    { machineId },
  );
}

/** Lets all that is gathered go out when the oldest has waited since `before`; forgets what is old. */
export async function releaseGathered(
  db: Database,
  { machineId, before, now }: { machineId: string; before: number; now: number },
): Promise<Notice[]> {
  const [released] = await db.batch([
    {
      sql: `UPDATE notices SET state = 'released' WHERE machine_id = :machineId AND state = 'gathering'
              AND (SELECT min(at) FROM notices WHERE machine_id = :machineId AND state = 'gathering') <= :before
            RETURNING *`,
      args: { machineId, before },
    },
    {
      sql: `DELETE FROM notices WHERE machine_id = :machineId AND state = 'released' AND (at < :oldest
              OR id <= (SELECT max(id) FROM notices) - ${MOST_KEPT})`,
      args: { machineId, oldest: now - KEPT_MS },
    },
  ]);
  return (released ?? []).map(noticeOf).sort((a, b) => a.id - b.id);
}

/** Since when the oldest gathered one waits; null when none does. */
export async function gatheringSince(db: Database, machineId: string): Promise<number | null> {
  const [row] = await db.run(
    `SELECT min(at) AS at FROM notices WHERE machine_id = :machineId AND state = 'gathering'`,
    { machineId },
  );
  return (row?.at ?? null) as number | null;
}

const NoticeCursorSchema = z.tuple([z.int()]);

/** Of all machines, newest first. @throws Failure `invalid-request` for a foreign cursor */
export async function listNotices(
  db: Database,
  options: { limit: number; cursor: string | null; projectId?: ProjectId },
): Promise<{ notices: Notice[]; nextCursor: string | null }> {
  const { limit, cursor, projectId = null } = options;
  const [before = null] = readCursor(cursor, NoticeCursorSchema) ?? [];
  const rows = await db.run(
    `SELECT * FROM notices WHERE (:before IS NULL OR id < :before) AND (:projectId IS NULL OR project_id = :projectId)
     ORDER BY id DESC LIMIT :limit`,
    { before, projectId, limit: limit + 1 },
  );
  const notices = rows.slice(0, limit).map(noticeOf);
  const last = notices.at(-1);
  return { notices, nextCursor: rows.length > limit && last ? writeCursor([last.id]) : null };
}

export function noticeOf(row: Row): Notice {
  return {
    id: Number(row.id),
    at: Number(row.at),
    kind: row.kind as Notice['kind'],
    projectId: row.project_id as ProjectId,
    projectName: String(row.project_name),
    machineId: String(row.machine_id),
    code: row.code as Notice['code'],
    detail: String(row.detail),
    action: row.action as string | null,
    state: row.state as Notice['state'],
  };
}
