// Snapshots over HTTP: a real repository behind the routes, and the service's own functions.

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SyncPorts } from '../../src/git/sync/sync-ports.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { Project } from '../../src/model/project.ts';
import {
  diffProjectSnapshot,
  listProjectSnapshots,
  restoreProjectSnapshot,
} from '../../src/service/snapshots.ts';
import { findProject } from '../../src/store/projects.ts';
import { type Bench, createBench } from '../git/snapshot/bench.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let api: Fixture;
let bench: Bench;
let databasePath: string | null = null;
const ids: string[] = [];
const BLOG = '/api/sync/projects/blog';

beforeAll(async () => {
  bench = await createBench();
  const sync = {
    ...bench.ports,
    clock: { ...systemClock, now: bench.clock.now },
    log: silentLog,
    pid: process.pid,
  } as unknown as SyncPorts;
  const ports = () => ({ sync, machineId: 'laptop', databasePath });
  const project = async (id: ProjectId): Promise<Project> => {
    const found = (await findProject(api.db, id)) as Project;
    return { ...found, path: bench.path };
  };
  api = await createFixture({
    service: {
      listSnapshots: async (id, page) => listProjectSnapshots(await project(id), page, ports()),
      diffSnapshot: async (id, snapshot, against) =>
        diffProjectSnapshot(await project(id), { id: snapshot, against }, ports()),
      restoreSnapshot: async (id, input) => restoreProjectSnapshot(await project(id), input, ports()),
    },
  });
  await api.addProject('blog');
  for (const text of ['one', 'two', 'three']) {
    await bench.git.write('a.txt', `${text}\n`);
    ids.push(await bench.snapshot());
    bench.clock.set(bench.clock.now() + 60_000);
  }
});
afterAll(async () => {
  await api.close();
  await bench.git.remove();
});

test('GET snapshots lists points in time, newest first and page by page', async () => {
  const { status, body } = await api.get(`${BLOG}/snapshots?limit=2`);
  expect(status).toBe(200);
  expect(body.success).toBe(true);
  // biome-ignore lint/suspicious/noExplicitAny: an answer
  expect(body.snapshots.map(({ id }: any) => id)).toEqual([ids[2], ids[1]]);
  expect(body.snapshots[0]).toEqual({
    id: ids[2],
    at: '2026-01-01T00:02:00.000Z',
    branch: 'main',
    filesChanged: 1,
    machine: 'laptop',
  });
  const next = await api.get(`${BLOG}/snapshots?limit=2&cursor=${body.nextCursor}`);
  expect(next.body).toMatchObject({ snapshots: [{ id: ids[0] }], nextCursor: null });
  expect((await api.get(`${BLOG}/snapshots?branch=other`)).body.snapshots).toEqual([]);
  expect(await api.get(`${BLOG}/snapshots?cursor=nonsense`)).toMatchObject({ status: 400 });
  expect(await api.get(`${BLOG}/snapshots?limit=0`)).toMatchObject({ status: 400 });
});

test('GET snapshots/:id shows what changed, against the one before or the files as they are', async () => {
  const previous = await api.get(`${BLOG}/snapshots/${ids[1]}`);
  expect(previous.body).toMatchObject({ success: true, against: 'previous', truncated: false });
  expect(previous.body.files).toEqual([
    { path: 'a.txt', kind: 'modified', diff: '--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,1 @@\n-one\n+two\n' },
  ]);
  await bench.git.write('key.secret', 'hunter2\n');
  await bench.git.write('b.txt', 'new\n');
  const now = await api.get(`${BLOG}/snapshots/${ids[2]}?against=worktree`);
  expect(now.body.files).toEqual([
    { path: 'b.txt', kind: 'added', diff: '--- /dev/null\n+++ b/b.txt\n@@ -0,0 +1,1 @@\n+new\n' },
  ]);
  expect(now.text).not.toContain('hunter2');
  await rm(join(bench.path, 'b.txt'));
  expect(await api.get(`${BLOG}/snapshots/${'0'.repeat(40)}`)).toMatchObject({
    status: 404,
    body: { code: 'snapshot-not-found' },
  });
  expect(await api.get(`${BLOG}/snapshots/HEAD?against=other`)).toMatchObject({ status: 400 });
});

test('POST restore brings a file back and names the snapshot of before', async () => {
  const answer = await api.send('POST', `${BLOG}/restore`, { snapshot: ids[0], paths: ['a.txt'] });
  expect(answer).toMatchObject({ status: 200, body: { success: true, restored: ['a.txt'], skipped: [] } });
  expect(await bench.git.git('show', `${answer.body.before}:a.txt`)).toBe('three\n');
  const all = await api.send('POST', `${BLOG}/restore`, { snapshot: answer.body.before });
  expect(all.body.restored).toEqual(['a.txt']);
});

test('POST restore leaves alone a work tree that would commit the database of the service, and the database', async () => {
  await bench.git.write('queue.db', 'live');
  databasePath = join(bench.path, 'queue.db');
  const before = await bench.git.git('for-each-ref');
  const answer = await api.send('POST', `${BLOG}/restore`, { snapshot: ids[0] });
  expect(answer).toMatchObject({ status: 422, body: { code: 'database-in-project' } });
  expect(await readFile(databasePath, 'utf8')).toBe('live');
  expect(await bench.git.git('for-each-ref')).toBe(before);
  await rm(databasePath);
  databasePath = null;
});

test.each([
  [{}, 400, 'invalid-request'],
  [{ snapshot: '0'.repeat(40), more: 1 }, 400, 'invalid-request'],
  [{ snapshot: '0'.repeat(40), paths: [] }, 400, 'invalid-request'],
  [{ snapshot: '0'.repeat(40) }, 404, 'snapshot-not-found'],
])('POST restore refuses %j', async (body, status, code) => {
  expect(await api.send('POST', `${BLOG}/restore`, body)).toMatchObject({ status, body: { code } });
});

test('POST restore refuses a path that no snapshot knows, by its name', async () => {
  const answer = await api.send('POST', `${BLOG}/restore`, { snapshot: ids[0], paths: ['../etc/passwd'] });
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'paths' }] } });
});
