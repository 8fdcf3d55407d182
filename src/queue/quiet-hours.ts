// Quiet hours that begin: what was about to run waits for their end. What becomes due later is held by promoting.

import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

// What a person asked for at once stays; what runs already ends by itself.
const HOLD = `${WITH_NOW}
  UPDATE jobs SET state = 'scheduled', rank = NULL, updated_at = (SELECT now FROM t),
    run_at = (SELECT p.quiet_until FROM projects p WHERE p.id = jobs.project_id)
  WHERE state = 'ready' AND NOT forced AND project_id IN (SELECT id FROM projects
    WHERE project_id = :projectId AND quiet_from <= (SELECT now FROM t) AND quiet_until > (SELECT now FROM t))`;

/** To be called when the project's quiet hours have begun; does nothing outside of them. Idempotent. */
export async function holdForQuietHours(
  db: Database,
  options: AtTime & { projectId: ProjectId },
): Promise<void> {
  await db.run(HOLD, { ...nowArgs(options), projectId: options.projectId });
}
