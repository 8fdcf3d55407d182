// Which syncs do not run now although their project's changes are due: parked, waiting for another try, or before a
// closed gate. What is said here decides nothing about claiming.

import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

/** `maybe`: its gate lets one job at a time through, to see whether its host answers again. */
export type HeldBack = 'yes' | 'maybe' | 'no';

/** A next try that is nearer commits for itself: whoever stepped back for a person's git is back in a moment. */
const SOON_MS = 5_000;

const HELD_BACK: readonly HeldBack[] = ['no', 'maybe', 'yes'];

const hasGate = (what: string) => `EXISTS (SELECT 1 FROM lanes l CROSS JOIN gates g
  ON g.key IN (l.host_gate, l.credential_gate) WHERE l.id = j.lane_id AND ${what})`;

/** Of a job `j`, at `t.now`; `heldBackOf` reads it. */
export const HELD_BACK_COLUMN = `CASE
  WHEN j.state IN ('idle', 'running') THEN 0
  WHEN j.state = 'parked' THEN 2
  WHEN j.state = 'scheduled' AND j.attempt > 0 THEN iif(j.run_at > t.now + ${SOON_MS}, 2, 1)
  WHEN ${hasGate('g.paused_until > t.now')} THEN 2
  WHEN ${hasGate('g.strikes > 0')} THEN 1 ELSE 0 END AS held_back`;

export const heldBackOf = (value: unknown): HeldBack => HELD_BACK[Number(value)] ?? 'no';

export async function heldBack(db: Database, projectId: ProjectId, options: AtTime = {}): Promise<HeldBack> {
  const [row] = await db.run(
    `${WITH_NOW} SELECT ${HELD_BACK_COLUMN} FROM t CROSS JOIN projects p ON p.project_id = :projectId
     JOIN jobs j ON j.project_id = p.id AND j.kind = 'sync'`,
    { ...nowArgs(options), projectId },
  );
  return heldBackOf(row?.held_back ?? 0);
}
