// Projects with all that decides their state, in one query a page: the waiting job, closed gates, the last run.
// States are derived here from the model's rule, never stored.

import { z } from 'zod';
import type { Reason } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { JobView } from '../model/job.ts';
import { NO_FACTS, needsAttention, type Project, type ProjectState, projectState } from '../model/project.ts';
import type { Run } from '../model/run.ts';
import { type Webhook, type WebhookHealth, webhookHealth } from '../model/webhook.ts';
import type { Database, Row } from './database.ts';
import { GATE_JOINS, gateOf, JOB_COLUMNS, jobOf, type KeyedGate, quietUntilOf } from './job-rows.ts';
import { readCursor, writeCursor } from './page-cursor.ts';
import { PROJECT_COLUMNS, projectOf } from './project-rows.ts';
import { RUN_COLUMNS, runOf } from './runs.ts';
import { SILENT_COLUMNS, SILENT_MACHINES, silentReason } from './silent-machines.ts';

export type ProjectView = Project & {
  job: JobView | null;
  /** The closed gate that its syncs wait for. */
  gate: KeyedGate | null;
  /** When its cron times come next, and when the quiet hours that are now end. */
  schedule: { nextAt: number | null; quietUntil: number | null };
  /** Of its repository; null: none is known. */
  webhook: { health: WebhookHealth; lastDeliveryAt: number | null } | null;
  /** The one that finished last. */
  lastRun: Run | null;
  state: ProjectState;
  stateReason: Reason | null;
};

// The clock is not joined: it would stand before the projects and make every page read and sort all of them.
const VIEW = `WITH ${SILENT_MACHINES}
  SELECT ${PROJECT_COLUMNS}, ${JOB_COLUMNS}, ${RUN_COLUMNS}, ${SILENT_COLUMNS}, p.cron_due_at,
    w.state AS webhook_state, w.last_delivery_at, w.failed_at, w.checked_at,
    coalesce(:now, (SELECT now FROM clock)) AS now
  FROM projects p ${GATE_JOINS}
  LEFT JOIN jobs j ON j.project_id = p.id AND j.kind = 'sync'
  LEFT JOIN webhooks w ON w.repository = lower(p.lock_key)
  LEFT JOIN runs r ON r.id = (SELECT id FROM runs WHERE project_id = p.id AND finished_at IS NOT NULL
    ORDER BY finished_at DESC, id DESC LIMIT 1)`;

const PAGE = `${VIEW}
  WHERE p.project_id > :after AND (:part IS NULL OR instr(lower(p.project_id), :part) > 0
    OR instr(lower(p.project_name), :part) > 0 OR instr(lower(p.path), :part) > 0)
  ORDER BY p.project_id LIMIT :limit`;

/** Says why a project of this name may not be called safe although nothing stored speaks against it; null: it may. */
export type Unsure = (projectId: ProjectId) => Reason | null;

function viewOf(row: Row, unsure: Unsure = () => null): ProjectView {
  const now = Number(row.now);
  const project = projectOf(row);
  const job = jobOf(row, now);
  const gate = gateOf(row, now);
  const lastRun = row.run_id === null ? null : runOf(row);
  const quietUntil = quietUntilOf(row, now);
  const known = projectState({ ...project, job, gate, quietUntil, now });
  const doubt = known.state === 'safe' ? (unsure(project.projectId) ?? silentReason(row)) : null;
  const { state, reason } = doubt ? { state: 'pending' as const, reason: doubt } : known;
  const schedule = { nextAt: row.cron_due_at as number | null, quietUntil };
  const webhook = webhookOf(row, now);
  return { ...project, job, gate, schedule, webhook, lastRun, state, stateReason: reason };
}

function webhookOf(row: Row, now: number): ProjectView['webhook'] {
  if (row.webhook_state === null) return null;
  const lastDeliveryAt = row.last_delivery_at as number | null;
  const health = webhookHealth(
    {
      state: row.webhook_state as Webhook['state'],
      failedAt: row.failed_at as number | null,
      checkedAt: row.checked_at as number | null,
      lastDeliveryAt,
    },
    now,
  );
  return { health, lastDeliveryAt };
}

export type ProjectFilter = {
  state?: ProjectState;
  /** Part of the id, the name or the path; upper and lower case are the same (ASCII). */
  q?: string;
};

// Where most projects are filtered out, a few large reads beat many small ones.
const FILTER_BATCH = 500;

/**
 * Projects by id, a page at a time; `cursor` is null for the first. `now` replaces the database's clock (tests).
 * @throws Failure `invalid-request` for a foreign cursor, `database-corrupt` for a stored row that is not valid
 */
export async function listProjectViews(
  db: Database,
  options: ProjectFilter & { limit: number; cursor: string | null; now?: number; unsure?: Unsure },
): Promise<{ projects: ProjectView[]; nextCursor: string | null }> {
  const { limit, state, q, now = null } = options;
  const found: ProjectView[] = [];
  const part = q === undefined ? null : q.toLowerCase();
  const batch = state === undefined ? limit + 1 : FILTER_BATCH;
  let [after] = readCursor(options.cursor, z.tuple([z.string()])) ?? [''];
  // One more than asked for tells whether another page follows.
  for (let read = batch; read === batch && found.length <= limit; ) {
    const rows = await db.run(PAGE, { after, part, now, limit: batch });
    read = rows.length;
    after = String(rows.at(-1)?.project_id ?? after);
    for (const view of rows.map((row) => viewOf(row, options.unsure)))
      if (state === undefined || view.state === state) found.push(view);
  }
  const projects = found.slice(0, limit);
  const last = projects.at(-1);
  return { projects, nextCursor: found.length > limit && last ? writeCursor([last.projectId]) : null };
}

