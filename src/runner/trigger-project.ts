// "Sync now" for one project: its whole work tree and the remote are asked, and a parking ends, as does the pause of
// an account that was suspended: whoever asks may have spoken with the host.

import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { JobView } from '../model/job.ts';
import type { TriggerOptions } from '../model/service.ts';
import { listGates, resumeGate } from '../queue/gates.ts';
import { findJob } from '../queue/reads.ts';
import { readProjectGates } from '../queue/strikes.ts';
import type { Database } from '../store/database.ts';
import type { Queueing } from './queueing.ts';

/** @throws Failure `project-disabled` when it was disabled meanwhile */
export async function triggerProject(
  projectId: ProjectId,
  { immediate, priority }: TriggerOptions,
  ports: { db: Database; queue: Queueing },
): Promise<JobView> {
  await askSuspended(projectId, ports.db);
  const isParked = (await findJob(ports.db, projectId))?.state === 'parked';
  await ports.queue([projectId], {
    trigger: 'api',
    delayMs: 0,
    force: immediate || isParked,
    askRemote: true,
    ...(priority !== undefined && { priority }),
  });
  const job = await findJob(ports.db, projectId);
  if (job === null) throw new Failure('project-disabled', `The project ${projectId} is not enabled.`);
  return job;
}

async function askSuspended(projectId: ProjectId, db: Database): Promise<void> {
  const gates = await readProjectGates(db, projectId);
  const closed = gates?.isPaused ? await listGates(db) : [];
  const own = closed.find(({ key }) => key === gates?.credentialGate);
  if (own?.reason === 'account-suspended') await resumeGate(db, own.key);
}
