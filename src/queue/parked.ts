// Which projects wait for a person or a later chance.

import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';

export async function parkedProjects(db: Database): Promise<ReadonlySet<ProjectId>> {
  const rows = await db.run(
    `SELECT p.project_id FROM jobs j CROSS JOIN projects p ON p.id = j.project_id WHERE j.state = 'parked'`,
  );
  return new Set(rows.map((row) => String(row.project_id) as ProjectId));
}
