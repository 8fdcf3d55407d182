// What is written to the gates of a host after it answered, or did not: by a sync or by a mere question.

import type { ProjectId } from '../model/ids.ts';
import { endProbe, enterGates } from '../queue/gated-call.ts';
import { clearStrikes, pauseGate } from '../queue/gates.ts';
import { type JobGates, readProjectGates } from '../queue/strikes.ts';
import type { Database } from '../store/database.ts';
import type { SettleDecision } from './decide-settle.ts';

/** To be called before a job is given back, or it is claimed again at once. */
export async function closeGates(db: Database, { pauses }: Pick<SettleDecision, 'pauses'>): Promise<void> {
  for (const pause of pauses) await pauseGate(db, pause);
}

/** The host answered as it should; writes only when there is need. */
export async function forgetStrikes(db: Database, gates: JobGates): Promise<void> {
  if (gates.strikes > 0) await clearStrikes(db, [gates.hostGate, gates.credentialGate]);
}

/**
 * A question to the project's remote that is no job. After a pause only one is asked, by any machine, until it is
 * answered; the others are not made, and answer null.
 */
export async function askAlone<T>(
  db: Database,
  projectId: ProjectId,
  ask: () => Promise<T | null>,
): Promise<T | null> {
  const gates = await readProjectGates(db, projectId);
  if (gates === null) return null;
  const keys = [gates.hostGate, gates.credentialGate];
  const isProbe = gates.strikes > 0;
  if (isProbe && (await enterGates(db, keys)).kind !== 'open') return null;
  try {
    const answer = await ask();
    if (isProbe && answer !== null) await clearStrikes(db, keys);
    return answer;
  } finally {
    if (isProbe) await endProbe(db, keys);
  }
}
