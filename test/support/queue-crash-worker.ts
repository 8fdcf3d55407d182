// A worker process for the crash test: claims, "syncs", settles, until it is killed or told to stop.
// A project's work is to carry the number in `<project>.changed` over to `<project>.synced`.
// Arguments: a JSON object { location, folder, workerId, leaseMs }.

import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { Failure, reasonOf } from '../../src/model/failure.ts';
import type { ClaimedJob } from '../../src/model/job.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { type JobOutcome, settleJob } from '../../src/queue/settle.ts';
import { tick } from '../../src/queue/tick.ts';
import { openDatabase } from '../../src/store/open.ts';

const { location, folder, workerId, leaseMs } = JSON.parse(process.argv[2] ?? '{}');
const deps = { clock: systemClock, random: systemRandom, log: silentLog };
const held = new Map<string, { job: ClaimedJob; deadline: number; lost: boolean }>();
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

const journal = (...words: unknown[]) => appendFileSync(join(folder, 'journal'), `${words.join(' ')}\n`);

/** What a server that is killed meanwhile asks of its callers: try again while the failure says so. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Failure) || !error.retryable) throw error;
      await systemClock.sleep(20 + 30 * systemRandom());
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Notes a violation when a living process works on the same project. */
function takeLockFile(path: string, job: ClaimedJob): void {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return;
    } catch {
      const pid = Number(readFileSync(path, { encoding: 'utf8', flag: 'a+' }));
      if (pid > 0 && isAlive(pid)) journal('violation', job.projectId, job.fence, 'running in', pid);
      rmSync(path, { force: true });
    }
  }
}

async function work(job: ClaimedJob, deadline: number): Promise<void> {
  const key = `${job.jobId}:${job.fence}`;
  const lease = { job, deadline, lost: false };
  held.set(key, lease);
  const lock = join(folder, `${job.projectId}.lock`);
  const isOurs = () => !lease.lost && systemClock.monotonic() < lease.deadline;
  let outcome: JobOutcome = { kind: 'done', status: 'success' };
  if (!isOurs()) return void held.delete(key);
  takeLockFile(lock, job);
  const changed = readFileSync(join(folder, `${job.projectId}.changed`), 'utf8');
  await systemClock.sleep(2 + 15 * systemRandom());
  if (systemRandom() < 0.05) {
    outcome = { kind: 'retry', delayMs: 40 * systemRandom(), reason: reasonOf('remote-timeout', 'made up') };
  } else if (isOurs()) {
    const temporary = join(folder, `${job.projectId}.${process.pid}`);
    writeFileSync(temporary, changed);
    renameSync(temporary, join(folder, `${job.projectId}.synced`));
  }
  rmSync(lock, { force: true });
  if (isOurs()) {
    const { jobId, fence } = job;
    const settled = await untilAnswered(() =>
      settleJob(db, { jobId, fence, outcome, facts: null, stats: NO_STATS }),
    );
    journal(settled, job.projectId, job.fence);
  }
  held.delete(key);
}

const db = await untilAnswered(() => openDatabase(location, deps));
journal('up', workerId);
while (!stopping || held.size > 0) {
  const leases = [...held.values()];
  const freeSlots = stopping ? 0 : 4 - held.size;
  let sentAt = 0;
  const answer = await untilAnswered(() => {
    sentAt = systemClock.monotonic();
    const limits = { leaseMs, maxCrashes: 1_000, crashDelayMs: 0 };
    const jobs = leases.map((lease) => lease.job);
    return tick(db, { workerId, machineId: 'laptop', freeSlots, held: jobs, ...limits });
  });
  for (const lease of leases) {
    // One that ended while the tick was under way is not lost.
    if (answer.lost.some((lost) => lost.jobId === lease.job.jobId && lost.fence === lease.job.fence)) {
      lease.lost = true;
    } else lease.deadline = sentAt + leaseMs;
  }
  for (const job of answer.claimed) {
    work(job, sentAt + leaseMs).catch((error: unknown) => journal('fault', error));
  }
  await systemClock.sleep(answer.claimed.length > 0 ? 2 : 15);
}
await db.close();
journal('down', workerId);
