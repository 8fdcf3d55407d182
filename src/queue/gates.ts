// Gates close a host or a credential for everyone at once (rate limit, offline); lanes name the gates of a job.

import type { Database, SqlStatement } from '../store/database.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

export type PauseOptions = AtTime & {
  /** For example `host:github.com`. */
  key: string;
  /** From now, milliseconds; a longer pause that is under way stays. */
  pauseMs: number;
  /** `rate-limited`, `offline`, or another word that people see. */
  reason: string;
  /** Quota left and in all, as the host said; `resetAt` is epoch milliseconds. */
  remaining?: number | null;
  limit?: number | null;
  resetAt?: number | null;
};

/** What a host said of its limit; `resetAt` is epoch milliseconds. */
export type Quota = { remaining: number; limit: number; resetAt: number | null };

/** `half-open`: the pause is over, and until the host has answered one job at a time is let through. */
export type ClosedGate = {
  key: string;
  state: 'paused' | 'half-open';
  /** Of a half-open gate it is over. */
  pausedUntil: number;
  /** Pauses since the last success. */
  strikes: number;
  reason: string;
  remaining: number | null;
  limit: number | null;
};

const ADD_GATE = 'INSERT INTO gates(key) VALUES (:key) ON CONFLICT(key) DO NOTHING';

// Jobs that were under way together find the same thing out together: that is one strike, and of an outage one pause.
// What a host asks for meanwhile is never cut short.
const PAUSE = `${WITH_NOW}
  UPDATE gates SET
    paused_until = iif(paused_until > (SELECT now FROM t) AND :reason = 'offline', paused_until,
      max(paused_until, (SELECT now FROM t) + :pauseMs)),
    strikes = strikes + iif(paused_until > (SELECT now FROM t), 0, 1),
    reason = iif(paused_until > (SELECT now FROM t) AND :reason = 'offline', reason, :reason), quota_remaining = :remaining, quota_limit = :limit, quota_reset_at = :resetAt,
    updated_at = (SELECT now FROM t)
  WHERE key = :key RETURNING paused_until, strikes`;

const RESUME = `${WITH_NOW}
  UPDATE gates SET paused_until = 0, updated_at = (SELECT now FROM t) WHERE key = :key AND paused_until > 0`;

const REOPEN = `${WITH_NOW}
  UPDATE gates SET paused_until = 0, updated_at = (SELECT now FROM t)
  WHERE paused_until > 0 AND paused_until <= (SELECT now FROM t)`;

// A job that began before the pause proves nothing, so a gate that is still paused keeps its strikes.
const CLEAR_STRIKES = `${WITH_NOW}
  UPDATE gates SET strikes = 0, paused_until = 0, probe_until = 0, reason = NULL, updated_at = (SELECT now FROM t)
  WHERE strikes > 0 AND paused_until <= (SELECT now FROM t) AND key IN (SELECT value FROM json_each(:keys))`;

const LIST = `${WITH_NOW}
  SELECT g.key, g.paused_until > t.now AS is_paused, iif(g.paused_until > 0, g.paused_until, g.updated_at) AS until,
    g.strikes, g.reason, g.quota_remaining, g.quota_limit FROM gates g, t
  WHERE g.strikes > 0 OR g.paused_until > t.now ORDER BY g.key`;

const QUOTAS = `${WITH_NOW}
  SELECT g.key, g.quota_remaining, g.quota_limit, g.quota_reset_at, g.updated_at FROM gates g, t
  WHERE g.quota_remaining IS NOT NULL AND g.quota_limit IS NOT NULL AND g.quota_reset_at > t.now
  ORDER BY g.key`;

// The slots of a key lie side by side, whichever machine asks.
const RESERVE = `${WITH_NOW}
  UPDATE gates SET next_call_at = max(next_call_at, (SELECT now FROM t)) + :spacingMs
  WHERE key = :key RETURNING next_call_at - :spacingMs - (SELECT now FROM t) AS wait`;

/**
 * Closes a gate for all machines: its jobs are not claimed until the pause is over. Afterwards one job at a time
 * passes until `clearStrikes`. Pause before releasing the job that found out, or it is claimed again at once.
 * Answers the pause's end (epoch milliseconds) and how many pauses there were since the last success.
 */
