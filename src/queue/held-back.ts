// Which syncs do not run now although their project's changes are due: parked, waiting for another try, or before a
// closed gate. What is said here decides nothing about claiming.

import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

/** Of a job `j`, at `t.now`. */
export const IS_HELD_BACK = `(j.state = 'parked' OR (j.state = 'scheduled' AND j.attempt > 0) OR (j.state <> 'running' AND EXISTS (
  SELECT 1 FROM lanes l CROSS JOIN gates g ON g.key IN (l.host_gate, l.credential_gate)
  WHERE l.id = j.lane_id AND g.paused_until > t.now)))`;

export async function isHeldBack(db: Database, projectId: ProjectId, options: AtTime = {}): Promise<boolean> {
  const [row] = await db.run(
    `${WITH_NOW} SELECT ${IS_HELD_BACK} AS held FROM t CROSS JOIN projects p ON p.project_id = :projectId
     JOIN jobs j ON j.project_id = p.id AND j.kind = 'sync'`,
    { ...nowArgs(options), projectId },
  );
  return row !== undefined && Number(row.held) === 1;
}
