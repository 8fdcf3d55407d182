import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { registerWorker, stopWorker } from '../../src/queue/workers.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(async () => {
  await fixture.close();
});

test('GET /api/sync/machines lists who shares the queue, and which one answers', async () => {
  const identity = { pid: 4_711, version: '0.1.0' };
  await registerWorker(fixture.db, { ...identity, workerId: 'a', machineId: 'laptop' });
  await registerWorker(fixture.db, { ...identity, workerId: 'b', machineId: 'desk' });
  await stopWorker(fixture.db, { workerId: 'b' });
  await fixture.addProject('notes');
  const { status, body } = await fixture.get('/api/sync/machines');
  expect(status).toBe(200);
  expect(body.machines).toEqual([
    expect.objectContaining({ machineId: 'desk', isThis: false, state: 'stopped', projects: 0 }),
    {
      ...{ machineId: 'laptop', isThis: true, state: 'alive', version: '0.1.0', projects: 1 },
      queue: { waiting: 0, running: 0, parked: 0 },
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      lastHeartbeatAt: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
});

test('the status says which database answers, and that nothing is owed', async () => {
  const { body } = await fixture.get('/api/sync/status');
  expect(body.status.database).toMatchObject({
    ...{ kind: 'local', reachable: true, awaySince: null, reason: null },
    owed: { total: 0, projectIds: [] },
  });
});

test('a failed health check names its code and nothing else', async () => {
  const away = { ok: false, detail: 'libsql://secret.example', code: 'database-unreachable' as const };
  const fine = { ok: true, detail: '' };
  await fixture.close();
  fixture = await createFixture({
    service: { health: async () => ({ database: away, scheduler: fine, watcher: fine, disk: fine }) },
  });
  const { status, text, body } = await fixture.get('/health');
  expect(status).toBe(503);
  expect(body.checks.database).toEqual({ ok: false, code: 'database-unreachable' });
  expect(text).not.toContain('secret.example');
});

test('a project of another machine refuses what only that machine can do, with its code', async () => {
  await fixture.close();
  fixture = await createFixture({
    service: {
      updateProject: async () => {
        throw new Failure('project-elsewhere', 'The settings of notes are changed on the machine desk.');
      },
    },
  });
  await fixture.addProject('notes');
  const { status, body } = await fixture.send('PATCH', '/api/sync/projects/notes', { projectName: 'N' });
  expect(status).toBe(409);
  expect(body).toMatchObject({ code: 'project-elsewhere', success: false });
});
