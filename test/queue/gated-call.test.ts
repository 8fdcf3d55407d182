// Calls beside the queue pass its gates: closed ones refuse, a half-open one lets one through, spaced ones take turns.

import { expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { Failure } from '../../src/model/failure.ts';
import { CREATION_SPACING_MS, creationGate, credentialGate, hostGate } from '../../src/model/gate-keys.ts';
import { createCallGate, endProbe, enterGates } from '../../src/queue/gated-call.ts';
import { clearStrikes, listGates, listQuotas, pauseGate, readStrikes } from '../../src/queue/gates.ts';
import type { Database } from '../../src/store/database.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';
import { claimNames, put } from '../support/queue-calls.ts';

const HOST = hostGate('api.github.com');
const ACCOUNT = credentialGate('github.com');
const GATES = { hostGate: HOST, credentialGate: ACCOUNT };
const limited = (retryAfterMs: number) =>
  new Failure('rate-limited', 'slow down', { data: { status: 429, retryAfterMs, remaining: 0, limit: 60 } });

describeDatabases('gated calls', (db) => {
  /** Waits are noted and over at once; the database's clock is the real one. */
  const open = (waits: number[] = [], database = db(), warned: string[] = []) =>
    createCallGate({
      db: database,
      log: { warn: (_data: unknown, text?: string) => void warned.push(text ?? '') },
      clock: { ...systemClock, sleep: async (ms) => void waits.push(ms) },
      random: () => 0,
      settings: () => ({ rateLimitDelayMs: 60_000 }),
    });

  test('a call passes open gates and brings its answer', async () => {
    expect(await open().call(GATES, async () => 'answer')).toBe('answer');
    expect(await listGates(db())).toEqual([]);
  });

  test('a limit that a call meets holds for the jobs of the account too, and the next call is not made', async () => {
    await addProjectRow(db(), 'blog', { credentialGate: ACCOUNT });
    await addProjectRow(db(), 'work', { credentialGate: credentialGate('work') });
    const gate = open();
    const refused = gate.call(GATES, () => Promise.reject(limited(90_000)));
    await expect(refused).rejects.toMatchObject({ code: 'rate-limited' });
    const [closed] = await listGates(db());
    expect(closed).toMatchObject({ key: ACCOUNT, state: 'paused', reason: 'rate-limited', limit: 60 });
    expect((closed?.pausedUntil ?? 0) - Date.now()).toBeGreaterThan(80_000);
    await put(db(), ['blog', 'work'], Date.now(), { force: true });
    expect(await claimNames(db(), Date.now() + 1, { freeSlots: 2 })).toEqual(['work']);
    let made = 0;
    const second = gate.call(GATES, async () => ++made);
    await expect(second).rejects.toMatchObject({ code: 'rate-limited', data: { gate: ACCOUNT } });
    expect(made).toBe(0);
  });

  test('a host that cannot be reached closes its own gate, for less than a minute', async () => {
    const offline = new Failure('offline', 'no route', { data: { gate: HOST } });
    await expect(open().call(GATES, () => Promise.reject(offline))).rejects.toBe(offline);
    const [closed] = await listGates(db());
    expect(closed).toMatchObject({ key: HOST, reason: 'offline' });
    expect((closed?.pausedUntil ?? 0) - Date.now()).toBeLessThan(60_000);
  });

  test('a suspended account closes its own gate for an hour, and calls say so without being made', async () => {
    await addProjectRow(db(), 'blog', { credentialGate: ACCOUNT });
    await addProjectRow(db(), 'work', { credentialGate: credentialGate('work') });
    const suspended = new Failure('account-suspended', 'it is suspended', { data: { status: 403 } });
    const gate = open();
    await expect(gate.call(GATES, () => Promise.reject(suspended))).rejects.toBe(suspended);
    const [closed] = await listGates(db());
    expect(closed).toMatchObject({ key: ACCOUNT, state: 'paused', reason: 'account-suspended' });
    expect((closed?.pausedUntil ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
    await put(db(), ['blog', 'work'], Date.now(), { force: true });
    expect(await claimNames(db(), Date.now() + 1, { freeSlots: 2 })).toEqual(['work']);
    let made = 0;
    await expect(gate.call(GATES, async () => ++made)).rejects.toMatchObject({
      code: 'account-suspended',
      action: expect.stringMatching(/Contact the host/),
    });
    expect(made).toBe(0);
  });

  test('a database that fails after a call changes neither its answer nor its failure', async () => {
    const warned: string[] = [];
    let isBroken = false;
    const broken = () => Promise.reject(new Failure('database-busy', 'busy'));
    const flaky: Database = {
      ...db(),
      run: (...args) => (isBroken ? broken() : db().run(...args)),
      batch: (...args) => (isBroken ? broken() : db().batch(...args)),
    };
    const gate = open([], flaky, warned);
    const breaks = async () => {
      isBroken = true;
    };
    const answer = gate.call(GATES, async (tell) => {
      await breaks();
      tell({ remaining: 1, limit: 2, resetAt: null });
      return 'made';
    });
    expect(await answer).toBe('made');
    expect(warned).toHaveLength(1);
    isBroken = false;
    const failing = gate.call(GATES, async () => {
      await breaks();
      throw limited(1_000);
    });
    await expect(failing).rejects.toMatchObject({ code: 'rate-limited' });
    expect(warned).toHaveLength(2);
    // Before the call it is the call's matter: without gates none is made.
    await expect(gate.call(GATES, async () => 'not made')).rejects.toMatchObject({ code: 'database-busy' });
  });

  test('after a pause one call goes first; jobs and other calls wait for its answer', async () => {
    const past = Date.now() - 60_000;
    await pauseGate(db(), { key: ACCOUNT, pauseMs: 1_000, reason: 'rate-limited', now: past }).catch(
      () => null,
    );
    await addProjectRow(db(), 'blog', { credentialGate: ACCOUNT });
    await pauseGate(db(), { key: ACCOUNT, pauseMs: 1_000, reason: 'rate-limited', now: past });
    await put(db(), 'blog', past, { force: true });
    expect(await enterGates(db(), [HOST, ACCOUNT])).toEqual({ kind: 'open', isProbe: true });
    expect(await enterGates(db(), [HOST, ACCOUNT])).toEqual({ kind: 'probed' });
    expect(await claimNames(db(), Date.now())).toEqual([]);
    await clearStrikes(db(), [ACCOUNT]);
    await endProbe(db(), [HOST, ACCOUNT]);
    expect(await enterGates(db(), [HOST, ACCOUNT])).toEqual({ kind: 'open', isProbe: false });
    expect(await claimNames(db(), Date.now())).toEqual(['blog']);
  });

  test('a probe that is answered opens the gate, one that is refused closes it again for longer', async () => {
    const past = Date.now() - 60_000;
    const gate = open();
    await gate.call(GATES, async () => null);
    await pauseGate(db(), { key: ACCOUNT, pauseMs: 1_000, reason: 'rate-limited', now: past });
    await expect(gate.call(GATES, () => Promise.reject(limited(1_000)))).rejects.toThrow('slow down');
    const [closed] = await listGates(db());
    expect(closed).toMatchObject({ strikes: 2, state: 'paused' });
    // The host's own words count, and at least the doubled usual pause.
    expect((closed?.pausedUntil ?? 0) - Date.now()).toBeGreaterThan(110_000);
    await pauseGate(db(), { key: HOST, pauseMs: 1_000, reason: 'offline', now: past });
    await db().run('UPDATE gates SET paused_until = 1 WHERE key = :key', { key: ACCOUNT });
    // Any answer of the host is one, also a refusal for another reason.
    const missing = new Failure('repository-not-found', 'not there', { data: { status: 404 } });
    await expect(gate.call(GATES, () => Promise.reject(missing))).rejects.toBe(missing);
    expect(await readStrikes(db(), HOST)).toBe(0);
    expect(await readStrikes(db(), ACCOUNT)).toBe(0);
  });

  test('what answers say of the quota is kept, and a used-up one is not run into', async () => {
    const gate = open();
    const resetAt = Date.now() + 300_000;
    await gate.call(GATES, async (tell) => tell({ remaining: 4_999, limit: 5_000, resetAt }));
    expect(await listQuotas(db())).toMatchObject([{ key: ACCOUNT, remaining: 4_999, limit: 5_000, resetAt }]);
    expect(await listGates(db())).toEqual([]);
    await gate.call(GATES, async (tell) => tell({ remaining: 0, limit: 5_000, resetAt }));
    const next = gate.call(GATES, async () => 'too much');
    await expect(next).rejects.toMatchObject({ code: 'rate-limited' });
    expect((await listGates(db()))[0]?.pausedUntil).toBeGreaterThan(resetAt - 2_000);
  });

  test('calls that create take turns 7.4 s apart on all machines; a closed gate takes no turn', async () => {
    const spacing = { key: creationGate('github.com'), spacingMs: CREATION_SPACING_MS };
    const waits: number[] = [];
    for (let n = 0; n < 3; n++) await open(waits).call({ ...GATES, spacing }, async () => n);
    // What the calls themselves took is no part of a wait.
    const [second = 0, third = 0] = waits;
    expect(second).toBeLessThanOrEqual(CREATION_SPACING_MS);
    expect(third).toBeLessThanOrEqual(2 * CREATION_SPACING_MS);
    expect(second).toBeGreaterThan(CREATION_SPACING_MS / 2);
    expect(third - second).toBeGreaterThan(CREATION_SPACING_MS / 2);
    await pauseGate(db(), { key: ACCOUNT, pauseMs: 60_000, reason: 'rate-limited' });
    await expect(open(waits).call({ ...GATES, spacing }, async () => 4)).rejects.toThrow();
    expect(waits).toHaveLength(2);
  });
});
