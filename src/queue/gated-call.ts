// Calls to a host that are no jobs (its REST API) pass the gates of the jobs: a pause that either of them meets holds
// for both, on every machine, and after it one goes first. Knows no host and no request.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { Database, Row } from '../store/database.ts';
import { gatePause, SUSPENDED_PAUSE_MS } from './backoff.ts';
import { clearStrikes, noteQuota, pauseGate, type Quota, reserveCall } from './gates.ts';
import { type AtTime, nowArgs, WITH_NOW } from './statement.ts';

type GatedCall = {
  /** Closed when the host cannot be reached. */
  hostGate: string;
  /** Closed when the host limits the account; its quota is kept there. */
  credentialGate: string;
  /** For calls that keep a distance to each other, on all machines together; see `creationGate`. */
  spacing?: { key: string; spacingMs: number };
  signal?: AbortSignal;
};

export type CallGate = {
  /**
   * Makes the call when both gates are open, after its turn where it is spaced. `tell` takes what the answer said of
   * the quota; a used-up one closes the gate until it is renewed. A `rate-limited`, `account-suspended` or
   * `offline` failure of the call closes its gate; any other answer of the host ends the strikes. The call is made at most once, and a
   * database that fails after it is no failure of the call.
   * @throws Failure `rate-limited`, `account-suspended` or `offline` (with `gate` and `retryAfterMs`) without a call while a gate is closed;
   *   `aborted`; what the call throws
   */
  call<T>(gated: GatedCall, make: (tell: (quota: Quota) => void) => Promise<T>): Promise<T>;
};

type Ports = {
  db: Database;
  clock: Clock;
  random: Random;
  log: Pick<Log, 'warn'>;
  settings(): { rateLimitDelayMs: number };
};

/** Longer than any call takes; whoever died while asking is waited for no longer. */
const PROBE_MS = 30_000;
/** While another call finds out whether the host answers, its answer is looked for so often. */
const LOOK_MS = 250;
const OFFLINE_PAUSE_MS = 5_000;
const LONGEST_OFFLINE_PAUSE_MS = 60_000;

const ADD_GATES =
  'INSERT INTO gates(key) SELECT value FROM json_each(:keys) WHERE true ON CONFLICT(key) DO NOTHING';

const STATE = `${WITH_NOW}
  SELECT g.key, g.reason, g.strikes, g.paused_until - t.now AS paused_ms, g.strikes > 0 AND g.probe_until > t.now AS is_probed
  FROM gates g, t WHERE g.key IN (SELECT value FROM json_each(:keys))`;

// The condition on all of them is asked once, before the first row is written.
const PROBE = `${WITH_NOW}
  UPDATE gates SET probe_until = (SELECT now FROM t) + ${PROBE_MS}
  WHERE strikes > 0 AND key IN (SELECT value FROM json_each(:keys)) AND NOT EXISTS (
    SELECT 1 FROM gates g WHERE g.key IN (SELECT value FROM json_each(:keys))
      AND (g.paused_until > (SELECT now FROM t) OR (g.strikes > 0 AND g.probe_until > (SELECT now FROM t))))`;

const END_PROBE = `
  UPDATE gates SET probe_until = 0 WHERE probe_until > 0 AND key IN (SELECT value FROM json_each(:keys))`;

export type Entry =
  | { kind: 'open'; isProbe: boolean }
  | { kind: 'probed' }
  | { kind: 'paused'; key: string; waitMs: number; reason: string };

/** Asks to pass at once. Of a half-open gate, the first one to come is the probe until `endProbe`. */
export async function enterGates(db: Database, keys: readonly string[], at: AtTime = {}): Promise<Entry> {
  const args = { keys: JSON.stringify(keys) };
  const results = await db.batch([
    { sql: ADD_GATES, args },
    { sql: STATE, args: { ...nowArgs(at), ...args } },
    { sql: PROBE, args: { ...nowArgs(at), ...args } },
  ]);
  return entryOf(results[1] ?? []);
}

function entryOf(rows: readonly Row[]): Entry {
  const [longest] = rows.toSorted((a, b) => Number(b.paused_ms) - Number(a.paused_ms));
  if (longest && Number(longest.paused_ms) > 0) {
    const { key, reason, paused_ms } = longest;
    return { kind: 'paused', key: String(key), waitMs: Number(paused_ms), reason: String(reason ?? '') };
  }
  if (rows.some((row) => row.is_probed === 1)) return { kind: 'probed' };
  return { kind: 'open', isProbe: rows.some((row) => Number(row.strikes) > 0) };
}

export async function endProbe(db: Database, keys: readonly string[]): Promise<void> {
  await db.run(END_PROBE, { keys: JSON.stringify(keys) });
}

