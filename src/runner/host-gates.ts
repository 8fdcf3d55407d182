// What is written to the gates of a host after it answered, or did not: by a sync or by a mere question.

import { clearStrikes, pauseGate } from '../queue/gates.ts';
import type { JobGates } from '../queue/strikes.ts';
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
