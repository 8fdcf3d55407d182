// The webhooks of repositories, one row each, and the projects of a repository. Secrets leave by their own function only.

import type { ProjectId } from '../model/ids.ts';
import type { Database } from './database.ts';

const MOST_SECRETS = 500;

/** The secrets that a delivery may be signed with; `hookId` is the host's number, null when it named none. */
export async function secretsOfHook(
  db: Database,
  hookId: number | null,
): Promise<{ webhookId: number; secret: string }[]> {
  // One that is being registered has no number yet, and its first delivery may come before the host's answer.
  const rows = await db.run(
    `SELECT id, secret FROM webhooks WHERE secret IS NOT NULL
       AND (:hookId IS NULL OR hook_id IS NULL OR hook_id = :hookId)
     ORDER BY hook_id IS NULL, id DESC LIMIT ${MOST_SECRETS}`,
    { hookId },
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
       hook_id = coalesce(hook_id, excluded.hook_id),
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
