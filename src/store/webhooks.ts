// The webhooks of repositories, one row each, and the projects of a repository. Secrets leave by their own function only.

import type { Reason } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Webhook } from '../model/webhook.ts';
import type { Database, Row } from './database.ts';

const MOST_SECRETS = 500;
/** Hosts name their hook; without a name fewer are tried, because everybody may ask for that. */
const MOST_SECRETS_UNNAMED = 20;

/** The secrets that a delivery may be signed with; `hookId` is the host's number, null when it named none. */
export async function secretsOfHook(
  db: Database,
  hookId: number | null,
): Promise<{ webhookId: number; secret: string }[]> {
  // One that is being registered has no number yet, and its first delivery may come before the host's answer.
  const rows = await db.run(
    `SELECT id, secret FROM webhooks WHERE secret IS NOT NULL
       AND (:hookId IS NULL OR hook_id IS NULL OR hook_id = :hookId)
     ORDER BY hook_id IS NULL, id DESC LIMIT :most`,
    { hookId, most: hookId === null ? MOST_SECRETS_UNNAMED : MOST_SECRETS },
  );
  return rows.map((row) => ({ webhookId: Number(row.id), secret: String(row.secret) }));
}

/**
 * A signed delivery has come for the repository. A hook that nobody registered here is noted as found, and a host that
 * delivers has mended what failed. Answers the webhook's id.
 */
export async function noteDelivery(
  db: Database,
  input: { repository: string; fullName: string; hookId: number | null; event: string },
): Promise<number> {
  const [row] = await db.run(
    `INSERT INTO webhooks(repository, full_name, hook_id, state, last_delivery_at, last_event, created_at)
     SELECT :repository, :fullName, :hookId, 'found', now, :event, now FROM clock WHERE true
     ON CONFLICT(repository) DO UPDATE SET full_name = excluded.full_name,
       last_delivery_at = excluded.last_delivery_at, last_event = excluded.last_event, failed_at = NULL, failure = NULL,
       hook_id = iif(state = 'found', coalesce(hook_id, excluded.hook_id), hook_id),
       state = iif(state = 'refused', 'found', state), reason = iif(state = 'refused', NULL, reason)
     RETURNING id`,
    input,
  );
  return Number(row?.id);
}

/** The same where the delivery names no repository: it is known by its secret. */
export async function noteDeliveryOf(db: Database, webhookId: number, event: string): Promise<void> {
  await db.run(
    `UPDATE webhooks SET last_delivery_at = (SELECT now FROM clock), last_event = :event, failed_at = NULL, failure = NULL
     WHERE id = :webhookId`,
    { webhookId, event },
  );
}

/** A repository as the projects' rows name it; `key` as `normalRemote` makes it. */
export const webhookKey = (key: string): string => `remote:${key}`.toLowerCase();

/** The projects, of every machine, whose remote is one of these repositories (as `webhookKey` names them). */
export async function projectsOfRepositories(
  db: Database,
  repositories: readonly string[],
): Promise<ProjectId[]> {
  const rows = await db.run(
    `SELECT project_id FROM projects WHERE enabled = 1
       AND lower(lock_key) IN (SELECT value FROM json_each(:repositories)) ORDER BY project_id`,
    { repositories: JSON.stringify(repositories) },
  );
  return rows.map((row) => String(row.project_id) as ProjectId);
}

/** The same for all that lies below an owner; `prefix` is a key that ends in a slash. */
export async function projectsOfOwner(db: Database, prefix: string): Promise<ProjectId[]> {
  const rows = await db.run(
    `SELECT project_id FROM projects WHERE enabled = 1
       AND substr(lower(lock_key), 1, length(:prefix)) = :prefix ORDER BY project_id`,
    { prefix },
  );
  return rows.map((row) => String(row.project_id) as ProjectId);
}

/** The columns that `webhookOf` reads, from `webhooks w`. */
const WEBHOOK_COLUMNS = `w.id AS webhook_id, w.full_name, w.hook_id, w.url, w.state AS webhook_state,
  w.reason AS webhook_reason, w.last_delivery_at, w.last_event, w.failure, w.failed_at, w.checked_at`;