export function createCallGate(ports: Ports): CallGate {
  const { db } = ports;
  return {
    async call(gated, make) {
      const keys = [gated.hostGate, gated.credentialGate];
      await takeTurn(gated, ports);
      const { isProbe } = await waitToEnter(gated, keys, ports);
      let quota: Quota | null = null;
      let value: Awaited<ReturnType<typeof make>>;
      try {
        value = await make((said) => {
          quota = said;
        });
      } catch (error) {
        await note(ports, async () => {
          await noteFailure(gated, error, isProbe, ports);
          if (isProbe) await endProbe(db, keys);
        });
        throw error;
      }
      await note(ports, async () => {
        if (isProbe) await clearStrikes(db, keys);
        if (quota !== null) await keepQuota(gated, quota, ports);
        if (isProbe) await endProbe(db, keys);
      });
      return value;
    },
  };
}

/** What the host did is done, whatever becomes of the gates: a probe ends by itself, and the next answer says all anew. */
async function note({ log }: Ports, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    log.warn({ err: error }, 'the answer of a host could not be kept at its gates');
  }
}

/** A closed gate is said before the wait for a turn, not after it. */
async function takeTurn({ spacing, hostGate, credentialGate, signal }: GatedCall, ports: Ports) {
  if (spacing === undefined) return;
  const { db, clock } = ports;
  const args = { ...nowArgs({}), keys: JSON.stringify([hostGate, credentialGate]) };
  refusePaused(entryOf(await db.run(STATE, args)));
  const waitMs = await reserveCall(db, spacing);
  if (waitMs > 0) await clock.sleep(waitMs, signal);
}

async function waitToEnter({ signal }: GatedCall, keys: readonly string[], { db, clock }: Ports) {
  const giveUpAt = clock.monotonic() + PROBE_MS;
  for (;;) {
    signal?.throwIfAborted();
    const entry = await enterGates(db, keys);
    refusePaused(entry);
    if (entry.kind === 'open') return entry;
    if (clock.monotonic() >= giveUpAt) {
      const [key = ''] = keys;
      throw closed({ key, reason: 'rate-limited', waitMs: LOOK_MS });
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

function refusePaused(entry: Entry): void {
  if (entry.kind === 'paused') throw closed(entry);
}

function closed({ key, reason, waitMs }: { key: string; reason: string; waitMs: number }): Failure {
  const name = key.slice(key.indexOf(':') + 1);
  if (reason === 'account-suspended') {
    const detail = `The account of ${name} is suspended or disabled; it is left alone for now.`;
    return new Failure('account-suspended', detail, { data: { gate: key, retryAfterMs: waitMs } });
  }
  const isOffline = reason === 'offline';
  const why = isOffline ? 'could not be reached' : 'asked for a pause';
  return new Failure(isOffline ? 'offline' : 'rate-limited', `${name} ${why}; it is left alone for now.`, {
    data: { gate: key, retryAfterMs: waitMs },
  });
}

async function keepQuota({ credentialGate }: GatedCall, quota: Quota, { db, clock }: Ports): Promise<void> {
  const { remaining, resetAt } = quota;
  await noteQuota(db, { key: credentialGate, ...quota });
  const pauseMs = (resetAt ?? 0) - clock.now();
  if (remaining !== 0 || pauseMs <= 0) return;
  await pauseGate(db, { key: credentialGate, pauseMs, reason: 'rate-limited', ...quota });
}

async function noteFailure(gated: GatedCall, error: unknown, isProbe: boolean, ports: Ports): Promise<void> {
  if (!(error instanceof Failure) || error.code === 'aborted') return;
  const { db, clock, random, settings } = ports;
  const { hostGate, credentialGate } = gated;
  if (error.code === 'account-suspended') {
    const pause = { pauseMs: SUSPENDED_PAUSE_MS, reason: error.code };
    return void (await pauseGate(db, { key: credentialGate, ...pause }));
  }
  const isLimit = error.code === 'rate-limited';
  if (!isLimit && error.code !== 'offline') {
    if (isProbe && 'status' in error.data) await clearStrikes(db, [hostGate, credentialGate]);
    return;
  }
  const key = isLimit ? credentialGate : hostGate;
  const [row] = await db.run('SELECT strikes FROM gates WHERE key = :key', { key });
  const { retryAfterMs, remaining, limit } = error.data;
  const askedMs = gatePause({
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    strikes: Number(row?.strikes ?? 0),
    rateLimitDelayMs: isLimit ? settings().rateLimitDelayMs : OFFLINE_PAUSE_MS,
    ...{ now: clock.now(), random },
  });
  await pauseGate(db, {
    ...{ key, reason: error.code, remaining: remaining ?? null, limit: limit ?? null },
    pauseMs: isLimit ? askedMs : Math.min(askedMs, LONGEST_OFFLINE_PAUSE_MS),
  });
}
