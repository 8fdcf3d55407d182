// What a person let pass the guard, kept until it is used up, so that a crash does not forget it.
// Knows nothing of git and of what is held: callers compare with the project's facts.

import type { ProjectId } from '../model/ids.ts';
import type { Releases } from '../model/project.ts';
import type { Database } from './database.ts';

/** What was let pass and never came is forgotten first. */
const MOST_RELEASED = 10_000;

const RELEASE = `UPDATE projects SET released_files = (
    SELECT json_group_array(json(value)) FROM (
      SELECT value FROM json_each(:files)
      UNION ALL
      SELECT old.value FROM json_each(projects.released_files) old WHERE NOT EXISTS (
        SELECT 1 FROM json_each(:files) new
        WHERE new.value ->> '$.path' = old.value ->> '$.path' AND new.value ->> '$.oid' = old.value ->> '$.oid')
      LIMIT ${MOST_RELEASED}))
  WHERE project_id = :projectId`;

/** Adds contents that may pass once. Idempotent. */
export async function releaseFiles(
  db: Database,
  projectId: ProjectId,
  files: Releases['files'],
): Promise<void> {
  await db.run(RELEASE, { projectId, files: JSON.stringify(files) });
}

/** Answers false, with nothing stored, when other deletions wait than those that `digest` names, or none. */
export async function confirmDeletions(db: Database, projectId: ProjectId, digest: string): Promise<boolean> {
  const rows = await db.run(
    `UPDATE projects SET confirmed_deletions = :digest
     WHERE project_id = :projectId AND refused_deletions ->> '$.digest' = :digest RETURNING id`,
    { projectId, digest },
  );
  return rows.length > 0;
}

const USE_UP = `UPDATE projects SET
    confirmed_deletions = iif(confirmed_deletions = :deletions, NULL, confirmed_deletions),
    released_files = (
      SELECT json_group_array(json(old.value)) FROM json_each(projects.released_files) old WHERE NOT EXISTS (
        SELECT 1 FROM json_each(:files) used
        WHERE used.value ->> '$.path' = old.value ->> '$.path' AND used.value ->> '$.oid' = old.value ->> '$.oid'))
  WHERE project_id = :projectId`;

/** Takes back exactly these; what was let pass meanwhile stays. Idempotent. */
export async function useUpReleases(db: Database, projectId: ProjectId, used: Releases): Promise<void> {
  if (used.files.length === 0 && used.deletions === null) return;
  const { files, deletions } = used;
  await db.run(USE_UP, { projectId, files: JSON.stringify(files), deletions });
}
