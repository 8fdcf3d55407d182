// What a person chose for a conflict, kept until the conflict is over, so that a crash does not forget it.
// Knows nothing of git; the choice goes when the list of files changes (`saveFacts`, settling).

import type { ConflictChoice } from '../model/conflict.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Database } from './database.ts';

/** Answers false, with nothing stored, when the project has no conflict. */
export async function chooseForConflict(
  db: Database,
  projectId: ProjectId,
  choice: ConflictChoice,
): Promise<boolean> {
  const rows = await db.run(
    `UPDATE projects SET conflict_choice = :choice
     WHERE project_id = :projectId AND conflict_files <> '[]' RETURNING id`,
    { projectId, choice },
  );
  return rows.length > 0;
}
