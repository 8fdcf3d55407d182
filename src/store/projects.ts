// Enrolled projects: save, find, list, pause, remove, and the facts of the last look. The only writer of the table.
// Knows nothing of git; jobs follow a project by the schema's triggers.

import type { NewEvent } from '../events/types.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project, ProjectFacts } from '../model/project.ts';
import type { Database, Row, SqlStatement } from './database.ts';
import { isConstraint } from './errors.ts';
import { eventStatement } from './events.ts';
import { LANE_ID, laneStatements } from './lanes.ts';
import { firstCloneOf, freeProjectId, idStem } from './project-ids.ts';
import {
  PROJECT_COLUMNS,
  type ProjectSettings,
  projectOf,
  sameSettings,
  settingsColumns,
} from './project-rows.ts';

// Each lost race means that another process saved a project in between.
const MOST_RACES = 20;

/**
 * Saves the project at `(machineId, path)`, new or known; writes only what changed, with `project.added` or
 * `project.changed` in the same transaction. A known project keeps its id, facts and pause; `projectId` is the
 * id wished for a new one. With `saved`, read a moment ago, nothing is asked when there is nothing to write.
 */
export async function saveProject(
  db: Database,
  input: ProjectSettings & { projectId?: ProjectId },
  saved: SavedProject | null = null,
): Promise<Project> {
  if (saved && sameSettings(saved.row, input)) return saved.project;
  for (let races = 0; ; races += 1) {
    const known = await updateProject(db, input);
    if (known) return known;
    try {
      return await insertProject(db, input);
    } catch (error) {
      // The id or the folder was taken since we looked: look again.
      if (!isConstraint(error) || races >= MOST_RACES) throw error;
    }
  }
}

/** A project with its row as it was read, to tell later whether anything is to be written. */
export type SavedProject = { project: Project; row: Row };

/** The machine's projects at these paths, by path; one statement. */
export async function findSavedProjects(
  db: Database,
  machineId: string,
  paths: readonly string[],
): Promise<Map<string, SavedProject>> {
  const rows = await db.run(
    `SELECT ${PROJECT_COLUMNS}, p.lock_key, p.enabled, p.quiet_ms, p.max_wait_ms, p.min_interval_ms,
       l.host_gate, l.credential_gate
     FROM projects p JOIN lanes l ON l.id = p.lane_id
     WHERE p.machine_id = :machineId AND p.path IN (SELECT value FROM json_each(:paths))`,
    { machineId, paths: JSON.stringify(paths) },
  );
  return new Map(rows.map((row) => [String(row.path), { project: projectOf(row), row }]));
}

export async function findSavedProject(
  db: Database,
  machineId: string,
  path: string,
): Promise<SavedProject | null> {
  return (await findSavedProjects(db, machineId, [path])).get(path) ?? null;
}

async function updateProject(db: Database, input: ProjectSettings): Promise<Project | null> {
  const known = await findSavedProject(db, input.machineId, input.path);
  if (!known) return null;
  if (sameSettings(known.row, input)) return known.project;
  const { projectId } = known.project;
  const columns = settingsColumns(input);
  const sets = Object.keys(columns).map((name) => `${name} = :${name}`);
  const results = await db.batch([
    ...laneStatements({ machineId: input.machineId, ...input.lane }),
    {
      sql: `UPDATE projects SET ${sets.join(', ')}, lane_id = ${LANE_ID} WHERE project_id = :projectId`,
      args: { ...columns, machineId: input.machineId, ...input.lane, projectId },
    },
    savedEvent('project.changed', projectId, input),
    byId(projectId),
  ]);
  const saved = results.at(-1)?.at(0);
  return saved ? projectOf(saved) : null;
}

async function insertProject(
  db: Database,
  input: ProjectSettings & { projectId?: ProjectId },
): Promise<Project> {
  const stem = idStem(input.projectId, input.projectName);
  const rows = await db.run(
    'SELECT project_id, machine_id, lock_key FROM projects WHERE substr(project_id, 1, length(:stem)) = :stem',
    { stem },
  );
  const taken = rows.map((row) => ({
    projectId: String(row.project_id),
    machineId: String(row.machine_id),
    lockKey: String(row.lock_key),
  }));
  const projectId = freeProjectId(input, taken);
  const columns = settingsColumns(input);
  const names = Object.keys(columns);
  const results = await db.batch([
    ...laneStatements({ machineId: input.machineId, ...input.lane }),
    {
      sql: `INSERT INTO projects(project_id, ${names.join(', ')}, lane_id, created_at)
            SELECT :projectId, ${names.map((name) => `:${name}`).join(', ')}, ${LANE_ID}, now FROM clock`,
      args: { ...columns, machineId: input.machineId, ...input.lane, projectId },
    },
    savedEvent('project.added', projectId, input),
    byId(projectId),
  ]);
  return projectOf(results.at(-1)?.at(0) ?? {});
}

