// Opening the database for one service, and ending what a killed one left behind.

import { dirname, resolve } from 'node:path';
import type { Config } from '../config/settings.ts';
import { type LockFile, takeLock } from '../host/lock-file.ts';
import type { Log } from '../host/log.ts';
import { processStart } from '../host/process-start.ts';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { unparkAll } from '../queue/unpark.ts';
import { listRunningWorkers, reclaimDeadWorkers, registerWorker } from '../queue/workers.ts';
import { makeDataFolder } from '../runner/own-database.ts';
import type { Database } from '../store/database.ts';
import { openDatabase, openForReading } from '../store/open.ts';
import { VERSION } from '../version.ts';

/** A local file belongs to one service: two on it would each believe they watch alone. */
export async function openStore(
  host: Host,
  config: Config,
  log: Log,
): Promise<{ db: Database; lock: LockFile | null }> {
  const ports = { clock: host.clock, random: host.random, log };
  if (config.dbUrl !== null) {
    const authToken = config.dbAuthToken;
    return {
      db: await openDatabase({ url: config.dbUrl, ...(authToken && { authToken }) }, ports),
      lock: null,
    };
  }
  const path = resolve(host.cwd, config['schedulerOptions.dbPath']);
  await makeDataFolder(dirname(path));
  const answer = await takeDatabaseLock(`${path}.lock`, host.pid);
  if (answer.kind === 'taken') {
    throw new Failure('database-in-use', `${path} is in use by the gitferry with process id ${answer.pid}.`);
  }
  try {
    return { db: await openDatabase({ path }, ports), lock: answer.lock };
  } catch (error) {
    await answer.lock.release();
    throw error;
  }
}

/** Only to look at what is there, while no service runs. @throws Failure `database-missing`, `database-older`, … */
export function openStoreForReading(host: Host, config: Config, log: Log): Promise<Database> {
  const ports = { clock: host.clock, random: host.random, log };
  const { dbUrl: url, dbAuthToken: authToken } = config;
  if (url !== null) return openForReading({ url, ...(authToken && { authToken }) }, ports);
  return openForReading({ path: resolve(host.cwd, config['schedulerOptions.dbPath']) }, ports);
}

async function takeDatabaseLock(path: string, pid: number) {
  try {
    return await takeLock(path, pid);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new Failure('disk-full', `No space left for ${path}.`);
    throw new Failure('database-read-only', `${path} cannot be written (${code}).`, { cause: error });
  }
}

/** Jobs of a service that was killed on this machine go back at once; what a person had to repair is tried again. */
export async function takeOver(
  db: Database,
  input: { host: Host; machineId: string; workerId: string },
): Promise<void> {
  const { host, machineId, workerId } = input;
  const dead: string[] = [];
  for (const known of await listRunningWorkers(db, machineId)) {
    // On a shared queue another computer may use this machine's name: its processes cannot be looked up here. If they
    // are dead, their leases run out.
    if (known.bootId !== null && known.bootId !== host.hostname) continue;
    const start = await processStart(known.pid);
    if (start === null || start !== known.pidStart) dead.push(known.workerId);
  }
  await reclaimDeadWorkers(db, { machineId, workerIds: dead, crashDelayMs: 0 });
  const pidStart = await processStart(host.pid);
  await registerWorker(db, {
    workerId,
    machineId,
    pid: host.pid,
    pidStart,
    bootId: host.hostname,
    version: VERSION,
  });
  await unparkAll(db, { machineId });
}

/** Null: the database is on a server. */
export function databasePathOf(host: Host, config: Config): string | null {
  return config.dbUrl === null ? resolve(host.cwd, config['schedulerOptions.dbPath']) : null;
}

export function dataFolderOf(host: Host, config: Config): string {
  return config.dbUrl === null ? dirname(resolve(host.cwd, config['schedulerOptions.dbPath'])) : host.cwd;
}
