import { expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { listMachines } from '../../src/queue/machines.ts';
import { registerWorker, stopWorker } from '../../src/queue/workers.ts';
import { countProjectStates, findProjectView } from '../../src/store/project-views.ts';
import { addProjectRow, describeDatabases, readEvents } from '../support/database.ts';
import { claimOne, look, put, T0 } from '../support/queue-calls.ts';

const identity = (machineId: string, now: number) => ({
  ...{ workerId: `${machineId}-1`, machineId, pid: 4_711, version: '0.1.0', now },
});

describeDatabases('machines', (db) => {
  const told = async () =>
    (await readEvents(db()))
      .filter(({ type }) => type === 'machine.state')
      .map(({ data }) => `${data.machineId} ${data.state}`);
  /** Looks like the idle worker of a machine does, every five seconds. */
  const idle = async (machineId: string, from: number, to: number) => {
    for (let now = from; now <= to; now += 5_000)
      await look(db(), now, { machineId, workerId: `${machineId}-1`, freeSlots: 0 });
  };
  const states = async (now: number) =>
    (await listMachines(db(), { now })).map(({ machineId, state }) => `${machineId} ${state}`);

  test('a machine that falls silent is dead within a minute, told of once, and alive again when it is back', async () => {
    await registerWorker(db(), identity('desk', T0));
    await registerWorker(db(), identity('laptop', T0));
    await idle('laptop', T0, T0 + 60_000);
    expect(await states(T0 + 60_000)).toEqual(['desk dead', 'laptop alive']);
    expect(await told()).toEqual(['desk alive', 'laptop alive', 'desk dead']);
    await idle('desk', T0 + 65_000, T0 + 65_000);
    await idle('laptop', T0 + 65_000, T0 + 70_000);
    expect(await states(T0 + 70_000)).toEqual(['desk alive', 'laptop alive']);
    expect((await told()).slice(3)).toEqual(['desk alive']);
  });

  test('after an outage of the server nobody is called dead before having had the time to come back', async () => {
    await registerWorker(db(), identity('desk', T0));
    await registerWorker(db(), identity('laptop', T0));
    await idle('laptop', T0, T0 + 30_000);
    await idle('desk', T0, T0 + 30_000);
    const back = T0 + 330_000;
    await idle('laptop', back, back + 10_000);
    await idle('desk', back + 12_000, back + 12_000);
    await idle('laptop', back + 15_000, back + 50_000);
    expect((await told()).filter((text) => text.endsWith('dead'))).toEqual([]);
    await idle('laptop', back + 55_000, back + 70_000);
    expect(await told()).toContain('desk dead');
  });

  test('a machine that nobody could mark counts as dead all the same', async () => {
    await registerWorker(db(), identity('desk', T0));
    expect(await states(T0 + 89_000)).toEqual(['desk alive']);
    expect(await states(T0 + 90_000)).toEqual(['desk dead']);
  });

  test('one that stops says so, and is no dead machine later', async () => {
    await registerWorker(db(), identity('desk', T0));
    await registerWorker(db(), identity('laptop', T0));
    await stopWorker(db(), { workerId: 'desk-1', now: T0 + 1 });
    await idle('laptop', T0, T0 + 100_000);
    expect(await states(T0 + 100_000)).toEqual(['desk stopped', 'laptop alive']);
    expect((await listMachines(db(), { now: T0 + 100_000 }))[0]).toMatchObject({
      ...{ version: '0.1.0', startedAt: T0, lastHeartbeatAt: T0 + 1, projects: 0 },
    });
  });

  test('listMachines() counts what each has in the queue, also of a machine that only left projects', async () => {
    await registerWorker(db(), identity('laptop', T0));
    for (const name of ['a', 'b', 'c']) await addProjectRow(db(), name);
    await addProjectRow(db(), 'old', { machineId: 'attic' });
    await put(db(), ['a', 'b', 'old'], T0);
    await claimOne(db(), T0);
    expect(await listMachines(db(), { now: T0 })).toEqual([
      {
        ...{ machineId: 'attic', state: 'stopped', version: null, startedAt: null, lastHeartbeatAt: null },
        ...{ projects: 1, queue: { waiting: 1, running: 0, parked: 0 } },
      },
      {
        ...{ machineId: 'laptop', state: 'alive', version: '0.1.0', startedAt: T0, lastHeartbeatAt: T0 },
        ...{ projects: 3, queue: { waiting: 1, running: 1, parked: 0 } },
      },
    ]);
  });

  test('a project that was safe is not called so while nothing syncs on its machine', async () => {
    await addProjectRow(db(), 'notes', { machineId: 'desk' });
    await db().run('UPDATE projects SET config = :config, last_safe_at = :T0', {
      config: '{"enabled":true}',
      T0,
    });
    const view = (now: number) => findProjectView(db(), 'notes' as ProjectId, { now });
    expect(await view(T0)).toMatchObject({ state: 'safe' });
    await registerWorker(db(), identity('desk', T0));
    expect(await view(T0 + 1)).toMatchObject({ state: 'safe' });
    expect(await countProjectStates(db(), { now: T0 + 1 })).toMatchObject({ safe: 1, pending: 0 });
    await stopWorker(db(), { workerId: 'desk-1', now: T0 + 2 });
    expect(await view(T0 + 3)).toMatchObject({ state: 'pending', stateReason: { code: 'machine-silent' } });
    expect(await countProjectStates(db(), { now: T0 + 3 })).toMatchObject({ safe: 0, pending: 1 });
  });

  test('the last word of a machine is kept as long as it has projects', async () => {
    await registerWorker(db(), identity('attic', T0));
    await registerWorker(db(), identity('gone', T0));
    await addProjectRow(db(), 'old', { machineId: 'attic' });
    for (const machineId of ['attic', 'gone'])
      await stopWorker(db(), { workerId: `${machineId}-1`, now: T0 });
    await registerWorker(db(), identity('laptop', T0 + 90_000_000));
    expect(await states(T0 + 90_000_000)).toEqual(['attic stopped', 'laptop alive']);
  });
});