function savedEvent(
  type: 'project.added' | 'project.changed',
  projectId: ProjectId,
  { projectName, machineId, path, github }: ProjectSettings,
): SqlStatement {
  const data = { projectName, machineId, path, enabled: github.enabled, mode: github.mode };
  const events: NewEvent[] = [{ type, projectId, data }];
  const first = firstCloneOf({ projectId, machineId });
  if (type === 'project.added' && first !== null) {
    const detail = `${path} on ${machineId} is called ${projectId}: ${first} is the same repository on another machine.`;
    events.push({ type: 'notice', projectId, data: { detail, machineId, sameAs: first } });
  }
  return eventStatement(events);
}

function byId(projectId: ProjectId): SqlStatement {
  return {
    sql: `SELECT ${PROJECT_COLUMNS} FROM projects p WHERE p.project_id = :projectId`,
    args: { projectId },
  };
}

/** @throws Failure `database-corrupt` when the stored row is not valid; so do the other reads */
export async function findProject(db: Database, projectId: ProjectId): Promise<Project | null> {
  const { sql, args } = byId(projectId);
  const [row] = await db.run(sql, args);
  return row ? projectOf(row) : null;
}

/** All projects, of one machine or of every machine on this database, by id. */
export async function listProjects(db: Database, filter: { machineId?: string } = {}): Promise<Project[]> {
  const { machineId = null } = filter;
  const rows = await db.run(
    `SELECT ${PROJECT_COLUMNS} FROM projects p WHERE :machineId IS NULL OR p.machine_id = :machineId
     ORDER BY p.project_id`,
    { machineId },
  );
  return rows.map(projectOf);
}

/** Stores what a look at the repository found; no event. A project that was removed meanwhile is left alone. */
export async function saveFacts(db: Database, projectId: ProjectId, facts: ProjectFacts): Promise<void> {
  await db.run(
    `UPDATE projects SET branch = :branch, pending_files = :pendingFiles, unpushed_commits = :unpushedCommits,
       behind_commits = :behindCommits, held_files = :heldFiles, remote_tips = :remoteTips, blocked = :blocked,
       last_safe_at = :lastSafeAt, engine = :engine, remote_states = :remotes, refused_deletions = :refusedDeletions,
       conflict_choice = iif(conflict_files = :conflictFiles, conflict_choice, NULL), conflict_files = :conflictFiles
     WHERE project_id = :projectId`,
    {
      projectId,
      branch: facts.branch,
      pendingFiles: facts.pendingFiles,
      unpushedCommits: facts.unpushedCommits,
      behindCommits: facts.behindCommits,
      heldFiles: JSON.stringify(facts.heldFiles),
      remoteTips: JSON.stringify(facts.remoteTips),
      blocked: facts.blocked === null ? null : JSON.stringify(facts.blocked),
      lastSafeAt: facts.lastSafeAt,
      engine: facts.engine === null ? null : JSON.stringify(facts.engine),
      remotes: JSON.stringify(facts.remotes),
      conflictFiles: JSON.stringify(facts.conflictFiles),
      refusedDeletions: facts.refusedDeletions === null ? null : JSON.stringify(facts.refusedDeletions),
    },
  );
}

/** Forgets the project with its job and history; its events stay. Answers whether it was there. */
export async function removeProject(db: Database, projectId: ProjectId): Promise<boolean> {
  const [, removed] = await db.batch([
    {
      sql: `INSERT INTO events(at, type, project_id, data)
            SELECT clock.now, 'project.removed', p.project_id, json_object('projectName', p.project_name,
              'machineId', p.machine_id, 'path', p.path)
            FROM projects p CROSS JOIN clock WHERE p.project_id = :projectId`,
      args: { projectId },
    },
    { sql: 'DELETE FROM projects WHERE project_id = :projectId RETURNING id', args: { projectId } },
  ]);
  return (removed?.length ?? 0) > 0;
}

/**
 * Pauses one project or all (of every machine) until an instant, epoch milliseconds; null resumes. A pause until
 * resumed is an instant in the far future. A running sync ends by itself.
 */
export async function setPaused(
  db: Database,
  projectId: ProjectId | 'all',
  untilMs: number | null,
): Promise<void> {
  await db.run(
    `UPDATE projects SET paused_until = :untilMs
     WHERE (:projectId = 'all' OR project_id = :projectId) AND paused_until IS NOT :untilMs`,
    { projectId, untilMs },
  );
}

/** Notes that somebody works in these: recent activity makes its syncs more urgent. */
export async function noteActivity(db: Database, projectIds: readonly ProjectId[]): Promise<void> {
  await db.run(
    `UPDATE projects SET last_activity_at = (SELECT now FROM clock)
     WHERE project_id IN (SELECT value FROM json_each(:projects))`,
    { projects: JSON.stringify(projectIds) },
  );
}

/** Of every project in which somebody worked, when that was last; epoch milliseconds. */
export async function readActivity(db: Database): Promise<Map<ProjectId, number>> {
  const rows = await db.run(
    'SELECT project_id, last_activity_at FROM projects WHERE last_activity_at IS NOT NULL',
  );
  return new Map(rows.map((row) => [String(row.project_id) as ProjectId, Number(row.last_activity_at)]));
}
