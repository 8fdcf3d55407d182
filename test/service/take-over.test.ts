import { expect, test } from 'vitest';
import { loadHost } from '../../src/host/load.ts';
import { registerWorker } from '../../src/queue/workers.ts';
import { takeOver } from '../../src/service/open-store.ts';
import { addProjectRow, describeDatabases, readJobRow } from '../support/database.ts';
import { claimOne, put } from '../support/queue-calls.ts';

/** More than any system gives out. */
const NO_PID = 2 ** 30;

describeDatabases('takeOver()', (db) => {
  const workers = async () =>
    (await db().run('SELECT id, state FROM workers ORDER BY id')).map(({ id, state }) => `${id} ${state}`);
  const begin = async (bootId: string) => {
    await addProjectRow(db(), 'notes');
    const identity = { machineId: 'laptop', pid: NO_PID, version: '0.1.0', bootId };
    await registerWorker(db(), { ...identity, workerId: 'earlier' });
    const now = Date.now();
    await put(db(), 'notes', now);
    await claimOne(db(), now, { workerId: 'earlier' });
  };

  test('gives back at once what a killed process of this computer was doing', async () => {
    const host = await loadHost();
    await begin(host.hostname);
    await takeOver(db(), { host, machineId: 'laptop', workerId: 'now' });
    expect(await workers()).toEqual(['earlier dead', 'now up']);
    expect(await readJobRow(db(), 'notes')).toMatchObject({ state: 'scheduled' });
  });

  test('leaves a process of another computer alone that uses the same name: it may be alive', async () => {
    const host = await loadHost();
    await begin(`not-${host.hostname}`);
    await takeOver(db(), { host, machineId: 'laptop', workerId: 'now' });
    expect(await workers()).toEqual(['earlier up', 'now up']);
    expect(await readJobRow(db(), 'notes')).toMatchObject({ state: 'running' });
  });
});
