import { expect, test } from 'vitest';
import type { SyncOutcome } from '../../src/git/sync/sync-work.ts';
import { Failure, type FailureOptions } from '../../src/model/failure.ts';
import { FAILURES, type FailureCode, STANDING_CODES } from '../../src/model/failure-codes.ts';
import { decideNextTry, decideSettle } from '../../src/runner/decide-settle.ts';

const RULES = {
  maxRetries: 3,
  retryDelayMs: 30_000,
  rateLimitDelayMs: 60_000,
  random: () => 0.5,
  now: 1_000_000,
};
const JOB = { attempt: 1, hostGate: 'host:h', credentialGate: 'cred:me', strikes: 0 };

const failed = (code: FailureCode, options?: FailureOptions): SyncOutcome => ({
  kind: 'failed',
  failure: new Failure(code, `${code} happened`, options),
});
const decide = (outcome: SyncOutcome, job = JOB) => decideSettle(outcome, job, RULES);

test('decideSettle() passes on what was done, blocked or in conflict', () => {
  const done: SyncOutcome = { kind: 'done', status: 'success' };
  expect(decide(done)).toEqual({ outcome: done, pauses: [], hostAnswered: true });
});

test('decideSettle() settles every failure of the table, each by its rule', () => {
  for (const [code, { retry }] of Object.entries(FAILURES) as [FailureCode, { retry: string }][]) {
    if (code === 'aborted' || code === 'push-rejected') continue;
    const { outcome, pauses } = decide(failed(code));
    const expected = {
      never: STANDING_CODES.has(code) ? 'blocked' : 'park',
      gate: 'release',
      soon: 'retry',
      backoff: 'retry',
    }[retry];
    expect([code, outcome.kind]).toEqual([code, expected]);
    expect(pauses.length > 0).toBe(retry === 'gate' || code === 'remote-timeout');
  }
});

test.each([
  [3, 1, 'retry'],
  [3, 2, 'park'],
  [0, 1, 'park'],
])('a refusal that nobody knows is, with %i retries, after attempt %i: %s', (maxRetries, attempt, kind) => {
  const refusal = failed('push-rejected');
  const { outcome, pauses } = decideSettle(refusal, { ...JOB, attempt }, { ...RULES, maxRetries });
  expect(outcome).toMatchObject({ kind, reason: { code: 'push-rejected' } });
  expect(pauses).toEqual([]);
});

test('decideSettle() gives a job back without an attempt when the service stops', () => {
  expect(decide(failed('aborted')).outcome).toEqual({ kind: 'release', reason: null });
});

test.each([
  [1, 15_000],
  [2, 30_000],
  [3, 60_000],
])('attempt %i of a transient failure waits about %i ms', (attempt, delayMs) => {
  expect(decide(failed('remote-error'), { ...JOB, attempt }).outcome).toMatchObject({
    kind: 'retry',
    delayMs,
  });
});

test('decideSettle() parks a transient failure after the last retry, and says so', () => {
  const { outcome } = decide(failed('remote-error'), { ...JOB, attempt: 4 });
  expect(outcome).toMatchObject({ kind: 'park', reason: { code: 'remote-error' } });
  expect(outcome.kind === 'park' && outcome.reason.detail).toContain('after 4 attempts');
});

test('decideSettle() obeys Retry-After on the gate the failure names', () => {
  const {
    pauses: [pause, own],
  } = decide(
    failed('rate-limited', { data: { retryAfterMs: 120_000, gate: 'host:api', remaining: 0, limit: 60 } }),
  );
  expect(pause).toMatchObject({ key: 'host:api', reason: 'rate-limited', remaining: 0, limit: 60 });
  expect(pause?.pauseMs).toBeGreaterThanOrEqual(120_000);
  // Or the job, whose lane is another host, would be claimed again at once.
  expect(own?.key).toBe('cred:me');
});

test('decideSettle() pauses the account that a host limits, and the host that cannot be reached', () => {
  const keys = (code: FailureCode, job = JOB, gate = 'host:h') =>
    decide(failed(code, { data: { gate } }), job).pauses.map(({ key }) => key);
  expect(keys('rate-limited')).toEqual(['cred:me']);
  expect(keys('rate-limited', JOB, 'cred:me')).toEqual(['cred:me']);
  expect(keys('offline')).toEqual(['host:h']);
  // Nobody knows for which account it was.
  expect(keys('rate-limited', { ...JOB, credentialGate: 'cred:none' })).toEqual(['host:h']);
});