export async function pauseGate(
  db: Database,
  options: PauseOptions,
): Promise<{ pausedUntil: number; strikes: number }> {
  const { key, pauseMs, reason, remaining, limit, resetAt } = options;
  const quota = { remaining: remaining ?? null, limit: limit ?? null, resetAt: resetAt ?? null };
  const results = await db.batch([
    { sql: ADD_GATE, args: { key } },
    { sql: PAUSE, args: { ...nowArgs(options), key, pauseMs: Math.ceil(pauseMs), reason, ...quota } },
  ]);
  const row = results[1]?.[0];
  return { pausedUntil: Number(row?.paused_until), strikes: Number(row?.strikes) };
}

/** Ends a pause now; the next job is still let through alone. */
export async function resumeGate(db: Database, key: string, options: AtTime = {}): Promise<void> {
  await db.run(RESUME, { ...nowArgs(options), key });
}

/** The host answered: jobs pass freely again. Call it after every success; it writes only when there is need. */
export async function clearStrikes(
  db: Database,
  keys: readonly string[],
  options: AtTime = {},
): Promise<void> {
  await db.run(CLEAR_STRIKES, { ...nowArgs(options), keys: JSON.stringify(keys) });
}

/** How many pauses there were since the last success; 0 for a gate that is not known. */
export async function readStrikes(db: Database, key: string): Promise<number> {
  const [row] = await db.run('SELECT strikes FROM gates WHERE key = :key', { key });
  return Number(row?.strikes ?? 0);
}

/** The gates that are paused now, or let one job at a time through. */
export async function listGates(db: Database, options: AtTime = {}): Promise<ClosedGate[]> {
  const rows = await db.run(LIST, nowArgs(options));
  return rows.map((row) => ({
    key: String(row.key),
    state: row.is_paused === 1 ? 'paused' : 'half-open',
    pausedUntil: Number(row.until),
    strikes: Number(row.strikes),
    reason: String(row.reason ?? ''),
    remaining: row.quota_remaining as number | null,
    limit: row.quota_limit as number | null,
  }));
}

/**
 * Takes the next slot of calls that keep `spacingMs` between each other, on all machines together and across restarts
 * (a host that counts what is created, for example `create:github.com`). Answers how long to wait before the call,
 * milliseconds; a slot that is not used is lost.
 */
export async function reserveCall(
  db: Database,
  options: AtTime & { key: string; spacingMs: number },
): Promise<number> {
  const { key, spacingMs } = options;
  const results = await db.batch([
    { sql: ADD_GATE, args: { key } },
    { sql: RESERVE, args: { ...nowArgs(options), key, spacingMs: Math.ceil(spacingMs) } },
  ]);
  return Math.max(0, Number(results[1]?.[0]?.wait));
}

const NOTE_QUOTA = `${WITH_NOW}
  UPDATE gates SET quota_remaining = :remaining, quota_limit = :limit, quota_reset_at = :resetAt,
    updated_at = (SELECT now FROM t)
  WHERE key = :key`;

/** Keeps what an answer said of the account's limit, for people to see. The gate must exist. */
export async function noteQuota(db: Database, options: AtTime & Quota & { key: string }): Promise<void> {
  const { key, remaining, limit, resetAt } = options;
  await db.run(NOTE_QUOTA, { ...nowArgs(options), key, remaining, limit, resetAt });
}

export type KnownQuota = Omit<Quota, 'resetAt'> & { key: string; resetAt: number; asOf: number };

/** The limits that hosts told and that have not been renewed since, by gate. */
export async function listQuotas(db: Database, options: AtTime = {}): Promise<KnownQuota[]> {
  const rows = await db.run(QUOTAS, nowArgs(options));
  return rows.map((row) => ({
    key: String(row.key),
    remaining: Number(row.quota_remaining),
    limit: Number(row.quota_limit),
    resetAt: Number(row.quota_reset_at),
    asOf: Number(row.updated_at),
  }));
}

/** Pauses whose time is over end by a statement, so that an event tells of it. Part of every tick. */
export function reopenGatesStatement(options: AtTime): SqlStatement {
  return { sql: REOPEN, args: nowArgs(options) };
}
