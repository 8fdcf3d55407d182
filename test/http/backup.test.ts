import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let api: Fixture;
const asked: (string | null)[] = [];
beforeAll(async () => {
  api = await createFixture({
    service: {
      async backUp(path) {
        asked.push(path);
        if (path === 'there.db') throw new Failure('backup-exists', '/data/there.db exists already.');
        if (path === 'far.db') throw new Failure('backup-elsewhere', 'The database is on a server.');
        return { path: `/data/${path ?? 'backups/queue-1.db'}`, sizeBytes: 4096, durationMs: 12 };
      },
    },
  });
});
afterAll(() => api.close());

test('POST /api/sync/backup answers where the copy is, and how large', async () => {
  const { status, body } = await api.send('POST', '/api/sync/backup', { path: 'backups/now.db' });
  expect(status).toBe(200);
  expect(body).toEqual({
    success: true,
    backup: { path: '/data/backups/now.db', sizeBytes: 4096, durationMs: 12 },
  });
  const unnamed = await api.send('POST', '/api/sync/backup');
  expect(unnamed.body.backup.path).toBe('/data/backups/queue-1.db');
  expect(asked).toEqual(['backups/now.db', null]);
});

test.each([
  [{ path: 'there.db' }, 409, 'backup-exists'],
  [{ path: 'far.db' }, 409, 'backup-elsewhere'],
  [{ path: '' }, 400, 'invalid-request'],
  [{ to: 'x.db' }, 400, 'invalid-request'],
])('POST /api/sync/backup with %j answers %i %s', async (body, status, code) => {
  const answer = await api.send('POST', '/api/sync/backup', body);
  expect(answer).toMatchObject({ status, body: { success: false, code } });
});
