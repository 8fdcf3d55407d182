import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listGates, pauseGate } from '../../src/queue/gates.ts';
import { triggerProject } from '../../src/runner/trigger-project.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { addProjectRow, databaseDeps, temporaryFolder } from '../support/database.ts';
import { put } from '../support/queue-calls.ts';

let db: Database;
let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
  db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
});
afterAll(async () => {
  await db.close();
  await folder.remove();
});

test('whoever triggers a project ends the pause of its suspended account, and no other pause', async () => {
  const ours = await addProjectRow(db, 'ours', { credentialGate: 'cred:ours' });
  await addProjectRow(db, 'theirs', { credentialGate: 'cred:theirs' });
  const limited = await addProjectRow(db, 'limited', { credentialGate: 'cred:limited' });
  for (const key of ['cred:ours', 'cred:theirs'])
    await pauseGate(db, { key, pauseMs: 3_600_000, reason: 'account-suspended' });
  await pauseGate(db, { key: 'cred:limited', pauseMs: 60_000, reason: 'rate-limited' });
  const queue = async (projectIds: string[]) => put(db, projectIds, Date.now(), { force: true });
  for (const projectId of [ours, limited])
    await triggerProject(projectId, { immediate: true }, { db, queue: queue as never });
  // Half open: one sync finds out whether the host takes the account again.
  expect((await listGates(db)).map(({ key, state }) => [key, state])).toEqual([
    ['cred:limited', 'paused'],
    ['cred:ours', 'half-open'],
    ['cred:theirs', 'paused'],
  ]);
});

test.each([
  [{ immediate: false }, { force: false }],
  [
    { immediate: true, priority: 10 },
    { force: true, priority: 10 },
  ],
])('triggered with %j, the remote is asked although nothing changed here', async (options, expected) => {
  const projectId = await addProjectRow(db, `asked-${options.immediate}`);
  const asked: unknown[] = [];
  const queue = async (projectIds: string[], how: object) => {
    asked.push(how);
    return put(db, projectIds, Date.now(), how);
  };
  await triggerProject(projectId, options, { db, queue: queue as never });
  expect(asked).toEqual([{ trigger: 'api', delayMs: 0, askRemote: true, ...expected }]);
});