const NAMED = `${VIEW} WHERE p.project_id IN (SELECT value FROM json_each(:projects)) ORDER BY p.project_id`;

/** These projects as `listProjectViews` shows them, by id; those that do not exist are left out. One statement. */
export async function findProjectViews(
  db: Database,
  projectIds: readonly ProjectId[],
  options: { now?: number; unsure?: Unsure } = {},
): Promise<ProjectView[]> {
  if (projectIds.length === 0) return [];
  const rows = await db.run(NAMED, { projects: JSON.stringify(projectIds), now: options.now ?? null });
  return rows.map((row) => viewOf(row, options.unsure));
}

/** One project as `listProjectViews` shows it; null when there is none. */
export async function findProjectView(
  db: Database,
  projectId: ProjectId,
  options: { now?: number; unsure?: Unsure } = {},
): Promise<ProjectView | null> {
  return (await findProjectViews(db, [projectId], options)).at(0) ?? null;
}

// Projects that are alike in everything the rule asks are counted together, so that the status of a thousand
// projects is a few rows: reading each cost five times as much.
const COUNTS = `WITH ${SILENT_MACHINES}
  SELECT count(*) AS projects, p.enabled, p.machine_id IN (SELECT machine_id FROM silent) AS machine_silent, p.paused_until > clock.now AS paused,
    p.blocked ->> 'code' AS blocked_code, p.pending_files > 0 OR p.unpushed_commits > 0 AS unsynced,
    p.last_safe_at IS NULL AS never_safe, j.state AS job_state, j.attempt > 0 AS retrying,
    iif(j.state = 'parked', j.last_error ->> 'code', NULL) AS parked_code,
    iif(json_array_length(p.remote_states) > 1, (SELECT max(CASE WHEN r.value ->> 'state' = 'blocked'
      OR r.value ->> '$.reason.code' = 'account-suspended' THEN 2 WHEN r.value ->> 'state' = 'safe' THEN 0 ELSE 1 END) FROM json_each(p.remote_states) r), 0) AS unsafe_remote,
    p.project_id IN (SELECT value FROM json_each(:unsure)) AS unsure,
    p.lane_id IN (SELECT l.id FROM lanes l JOIN gates g ON g.key = l.credential_gate, clock c
      WHERE g.reason = 'account-suspended' AND g.paused_until > c.now) AS suspended
  FROM clock CROSS JOIN projects p LEFT JOIN jobs j ON j.project_id = p.id AND j.kind = 'sync'
  GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13`;

export type ProjectCounts = { total: number; safe: number; pending: number; needsAttention: number };

/** `unsure` names projects that may not be called safe now. `pending` is what is neither safe nor needs a person; disabled projects, and those that a person paused, only count in `total`. */
export async function countProjectStates(
  db: Database,
  options: { unsure?: readonly ProjectId[]; now?: number } = {},
): Promise<ProjectCounts> {
  const counts = { total: 0, safe: 0, pending: 0, needsAttention: 0 };
  const { unsure = [], now = null } = options;
  for (const row of await db.run(COUNTS, { now, unsure: JSON.stringify(unsure) })) {
    const projects = Number(row.projects);
    const { state: known, reason } = projectState(alike(row));
    const isDoubted = row.machine_silent === 1 || row.unsure === 1;
    const state = known === 'safe' && isDoubted ? 'pending' : known;
    counts.total += projects;
    if (state === 'safe') counts.safe += projects;
    else if (needsAttention(state, reason)) counts.needsAttention += projects;
    else if (state !== 'paused' && state !== 'disabled') counts.pending += projects;
  }
  return counts;
}

/** A group as the rule's input. A closed gate changes how waiting is called, not how it is counted, but for one that waits for a person. */
function alike(row: Row): Parameters<typeof projectState>[0] {
  const reason = (code: unknown) => (code === null ? null : ({ code, detail: '', action: '' } as Reason));
  const job = row.job_state === null ? null : jobLike(row, reason(row.parked_code));
  return {
    github: { enabled: row.enabled === 1 },
    pausedUntil: row.paused === 1 ? 1 : null,
    facts: {
      ...NO_FACTS,
      blocked: reason(row.blocked_code),
      pendingFiles: Number(row.unsynced),
      lastSafeAt: row.never_safe === 1 ? null : 0,
      remotes:
        row.unsafe_remote === 0
          ? []
          : [{ ...UNSAFE_MIRROR, state: row.unsafe_remote === 2 ? 'blocked' : 'pending' }],
    },
    job,
    gate: row.suspended === 1 ? { pausedUntil: 1, reason: 'account-suspended' } : null,
    now: 0,
  };
}

const UNSAFE_MIRROR = {
  ...{ name: '', primary: false, url: '', branches: [], tips: {}, reason: null },
  ...{ failures: 0, retryAt: null, lastSafeAt: null },
};

function jobLike(row: Row, lastError: Reason | null): JobView {
  const state = row.job_state as JobView['state'];
  const attempt = Number(row.retrying);
  const none = { runAt: null, startedAt: null, waitingFor: null, priority: 0 };
  return { ...none, jobId: 0 as JobView['jobId'], projectId: '' as ProjectId, state, attempt, lastError };
}
