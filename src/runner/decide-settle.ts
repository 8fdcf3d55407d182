// Pure: what becomes of a job after a sync answered. Who must act, who waits, and how long.

import type { SyncOutcome } from '../git/sync/sync-work.ts';
import type { Random } from '../host/clock.ts';
import { type Failure, type Reason, reasonOf } from '../model/failure.ts';
import { FAILURES, type FailureCode, STANDING_CODES } from '../model/failure-codes.ts';
import { NO_CREDENTIAL_GATE, NO_HOST_GATE } from '../model/remote-state.ts';
import { gatePause, retryDelay, SUSPENDED_PAUSE_MS } from '../queue/backoff.ts';
import type { JobOutcome } from '../queue/settle.ts';

/** A host, or an account there, to leave alone for `pauseMs`; `remaining` and `limit` as the host said, where it did. */
type GatePause = {
  key: string;
  pauseMs: number;
  reason: 'rate-limited' | 'offline' | 'account-suspended';
  remaining: number | null;
  limit: number | null;
};

export type SettleDecision = {
  outcome: JobOutcome;
  /** A gate of the job's own is always among them, so that a job given back is not claimed again at once. */
  pauses: GatePause[];
  /** The host answered as it should: its strikes are forgotten. */
  hostAnswered: boolean;
  /** The job comes back after so many milliseconds although it is done; left out: it does not. */
  againMs?: number;
};

export type SettleRules = {
  maxRetries: number;
  retryDelayMs: number;
  rateLimitDelayMs: number;
  random: Random;
  now: number;
};

type TryRules = Omit<SettleRules, 'maxRetries'>;

/** Offline is probed sooner than a rate limit: the network comes back without notice. */
const OFFLINE_PROBE_MS = 5_000;
const LONGEST_OFFLINE_PROBE_MS = 60_000;
/** A lost race on this machine is over in moments; the wait grows in case it is not. */
const SOON_MS = 250;

type JobAt = { attempt: number; hostGate: string; credentialGate: string; strikes: number };

export function decideSettle(answer: SyncOutcome, job: JobAt, rules: SettleRules): SettleDecision {
  switch (answer.kind) {
    case 'done':
      return { outcome: answer, pauses: [], hostAnswered: true };
    case 'partial':
    case 'blocked':
      return { outcome: answer, pauses: [], hostAnswered: false };
    case 'conflict':
      return { outcome: answer, pauses: [], hostAnswered: true };
    case 'failed':
      return decideFailure(answer.failure, job, rules);
    default:
      return answer satisfies never;
  }
}

function decideFailure(failure: Failure, job: JobAt, rules: SettleRules): SettleDecision {
  const { reason } = failure;
  const plain = (outcome: JobOutcome): SettleDecision => ({ outcome, pauses: [], hostAnswered: false });
  if (failure.code === 'aborted') return plain({ kind: 'release', reason: null });
  const { retry } = FAILURES[failure.code];
  switch (retry) {
    case 'never':
      // A wording that nobody knows may be a mood of the host; a second one is for a person to read.
      if (failure.code === 'push-rejected' && job.attempt <= Math.min(1, rules.maxRetries))
        return plain({ kind: 'retry', reason, delayMs: backoffDelay(job.attempt, rules) });
      // Its new address is noted: the next try goes there. A host that sends from one to the next is not followed for ever.
      if (failure.data.isFollowed === true && job.attempt <= Math.max(1, rules.maxRetries))
        return plain({ kind: 'retry', reason, delayMs: soonDelay(job.attempt, rules) });
      return plain(STANDING_CODES.has(failure.code) ? { kind: 'blocked', reason } : { kind: 'park', reason });
    case 'gate':
      return decidePause(failure, job, rules);
    case 'soon':
      // Whoever stepped back for somebody else knows when to look again, and has not failed.
      if (failure.data.retryAfterMs !== undefined)
        return plain({ kind: 'later', reason, delayMs: failure.data.retryAfterMs });
      return plain({ kind: 'retry', reason, delayMs: soonDelay(job.attempt, rules) });
    case 'backoff':
      if (failure.code === 'remote-timeout') return afterTimeout(failure, job, rules);
      if (job.attempt > rules.maxRetries)
        return plain({ kind: 'park', reason: exhausted(reason, job.attempt) });
      return plain({ kind: 'retry', reason, delayMs: backoffDelay(job.attempt, rules) });
    default:
      return retry satisfies never;
  }
}

function backoffDelay(attempt: number, { retryDelayMs, random }: TryRules): number {
  return retryDelay({ attempt, retryDelayMs, random });
}

function soonDelay(attempt: number, rules: TryRules): number {
  const delayMs = SOON_MS * 2 ** Math.min(attempt - 1, 20);
  return Math.round(Math.min(delayMs, Math.max(rules.retryDelayMs, SOON_MS)) * (0.5 + rules.random() / 2));
}

