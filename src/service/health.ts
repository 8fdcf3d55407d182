// Whether the service works: each check does what it speaks of, and says what it found.

import { statfs } from 'node:fs/promises';
import { Failure } from '../model/failure.ts';
import type { HealthChecks, SchedulerStatus, WatcherStatus } from '../model/service.ts';

export type HealthPorts = {
  /** Writes to the database, the way work does. */
  writeDatabase(): Promise<void>;
  /** Folder whose disk is looked at. */
  dataFolder: string;
};

/** With less free space than this, commits and the queue are about to fail. */
const LEAST_FREE_BYTES = 100 * 1024 * 1024;

export async function checkHealth(
  ports: HealthPorts,
  scheduler: SchedulerStatus,
  watcher: WatcherStatus,
): Promise<HealthChecks> {
  return {
    database: await check(async () => {
      await ports.writeDatabase();
      return 'writable';
    }),
    scheduler: schedulerCheck(scheduler),
    watcher: watcherCheck(scheduler, watcher),
    disk: await check(() => freeSpace(ports.dataFolder)),
  };
}

/** The queue is looked at every few seconds. */
const OLDEST_TICK_MS = 60_000;

/** Stopped on purpose is no fault. */
function schedulerCheck({ running, tickAgeMs }: SchedulerStatus): { ok: boolean; detail: string } {
  if (!running || tickAgeMs === null) return { ok: true, detail: running ? 'starting' : 'stopped' };
  const detail = `looked at the queue ${Math.round(tickAgeMs / 1000)} s ago`;
  return { ok: tickAgeMs <= OLDEST_TICK_MS, detail };
}

function watcherCheck(scheduler: SchedulerStatus, watcher: WatcherStatus): { ok: boolean; detail: string } {
  if (!scheduler.running) return { ok: true, detail: 'stopped' };
  return {
    ok: watcher.degradedReason === null,
    detail: watcher.degradedReason ?? `${watcher.watched} folders`,
  };
}

async function freeSpace(folder: string): Promise<string> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const text = `${Math.floor(freeBytes / 1_048_576)} MiB free`;
  if (freeBytes < LEAST_FREE_BYTES) throw new Error(text);
  return text;
}

async function check(look: () => Promise<string>): Promise<HealthChecks['database']> {
  try {
    return { ok: true, detail: await look() };
  } catch (error) {
    const detail = (error as Error).message;
    return error instanceof Failure ? { ok: false, detail, code: error.code } : { ok: false, detail };
  }
}