function webhookOf(row: Row): Webhook {
  return {
    webhookId: Number(row.webhook_id),
    fullName: String(row.full_name),
    hookId: row.hook_id as number | null,
    url: row.url as string | null,
    state: row.webhook_state as Webhook['state'],
    reason: row.webhook_reason === null ? null : (JSON.parse(String(row.webhook_reason)) as Reason),
    lastDeliveryAt: row.last_delivery_at as number | null,
    lastEvent: row.last_event as string | null,
    failure: row.failure as string | null,
    failedAt: row.failed_at as number | null,
    checkedAt: row.checked_at as number | null,
  };
}

/** The webhooks that serve these projects, and those of all projects when none is named. */
export async function webhooksOfProjects(
  db: Database,
  projectIds: readonly ProjectId[] | 'all',
): Promise<Map<ProjectId, Webhook>> {
  const projects = projectIds === 'all' ? null : JSON.stringify(projectIds);
  const rows = await db.run(
    `SELECT p.project_id, ${WEBHOOK_COLUMNS} FROM webhooks w JOIN projects p ON lower(p.lock_key) = w.repository
     WHERE :projects IS NULL OR p.project_id IN (SELECT value FROM json_each(:projects))`,
    { projects },
  );
  return new Map(rows.map((row) => [String(row.project_id) as ProjectId, webhookOf(row)]));
}

/** The key of a project's repository; null for one without a remote. */
export async function repositoryOfProject(db: Database, projectId: ProjectId): Promise<string | null> {
  const [row] = await db.run(
    `SELECT lower(lock_key) AS repository FROM projects WHERE project_id = :projectId AND lock_key LIKE 'remote:%'`,
    { projectId },
  );
  return row === undefined ? null : String(row.repository);
}

/** The key of the repository that a webhook is for. */
export async function repositoryOfWebhook(db: Database, webhookId: number): Promise<string | null> {
  const [row] = await db.run('SELECT repository FROM webhooks WHERE id = :webhookId', { webhookId });
  return row === undefined ? null : String(row.repository);
}

/** Keeps the secret before the host is asked, because its first delivery may be quicker than its answer. */
export async function wantWebhook(
  db: Database,
  input: { repository: string; fullName: string; secret: string },
): Promise<{ webhookId: number; secret: string }> {
  const [row] = await db.run(
    `INSERT INTO webhooks(repository, full_name, secret, state, created_at)
     SELECT :repository, :fullName, :secret, 'wanted', now FROM clock WHERE true
     ON CONFLICT(repository) DO UPDATE SET full_name = excluded.full_name, secret = coalesce(secret, excluded.secret),
       state = iif(state IN ('off', 'refused'), 'wanted', state), reason = NULL
     RETURNING id, secret`,
    input,
  );
  return { webhookId: Number(row?.id), secret: String(row?.secret) };
}

/** The host has it so. `failure`: what the host says of its last delivery. */
export async function noteRegistered(
  db: Database,
  input: { webhookId: number; hookId: number; url: string; failure: string | null },
): Promise<void> {
  await db.run(
    `UPDATE webhooks SET state = 'registered', hook_id = :hookId, url = :url, reason = NULL,
       checked_at = (SELECT now FROM clock), failure = :failure,
       failed_at = iif(:failure IS NULL, NULL, coalesce(failed_at, (SELECT now FROM clock)))
     WHERE id = :webhookId`,
    input,
  );
}

export async function noteRefused(
  db: Database,
  { webhookId, reason }: { webhookId: number; reason: Reason },
): Promise<void> {
  await db.run(
    `UPDATE webhooks SET state = 'refused', hook_id = NULL, url = NULL, reason = :reason,
       checked_at = (SELECT now FROM clock) WHERE id = :webhookId`,
    { webhookId, reason: JSON.stringify(reason) },
  );
}

/** Of a repository whose last project was removed: should it come back, it gets one anew. */
export async function forgetWebhook(db: Database, repository: string): Promise<void> {
  await db.run('DELETE FROM webhooks WHERE repository = :repository', { repository });
}

/** A person wants none: it is not registered again by itself. */
export async function switchOff(
  db: Database,
  input: { repository: string; fullName: string },
): Promise<void> {
  await db.run(
    `INSERT INTO webhooks(repository, full_name, state, created_at)
     SELECT :repository, :fullName, 'off', now FROM clock WHERE true
     ON CONFLICT(repository) DO UPDATE SET state = 'off', hook_id = NULL, url = NULL, secret = NULL, reason = NULL,
       failed_at = NULL, failure = NULL, last_delivery_at = NULL, last_event = NULL`,
    input,
  );
}
