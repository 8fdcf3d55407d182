// Every migration in order. To change the schema: a new numbered file and a row here; never edit a released one.

import { init } from './001-init.ts';
import { runOrder } from './002-run-order.ts';
import { engine } from './003-engine.ts';
import { conflicts } from './004-conflicts.ts';
import { remoteStates } from './005-remote-states.ts';
import { releases } from './006-releases.ts';
import { machines } from './007-machines.ts';
import { scheduleTimes } from './008-schedules.ts';
import { probes } from './009-probes.ts';
import { webhooks } from './010-webhooks.ts';
import { people } from './011-people.ts';
import { fewerIndexes } from './012-fewer-indexes.ts';
import { notices } from './013-notices.ts';
import { claimedForce } from './014-claimed-force.ts';
import { endedRuns } from './015-ended-runs.ts';
import { cheaperSettling } from './016-cheaper-settling.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  ...[init, runOrder, engine, conflicts, remoteStates, releases],
  ...[machines, scheduleTimes, probes, webhooks],
  ...[people, fewerIndexes, notices, claimedForce, endedRuns, cheaperSettling],
];
