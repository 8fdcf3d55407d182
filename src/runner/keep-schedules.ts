// Looks at the clock for every project with cron times or quiet hours. What comes next is stored, so that a time that
// came while the machine slept, or nothing ran, is noticed afterwards: once, however many came meanwhile.

import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import { nextCronTime, quietWindow, type ScheduleTimes } from '../model/schedule.ts';
import { holdForQuietHours } from '../queue/quiet-hours.ts';
import type { Database } from '../store/database.ts';
import { listTimes, NO_TIMES, type StoredTimes, saveTimes } from '../store/schedules.ts';

export type ScheduleKeeperPorts = {
  db: Database;
  clock: Clock;
  log: Log;
  machineId: string;
  projects(): readonly Project[];
  /** A cron time has come: a sync that looks at everything is due. */
  onDue(projectId: ProjectId): Promise<void>;
  /** Quiet hours began, ended, or are others now. */
  onQuietHours(projectId: ProjectId): Promise<void>;
};

export type ScheduleKeeper = {
  start(): void;
  stop(): Promise<void>;
  /** Settings changed: look now. */
  wake(): void;
  forget(projectId: ProjectId): void;
};

/** A clock that jumped, and settings that changed unnoticed, are seen within this time. */
const LOOK_MS = 15_000;
const LEAST_WAIT_MS = 50;

export function createScheduleKeeper(ports: ScheduleKeeperPorts): ScheduleKeeper {
  return new Keeper(ports);
}

/** `quietKey` tells which quiet hours `times.quiet` was found for; `isQuiet` what was told last. */
type Known = { times: StoredTimes; quietKey: string; isQuiet: boolean };

class Keeper implements ScheduleKeeper {
  readonly #ports: ScheduleKeeperPorts;
  #known: Map<ProjectId, Known> | null = null;
  #lastLookAt = 0;
  #loop: { stop: AbortController; done: Promise<void> } | null = null;
  #bell = new AbortController();

  constructor(ports: ScheduleKeeperPorts) {
    this.#ports = ports;
  }

  start(): void {
    if (this.#loop) return;
    const stop = new AbortController();
    this.#loop = { stop, done: this.#run(stop.signal) };
  }

  async stop(): Promise<void> {
    const ending = this.#loop;
    this.#loop = null;
    ending?.stop.abort();
    await ending?.done;
  }

  wake(): void {
    this.#bell.abort();
  }

  forget(projectId: ProjectId): void {
    this.#known?.delete(projectId);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      this.#bell = new AbortController();
      const woken = AbortSignal.any([signal, this.#bell.signal]);
      await this.#look(signal);
      await clock.sleep(this.#untilNext(), woken).catch((error: unknown) => {
        if (!woken.aborted) throw error;
      });
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, db, log, machineId, projects } = this.#ports;
    const now = clock.now();
    // After a start, and after the clock was set back, what was found earlier may be too far away.
    const isSure = this.#known !== null && now >= this.#lastLookAt;
    this.#lastLookAt = now;
    try {
      this.#known ??= knownFrom(await listTimes(db, machineId));
      for (const project of projects()) {
        if (signal.aborted) return;
        await this.#lookAt(project, now, isSure);
      }
    } catch (error) {
      const level = error instanceof Failure && error.retryable ? 'debug' : 'error';
      log[level]({ err: error }, 'the schedules could not be looked at; they are again in a moment');
    }
  }

  /** The sync is queued before its time is stored as past: a crash in between asks for it twice, never not at all. */
  async #lookAt({ projectId, github }: Project, now: number, isSure: boolean): Promise<void> {
    const { db, onDue, onQuietHours } = this.#ports;
    const schedule = github.enabled ? (github.schedule ?? {}) : {};
    const before = this.#known?.get(projectId) ?? UNKNOWN;
    if (before === UNKNOWN && schedule.cron === undefined && schedule.quietHours === undefined) return;
    const { next, isDue } = advance(before, schedule, now, isSure);
    if (isDue) await onDue(projectId);
    if (!sameTimes(before.times, next.times)) await saveTimes(db, projectId, next.times);
    const isOther = before.isQuiet !== next.isQuiet || before.quietKey !== next.quietKey;
    if (isOther && next.isQuiet) await holdForQuietHours(db, { projectId, now });
    this.#known?.set(projectId, next);
    if (isOther) await onQuietHours(projectId);
  }

  #untilNext(): number {
    const now = this.#ports.clock.now();
    const instants = [...(this.#known?.values() ?? [])].flatMap(({ times: { dueAt, quiet } }) =>
      [dueAt, quiet?.from, quiet?.until].filter((instant) => typeof instant === 'number' && instant > now),
    ) as number[];
    return Math.max(LEAST_WAIT_MS, Math.min(LOOK_MS, ...instants.map((instant) => instant - now)));
  }
}

const UNKNOWN: Known = { times: NO_TIMES, quietKey: '', isQuiet: false };

function knownFrom(stored: ReadonlyMap<ProjectId, StoredTimes>): Map<ProjectId, Known> {
  return new Map([...stored].map(([id, times]) => [id, { times, quietKey: '', isQuiet: false }]));
}

/** What is known from `now` on, and whether a cron time has come. A changed expression begins anew. Pure. */
function advance(
  { times, quietKey }: Known,
  schedule: ScheduleTimes,
  now: number,
  isSure: boolean,
): { next: Known; isDue: boolean } {
  const { cron, timezone = null, quietHours } = schedule;
  const cronKey = cron === undefined ? null : JSON.stringify([cron, timezone]);
  const isSame = cronKey !== null && cronKey === times.cron;
  const isDue = isSame && times.dueAt !== null && times.dueAt <= now;
  const keepsDue = isSame && isSure && !isDue;
  const nextKey = quietHours === undefined ? '' : JSON.stringify([quietHours.from, quietHours.to, timezone]);
  const keepsQuiet = isSure && nextKey === quietKey && (times.quiet === null || times.quiet.until > now);
  const quiet = keepsQuiet ? times.quiet : windowFrom(quietWindow(schedule, now), times.quiet);
  const dueAt = keepsDue ? times.dueAt : nextCronTime(schedule, now);
  const isQuiet = quiet !== null && quiet.from <= now;
  return { next: { times: { cron: cronKey, dueAt, quiet }, quietKey: nextKey, isQuiet }, isDue };
}

/** Quiet hours under way that were known before keep their beginning: nothing is stored anew for that. */
function windowFrom(found: StoredTimes['quiet'], known: StoredTimes['quiet']): StoredTimes['quiet'] {
  return found !== null && known?.until === found.until && known.from <= found.from ? known : found;
}

function sameTimes(a: StoredTimes, b: StoredTimes): boolean {
  return (
    a.cron === b.cron &&
    a.dueAt === b.dueAt &&
    a.quiet?.from === b.quiet?.from &&
    a.quiet?.until === b.quiet?.until
  );
}
