// The processes that take jobs: who they are, when they were last seen, and what to do with the dead.

import type { Database, SqlStatement } from '../store/database.ts';
import { type ReclaimOptions, reclaimOfWorkersStatement } from './reclaim.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

/** `pidStart` tells a process from a later one with the same number, `bootId` from one on another computer. */
export type WorkerIdentity = {
  workerId: string;
  machineId: string;
  pid: number;
  pidStart?: string | null;
  bootId?: string | null;
  version: string;
};

/** A process that never said that it stopped. */
export type KnownWorker = {
  workerId: string;
  pid: number;
  pidStart: string | null;
  bootId: string | null;
  seenAt: number;
};

/** Being seen is written this rarely, so that an idle tick changes nothing on disk. */
const SEEN_EVERY_MS = 10_000;
/** A process that was not seen for so long is taken for dead; with the looks between, that shows within a minute. */
const SILENT_AFTER_MS = 40_000;
/** Between being seen, an idle process lets pass at most its longest wait and `SEEN_EVERY_MS`. */
const GAP_MS = 25_000;

const REGISTER = `${WITH_NOW}
  INSERT INTO workers(id, machine_id, boot_id, pid, pid_start, version, started_at, seen_at, steady_since, state)
  SELECT :workerId, :machineId, :bootId, :pid, :pidStart, :version, t.now, t.now, t.now, 'up' FROM t WHERE true
  ON CONFLICT(id) DO UPDATE SET machine_id = excluded.machine_id, boot_id = excluded.boot_id, pid = excluded.pid,
    pid_start = excluded.pid_start, version = excluded.version, started_at = excluded.started_at,
    seen_at = excluded.seen_at, steady_since = excluded.steady_since, state = 'up'`;

const SEEN = `${WITH_NOW}
  UPDATE workers SET seen_at = (SELECT now FROM t), state = 'up',
    steady_since = iif(seen_at < (SELECT now FROM t) - ${GAP_MS}, (SELECT now FROM t), steady_since)
  WHERE id = :workerId AND (state <> 'up' OR seen_at <= (SELECT now FROM t) - ${SEEN_EVERY_MS})`;

// Whoever was cut off from the server itself, or came a moment ago, cannot tell who else is silent.
const SILENT = `${WITH_NOW}
  UPDATE workers SET state = 'dead'
  WHERE state = 'up' AND seen_at <= (SELECT now FROM t) - ${SILENT_AFTER_MS} AND EXISTS (SELECT 1 FROM workers me
    WHERE me.id = :workerId AND me.steady_since <= (SELECT now FROM t) - ${SILENT_AFTER_MS})`;

const MARK_SEEN = `${WITH_NOW}
  UPDATE workers SET seen_at = (SELECT now FROM t) WHERE id = :workerId`;

const STOPPED = `${WITH_NOW}
  UPDATE workers SET state = 'stopped', seen_at = (SELECT now FROM t) WHERE id = :workerId`;

const LIST_UP = `
  SELECT id, pid, pid_start, boot_id, seen_at FROM workers WHERE machine_id = :machineId AND state = 'up' ORDER BY id`;

const DEAD = `
  UPDATE workers SET state = 'dead' WHERE machine_id = :machineId AND id IN (SELECT value FROM json_each(:workers))`;

// The last word of a machine that has projects is kept: without it nobody could tell that they are not looked after.
const FORGET = `${WITH_NOW}
  DELETE FROM workers WHERE state <> 'up' AND seen_at <= (SELECT now FROM t) - 86400000 AND (
    EXISTS (SELECT 1 FROM workers w WHERE w.machine_id = workers.machine_id
      AND (w.seen_at, w.id) > (workers.seen_at, workers.id))
    OR NOT EXISTS (SELECT 1 FROM projects p WHERE p.machine_id = workers.machine_id))`;

/** Call at start, before the first tick. Forgets processes that ended more than a day ago. */
export async function registerWorker(db: Database, options: WorkerIdentity & AtTime): Promise<void> {
  const { workerId, machineId, pid, pidStart = null, bootId = null, version } = options;
  const args = { ...nowArgs(options), workerId, machineId, pid, pidStart, bootId, version };
  await db.batch([
    { sql: REGISTER, args },
    { sql: FORGET, args: nowArgs(options) },
  ]);
}

/** Part of every tick. */
export function seenStatement(options: AtTime & { workerId: string }): SqlStatement {
  return { sql: SEEN, args: { ...nowArgs(options), workerId: options.workerId } };
}

/** Part of every tick: processes, of any machine, that fell silent are marked and told of. */
export function markSilentStatement(options: AtTime & { workerId: string }): SqlStatement {
  return { sql: SILENT, args: { ...nowArgs(options), workerId: options.workerId } };
}

/** Writes in any case, so it also tells whether the database can be written to. */
export async function markSeen(db: Database, options: { workerId: string } & AtTime): Promise<void> {
  await db.run(MARK_SEEN, { ...nowArgs(options), workerId: options.workerId });
}

/** Call when the worker has ended, or takes no more jobs, in good order. */
export async function stopWorker(db: Database, options: { workerId: string } & AtTime): Promise<void> {
  await db.run(STOPPED, { ...nowArgs(options), workerId: options.workerId });
}

/** The machine's processes that never said that they stopped; some may be dead: ask the operating system. */
export async function listRunningWorkers(db: Database, machineId: string): Promise<KnownWorker[]> {
  const rows = await db.run(LIST_UP, { machineId });
  return rows.map((row) => ({
    workerId: String(row.id),
    pid: Number(row.pid),
    pidStart: row.pid_start as string | null,
    bootId: row.boot_id as string | null,
    seenAt: Number(row.seen_at),
  }));
}

/**
 * Takes back the jobs of processes that are known to be dead, without waiting for their leases. Idempotent.
 * `maxCrashes` (default 5) crashes in a row park a job; `crashDelayMs` (default 30000) spaces the tries before that.
 */
export async function reclaimDeadWorkers(
  db: Database,
  options: { machineId: string; workerIds: readonly string[] } & Partial<ReclaimOptions>,
): Promise<void> {
  const { machineId, workerIds, maxCrashes = 5, crashDelayMs = 30_000 } = options;
  if (workerIds.length === 0) return;
  await db.batch([
    reclaimOfWorkersStatement({ ...options, workerIds, maxCrashes, crashDelayMs }),
    { sql: DEAD, args: { machineId, workers: JSON.stringify(workerIds) } },
  ]);
}
