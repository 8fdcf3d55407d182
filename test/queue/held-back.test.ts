import { expect, test } from 'vitest';
import { clearStrikes, pauseGate } from '../../src/queue/gates.ts';
import { heldBack } from '../../src/queue/held-back.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';
import { claimOne, PROTECTED, put, settle, T0, TIMEOUT } from '../support/queue-calls.ts';

describeDatabases('a sync that is held back', (db) => {
  const heldAt = async (now: number) => {
    const asked = await heldBack(db(), 'blog' as never, { now });
    const [queued] = await put(db(), 'blog', now);
    expect(queued?.heldBack).toBe(asked);
    return asked;
  };

  test('is one before a closed gate of its host or account, until the pause is over', async () => {
    await addProjectRow(db(), 'blog', { hostGate: 'host:a', credentialGate: 'cred:a' });
    await put(db(), 'blog', T0);
    expect(await heldAt(T0)).toBe('no');
    await pauseGate(db(), { key: 'host:b', pauseMs: 60_000, reason: 'offline', now: T0 });
    expect(await heldAt(T0 + 1)).toBe('no');
    for (const key of ['host:a', 'cred:a']) {
      await pauseGate(db(), { key, pauseMs: 60_000, reason: 'offline', now: T0 });
      expect(await heldAt(T0 + 59_999)).toBe('yes');
      // One job goes first; until it has an answer nobody knows.
      expect(await heldAt(T0 + 60_000)).toBe('maybe');
      await clearStrikes(db(), [key], { now: T0 + 60_000 });
      expect(await heldAt(T0 + 60_000)).toBe('no');
    }
  });

  test('is one that waits for another try or for a person, and none that runs or is only not quiet yet', async () => {
    await addProjectRow(db(), 'blog', { quietMs: 2_000, minIntervalMs: 60_000 });
    await put(db(), 'blog', T0);
    expect(await heldAt(T0 + 1)).toBe('no');
    const first = await claimOne(db(), T0 + 5_000);
    expect(await heldAt(T0 + 5_001)).toBe('no');
    await settle(db(), first, T0 + 6_000, { kind: 'retry', delayMs: 600_000, reason: TIMEOUT });
    expect(await heldAt(T0 + 7_000)).toBe('yes');
    expect(await heldAt(T0 + 602_000)).toBe('maybe');
    await put(db(), 'blog', T0 + 8_000, { force: true });
    await settle(db(), await claimOne(db(), T0 + 8_000), T0 + 9_000, { kind: 'park', reason: PROTECTED });
    expect(await heldAt(T0 + 10_000)).toBe('yes');
    await put(db(), 'blog', T0 + 11_000, { force: true });
    await settle(db(), await claimOne(db(), T0 + 11_000), T0 + 12_000);
    expect(await heldAt(T0 + 13_000)).toBe('no');
  });

  test('is none of a project that is not known', async () => {
    expect(await heldBack(db(), 'nobody' as never)).toBe('no');
  });
});
