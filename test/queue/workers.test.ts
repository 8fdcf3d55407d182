import { expect, test } from 'vitest';
import {
  listRunningWorkers,
  markSeen,
  reclaimDeadWorkers,
  registerWorker,
  stopWorker,
} from '../../src/queue/workers.ts';
import { addProjectRow, describeDatabases, readJobRow } from '../support/database.ts';
import { claimNames, claimOne, LEASE_MS, look, put, settle, T0 } from '../support/queue-calls.ts';

const identity = (workerId: string, now: number) => ({
  workerId,
  machineId: 'laptop',
  pid: 4_711,
  pidStart: '88',
  bootId: 'boot',
  version: '0.1.0',
  now,
});

describeDatabases('workers', (db) => {
  const row = async (id: string) => (await db().run('SELECT * FROM workers WHERE id = :id', { id }))[0];

  test('registerWorker() is idempotent and lists the process until it stops', async () => {
    await registerWorker(db(), identity('w1', T0));
    await registerWorker(db(), identity('w1', T0 + 1));
    expect(await listRunningWorkers(db(), 'laptop')).toEqual([
      { workerId: 'w1', pid: 4_711, pidStart: '88', bootId: 'boot', seenAt: T0 + 1 },
    ]);
    expect(await listRunningWorkers(db(), 'desktop')).toEqual([]);
    await stopWorker(db(), { workerId: 'w1', now: T0 + 2 });
    expect(await listRunningWorkers(db(), 'laptop')).toEqual([]);
    await registerWorker(db(), identity('w2', T0 + 86_400_002));
    expect(await row('w1')).toBeUndefined();
  });

  test('a tick says that the worker lives, but rarely, so that idling writes nothing', async () => {
    await registerWorker(db(), identity('w1', T0));
    await look(db(), T0 + 9_999);
    expect(await row('w1')).toMatchObject({ seen_at: T0 });
    await look(db(), T0 + 10_000);
    expect(await row('w1')).toMatchObject({ seen_at: T0 + 10_000 });
    await markSeen(db(), { workerId: 'w1', now: T0 + 10_001 });
    expect(await row('w1')).toMatchObject({ seen_at: T0 + 10_001 });
  });

  test('reclaimDeadWorkers() gives jobs back at once, without waiting for leases, and spares the living', async () => {
    for (const name of ['lost', 'safe']) await addProjectRow(db(), name);
    for (const workerId of ['dead', 'alive']) await registerWorker(db(), identity(workerId, T0));
    await put(db(), 'lost', T0);
    await claimOne(db(), T0, { workerId: 'dead' });
    await put(db(), 'safe', T0);
    const safe = await claimOne(db(), T0, { workerId: 'alive' });
    await reclaimDeadWorkers(db(), { machineId: 'laptop', workerIds: [], now: T0 + 1 });
    expect(await claimNames(db(), T0 + 1)).toEqual([]);
    await reclaimDeadWorkers(db(), { machineId: 'laptop', workerIds: ['dead'], now: T0 + 1 });
    expect(await row('dead')).toMatchObject({ state: 'dead' });
    expect(await row('alive')).toMatchObject({ state: 'up' });
    expect(await claimOne(db(), T0 + 1, { freeSlots: 2 })).toMatchObject({ projectId: 'lost', attempt: 2 });
    expect(await settle(db(), safe, T0 + 2)).toBe('settled');
    expect(await db().run("SELECT status FROM runs WHERE status = 'crashed'")).toHaveLength(1);
  });

  test('a job that takes its process down again and again is parked; an ordinary end forgets the crashes', async () => {
    await addProjectRow(db(), 'deadly');
    await put(db(), 'deadly', T0);
    let now = T0;
    for (let crash = 1; crash <= 2; crash++) {
      await claimOne(db(), now);
      await reclaimDeadWorkers(db(), { machineId: 'laptop', workerIds: ['w1'], maxCrashes: 2, now });
      now += LEASE_MS;
    }
    expect(await readJobRow(db(), 'deadly')).toMatchObject({ state: 'parked', crashes: 2 });
    await put(db(), 'deadly', now, { force: true });
    await settle(db(), await claimOne(db(), now), now);
    expect(await readJobRow(db(), 'deadly')).toMatchObject({ state: 'idle', crashes: 0 });
  });
});
