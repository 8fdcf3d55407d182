// A worker's process: the real pipeline on the real database, with fault points around its statements and steps.
// Left out are the watcher and the scan, which would find again what the queue had lost and so hide the loss.
// Argument: a JSON object, see `WorkerTask`.

import { mergeLayers } from '../../src/config/layers.ts';
import { createEventBus } from '../../src/events/bus.ts';
import { createChangeScanner } from '../../src/git/changes/change-scanner.ts';
import { loadHost } from '../../src/host/load.ts';
import { type Log, silentLog } from '../../src/host/log.ts';
import { Failure } from '../../src/model/failure.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { refreshProject } from '../../src/projects/enrol.ts';
import { createProgressTable } from '../../src/runner/progress-table.ts';
import { createProjectTable } from '../../src/runner/project-table.ts';
import { createSyncTools } from '../../src/runner/sync-tools.ts';
import { takeOver } from '../../src/service/open-store.ts';
import type { Database } from '../../src/store/database.ts';
import { appendEvents, eventBounds, readEvents } from '../../src/store/events.ts';
import { listProjects } from '../../src/store/projects.ts';
import { pointOf } from './fault-points.ts';
import type { Journal } from './journal.ts';
import { openProcess, readTask, type Task, untilAnswered } from './soak-process.ts';

export type WorkerTask = Task & { machineId: string; leaseMs: number };

const BUS_POLL_MS = 1_000;
/** The producer's word reaches the queue past the workers, so they look by themselves. */
const LOOK_EVERY_MS = 60;
/** What a server that is away, or a lease that is lost, is told by. */
const EXPLAINED: ReadonlySet<string> = new Set(['database-unreachable', 'database-busy', 'lease-lost']);

const task = readTask<WorkerTask>();
const { who: workerId, machineId } = task;
const host = await loadHost();
const { clock, random, env, homeDir } = host;

/** One sync at a time, so that each step can be told to belong to the newest claim. */
let current = { project: '', fence: 0 };

/** Notes what the queue gave to this process, and what it took from it. */
function witness(db: Database, journal: Journal): Database {
  return {
    ...db,
    async batch(statements) {
      const results = await db.batch(statements);
      statements.forEach(({ sql, args }, at) => {
        const row = results[at]?.[0];
        if (row === undefined) return;
        const point = pointOf(sql);
        if (point === 'claim') current = { project: String(row.project), fence: Number(row.fence) };
        if (point === 'finish' || point === 'try-again' || point === 'release') {
          const [jobId, fence, status] = [args?.jobId, args?.fence, args?.status];
          journal.note({
            ...{ kind: 'settled', who: workerId, jobId: Number(jobId), fence: Number(fence) },
            status: String(status),
          });
        }
      });
      return results;
    },
  };
}

/** Errors that nothing explains are faults of the product. */
function watchedLog(journal: Journal): Log {
  const error = (context: unknown, text?: string) => {
    const cause = (context as { err?: unknown }).err;
    if (cause instanceof Failure && EXPLAINED.has(cause.code)) return;
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    journal.note({ kind: 'fault', who: workerId, text: `${text ?? ''}: ${stack}` });
  };
  return Object.assign(Object.create(silentLog), { error }) as Log;
}

const { db, journal, strike, plant } = await openProcess(task, (planted) => planted.worker, witness);
const log = watchedLog(journal);
const { config } = mergeLayers({ flag: { fsync: false } });
const tools = createSyncTools({ host, log, db, config: () => config, secretEnv: host.env });
const sync = {
  ...tools.sync,
  async faultPoint(name: string) {
    journal.note({ kind: 'step', who: workerId, ...current, name });
    strike(`sync:${name}`, 'at');
  },
};
const bus = createEventBus({
  read: (after, limit) => readEvents(db, { after, limit }),
  bounds: () => eventBounds(db),
  append: (events) => appendEvents(db, events),
  pollMs: BUS_POLL_MS,
  ...{ clock, log },
});
const projects = createProjectTable();
const scanner = createChangeScanner({ env, homeDir });
const enrol = { db, machineId, env, homeDir };
const pipeline = createPipeline({
  ...{ db, bus, clock, random, log, workerId, machineId, scanner },
  projects: { ...projects, all: () => [] },
  watch: null,
  lease: { leaseMs: task.leaseMs, maxCrashes: 1_000, crashDelayMs: 0 },
  job: {
    sync: plant.sync?.(sync) ?? sync,
    explain: tools.explain,
    progress: createProgressTable(),
    refresh: (project) => refreshProject(project, enrol),
  },
  findConsented: async () => {},
  upkeep: async () => {},
  settings: () => ({
    scanIntervalMs: 3_600_000,
    pollIntervalMs: 0,
    maxConcurrentSyncs: 1,
    maxSyncsPerCredential: 6,
    maxRetries: 1_000,
    retryDelayMs: 100,
    rateLimitDelayMs: 100,
    jobTimeoutMs: 60_000,
    shutdownGraceMs: 10_000,
  }),
});

await untilAnswered(() => bus.start());
await untilAnswered(() => takeOver(db, { host, machineId, workerId }));
for (const project of await untilAnswered(() => listProjects(db, { machineId }))) projects.put(project);
journal.note({ kind: 'up', who: workerId, pid: host.pid });
host.writeOut('up\n');
await untilAnswered(() => pipeline.start());
const looking = setInterval(() => pipeline.wake(), LOOK_EVERY_MS);

host.onStopSignal(async () => {
  clearInterval(looking);
  await pipeline.stop();
  await bus.stop();
  await scanner.close();
  await db.close();
  host.exit(0);
});
