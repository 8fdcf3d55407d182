// Our own queue for the benchmark: the statements that a worker and a sync use, on a local file.

import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { ClaimedJob } from '../../src/model/job.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { claimStatement, readClaim } from '../../src/queue/claim.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { settleJob } from '../../src/queue/settle.ts';
import { tick } from '../../src/queue/tick.ts';
import type { Database } from '../../src/store/database.ts';
import { LANE_ID, laneStatements } from '../../src/store/lanes.ts';
import { openDatabase } from '../../src/store/open.ts';
import type { QueueContender } from './queue-peers.ts';

const LEASE_MS = 30_000;
const FILL = 5_000;

export type OurQueue = QueueContender & {
  /** Takes up to so many jobs as the service does, in one request, and completes them at once; answers how many. */
  several(atOnce: number): Promise<number>;
};

export async function openOurs(folder: string): Promise<OurQueue> {
  const deps = { clock: systemClock, random: systemRandom, log: silentLog };
  return openOurQueue(await openDatabase({ path: join(folder, 'ours.db') }, deps), 'bench');
}

/** One project a job, because a project waits once only; those whose job is done are queued again. */
export function openOurQueue(db: Database, machineId: string): OurQueue {
  const worker = { workerId: `${machineId}-1`, machineId, leaseMs: LEASE_MS };
  const idle: ProjectId[] = [];
  const look = (freeSlots: number) =>
    tick(db, { ...worker, freeSlots, held: [], maxCrashes: 5, crashDelayMs: 1_000 });
  const complete = async ({ jobId, fence, projectId }: ClaimedJob) => {
    const outcome = { kind: 'done', status: 'success' } as const;
    await settleJob(db, { jobId, fence, outcome, facts: null, stats: NO_STATS });
    idle.push(projectId);
  };
  return {
    name: 'gitferry',
    async fill(count) {
      const projectIds = idle.splice(0, count);
      projectIds.push(...(await addProjects(db, machineId, count - projectIds.length)));
      const usual = { trigger: 'watch', delayMs: 0, force: false, priority: 5, askRemote: false } as const;
      for (let n = 0; n < count; n += FILL) {
        await enqueue(db, { ...usual, projectIds: projectIds.slice(n, n + FILL) });
      }
      do await look(0);
      while (await isWaiting(db));
    },
    async pair() {
      const [[row] = []] = await db.batch([claimStatement(worker)]);
      if (row === undefined) throw new Error('gitferry has no job');
      await complete(readClaim(row));
    },
    async several(atOnce) {
      const { claimed } = await look(atOnce);
      await Promise.all(claimed.map(complete));
      return claimed.length;
    },
    close: () => db.close(),
  };
}

async function isWaiting(db: Database): Promise<boolean> {
  const [row] = await db.run("SELECT count(*) AS jobs FROM jobs WHERE state = 'scheduled'");
  return Number(row?.jobs) > 0;
}

async function addProjects(db: Database, machineId: string, count: number): Promise<ProjectId[]> {
  if (count <= 0) return [];
  const lane = { machineId, hostGate: 'host:github.com', credentialGate: `cred:github.com:${machineId}` };
  const [row] = await db.run('SELECT coalesce(max(id), 0) AS last FROM projects');
  const first = Number(row?.last) + 1;
  await db.batch([
    ...laneStatements(lane),
    {
      sql: `INSERT INTO projects(project_id, project_name, machine_id, path, lane_id, lock_key, quiet_ms, min_interval_ms,
              created_at)
            WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :first + :count - 1)
            SELECT :machineId || '-' || i, 'p' || i, :machineId, '/p/' || i, ${LANE_ID}, :machineId || i, 0, 0, 0 FROM n`,
      args: { first, count, ...lane },
    },
  ]);
  return Array.from({ length: count }, (_, n) => `${machineId}-${first + n}` as ProjectId);
}
