// Gives parked jobs another try: at start-up, or when settings or credentials changed.

import type { FailureCode } from '../model/failure-codes.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

export type UnparkOptions = AtTime & {
  machineId: string;
  /** Only jobs parked for this failure. */
  reason?: FailureCode;
  /** Only this project's job. */
  projectId?: ProjectId;
};

const UNPARK = `${WITH_NOW}
  UPDATE jobs SET state = 'scheduled', run_at = (SELECT now FROM t), attempt = 0, crashes = 0,
    updated_at = (SELECT now FROM t)
  WHERE state = 'parked' AND (:reason IS NULL OR last_error ->> '$.code' = :reason)
    AND project_id IN (SELECT id FROM projects WHERE machine_id = :machineId AND enabled = 1
      AND (:projectId IS NULL OR project_id = :projectId))
  RETURNING id`;

/** Makes the machine's parked jobs due now, with their attempts forgotten. Answers how many. */
export async function unparkAll(db: Database, options: UnparkOptions): Promise<number> {
  const { machineId, reason = null, projectId = null } = options;
  const rows = await db.run(UNPARK, { ...nowArgs(options), machineId, reason, projectId });
  return rows.length;
}