function exhausted(reason: Reason, attempts: number): Reason {
  return reasonOf(
    reason.code as FailureCode,
    `${reason.detail} (given up after ${attempts} attempts)`,
    reason.action,
  );
}

/** A host that hangs would hold every slot: its gate lets one try through at a time until it answers. */
function afterTimeout(failure: Failure, job: JobAt, rules: SettleRules): SettleDecision {
  const { reason } = failure;
  const outcome: JobOutcome =
    job.attempt > rules.maxRetries
      ? { kind: 'park', reason: exhausted(reason, job.attempt) }
      : { kind: 'retry', reason, delayMs: backoffDelay(job.attempt, rules) };
  const quota = { remaining: null, limit: null };
  const pause: GatePause = { key: job.hostGate, pauseMs: OFFLINE_PROBE_MS, reason: 'offline', ...quota };
  return { outcome, pauses: [pause], hostAnswered: false };
}

/**
 * When a remote of a project with mirrors is tried again, `failures` times in a row without success. It is never given
 * up: the delay grows to an hour. `pause` closes its host for everyone, as a project's only remote would.
 */
export function decideNextTry(
  failure: Failure,
  remote: { failures: number; gate: string; strikes: number },
  rules: TryRules,
): { delayMs: number; pause: GatePause | null } {
  const { failures, gate, strikes } = remote;
  const askedMs = failure.data.retryAfterMs ?? 0;
  if (FAILURES[failure.code].retry === 'soon') return { delayMs: soonDelay(failures, rules), pause: null };
  const delayMs = Math.max(askedMs, backoffDelay(failures, rules));
  if (failure.code === 'remote-timeout') {
    const quota = { remaining: null, limit: null };
    return { delayMs, pause: { key: gate, pauseMs: OFFLINE_PROBE_MS, reason: 'offline', ...quota } };
  }
  if (FAILURES[failure.code].retry !== 'gate') return { delayMs, pause: null };
  // The other accounts of its host go on, and so do those of other projects until they meet it themselves.
  if (failure.code === 'account-suspended') return { delayMs: SUSPENDED_PAUSE_MS, pause: null };
  const pause = pauseOf(failure, { hostGate: gate, strikes }, rules);
  return { delayMs: Math.max(delayMs, pause.pauseMs), pause };
}

/** A job that is given back waits before its gate; one in a lane without a gate would be claimed again at once. */
function decidePause(failure: Failure, job: JobAt, rules: SettleRules): SettleDecision {
  const { reason } = failure;
  const pauses = pausesOf(failure, job, rules);
  if (job.hostGate !== NO_HOST_GATE)
    return { outcome: { kind: 'release', reason }, pauses, hostAnswered: false };
  const againMs = Math.max(...pauses.map(({ pauseMs }) => pauseMs));
  return { outcome: { kind: 'partial', status: 'retrying', reason }, pauses, hostAnswered: false, againMs };
}

/**
 * A host limits accounts: those that use another credential go on. A host that cannot be reached is so for all. The
 * failure may concern another host than the project's own (a redirect, the API): both are left alone.
 */
function pausesOf(failure: Failure, job: JobAt, rules: SettleRules): GatePause[] {
  const pause = pauseOf(failure, job, rules);
  // A lane without a gate is shared by projects that have nothing in common.
  if (job.hostGate === NO_HOST_GATE) return [pause];
  const isAccount = failure.code !== 'offline' && job.credentialGate !== NO_CREDENTIAL_GATE;
  const own = { ...pause, key: isAccount ? job.credentialGate : job.hostGate };
  return pause.key === job.hostGate || pause.key === own.key ? [own] : [pause, own];
}

function pauseOf(failure: Failure, job: Pick<JobAt, 'hostGate' | 'strikes'>, rules: TryRules): GatePause {
  const { data } = failure;
  if (failure.code === 'account-suspended') {
    const quota = { remaining: null, limit: null };
    return { key: job.hostGate, pauseMs: SUSPENDED_PAUSE_MS, reason: 'account-suspended', ...quota };
  }
  const offline = failure.code === 'offline';
  const askedMs = gatePause({
    ...(data.retryAfterMs !== undefined && { retryAfterMs: data.retryAfterMs }),
    strikes: job.strikes,
    rateLimitDelayMs: offline ? Math.min(OFFLINE_PROBE_MS, rules.rateLimitDelayMs) : rules.rateLimitDelayMs,
    now: rules.now,
    random: rules.random,
  });
  return {
    key: data.gate ?? job.hostGate,
    pauseMs: offline ? Math.min(askedMs, LONGEST_OFFLINE_PROBE_MS) : askedMs,
    reason: offline ? 'offline' : 'rate-limited',
    remaining: data.remaining ?? null,
    limit: data.limit ?? null,
  };
}