test('decideSettle() doubles the pause with each strike, and probes sooner when offline', () => {
  const pauseMs = (code: FailureCode, strikes: number) =>
    decide(failed(code), { ...JOB, strikes }).pauses[0]?.pauseMs ?? 0;
  expect(pauseMs('rate-limited', 1)).toBeGreaterThanOrEqual(120_000);
  expect(pauseMs('rate-limited', 0)).toBeGreaterThanOrEqual(60_000);
  expect(pauseMs('offline', 0)).toBeLessThan(10_000);
  expect(pauseMs('offline', 20)).toBeLessThanOrEqual(60_000);
});

test('decideSettle() comes back exactly when whoever stepped back for a person said, without an attempt', () => {
  const failure = failed('git-at-work', { data: { retryAfterMs: 1_234 } });
  const { outcome, pauses } = decide(failure, { ...JOB, attempt: 9 });
  expect(outcome).toMatchObject({ kind: 'later', delayMs: 1_234, reason: { code: 'git-at-work' } });
  expect(pauses).toEqual([]);
});

test('decideSettle() retries a lost race on this machine within a second, and never parks it', () => {
  const { outcome } = decide(failed('ref-moved'));
  expect(outcome.kind === 'retry' && outcome.delayMs).toBeLessThan(1_000);
  expect(decide(failed('ref-moved'), { ...JOB, attempt: 50 }).outcome).toMatchObject({ kind: 'retry' });
});

const REMOTE = { failures: 1, gate: 'host:m', strikes: 0 };

test('decideNextTry() doubles the delay with each failure up to an hour, and never gives up', () => {
  const delayMs = (failures: number) =>
    decideNextTry(new Failure('remote-error', 'x'), { ...REMOTE, failures }, RULES).delayMs;
  expect([delayMs(1), delayMs(2), delayMs(3)]).toEqual([15_000, 30_000, 60_000]);
  expect(delayMs(500)).toBe(1_800_000);
});

test('decideNextTry() obeys Retry-After, and closes the gate of a host that asks for it', () => {
  const asked = { data: { retryAfterMs: 600_000 } };
  const limited = decideNextTry(new Failure('rate-limited', 'x', asked), REMOTE, RULES);
  expect(limited.pause).toMatchObject({ key: 'host:m', reason: 'rate-limited' });
  expect(limited.pause?.pauseMs).toBeGreaterThanOrEqual(600_000);
  expect(limited.delayMs).toBe(limited.pause?.pauseMs);
  const busy = decideNextTry(new Failure('remote-error', 'x', asked), REMOTE, RULES);
  expect(busy).toEqual({ delayMs: 600_000, pause: null });
  expect(decideNextTry(new Failure('remote-timeout', 'x'), REMOTE, RULES).pause?.key).toBe('host:m');
});

test('decideSettle() lets a job in a lane without a gate wait by itself, and pauses only the host that failed', () => {
  const failure = new Failure('offline', 'x', { data: { gate: 'host:h' } });
  const { outcome, pauses, againMs } = decide(
    { kind: 'failed', failure },
    { ...JOB, hostGate: 'host:none', credentialGate: 'cred:none' },
  );
  expect(outcome).toMatchObject({ kind: 'partial', status: 'retrying' });
  expect(pauses.map(({ key }) => key)).toEqual(['host:h']);
  expect(againMs).toBe(pauses[0]?.pauseMs);
});

test('a suspended account is paused as a whole for an hour, and the other accounts of its host go on', () => {
  const { outcome, pauses } = decide(failed('account-suspended'));
  expect(outcome).toMatchObject({ kind: 'release', reason: { code: 'account-suspended' } });
  expect(pauses).toEqual([
    { key: 'cred:me', pauseMs: 3_600_000, reason: 'account-suspended', remaining: null, limit: null },
  ]);
  const mirror = { failures: 1, gate: 'host:h', strikes: 0 };
  expect(decideNextTry(new Failure('account-suspended', 'no'), mirror, RULES)).toEqual({
    delayMs: 3_600_000,
    pause: null,
  });
});
