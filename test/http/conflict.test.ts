import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConflictFile } from '../../src/model/conflict.ts';
import { reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS } from '../../src/model/project.ts';
import { findProject, saveFacts } from '../../src/store/projects.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let fixture: Fixture;
const FILES: ConflictFile[] = [
  { path: 'notes.md', ours: 'modified', theirs: 'modified' },
  { path: 'ä.txt', ours: 'deleted', theirs: 'modified' },
];
const facts = (conflictFiles: ConflictFile[]) => ({
  ...NO_FACTS,
  conflictFiles,
  blocked: conflictFiles.length > 0 ? reasonOf('content-conflict', '2 files do not go together.') : null,
});

beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(() => fixture.close());

async function withConflict(): Promise<ProjectId> {
  const { projectId } = await fixture.addProject('blog');
  await saveFacts(fixture.db, projectId, facts(FILES));
  return projectId;
}

test('GET /api/sync/projects/:projectId names the files of a conflict', async () => {
  const projectId = await withConflict();
  const { body } = await fixture.get(`/api/sync/projects/${projectId}`);
  expect(body.project).toMatchObject({
    state: 'conflict',
    stateReason: { code: 'content-conflict' },
    conflictFiles: FILES,
  });
});

test('GET …/conflict answers each file with its difference, and 409 where there is none', async () => {
  const projectId = await withConflict();
  const { status, body } = await fixture.get(`/api/sync/projects/${projectId}/conflict`);
  expect(status).toBe(200);
  expect(body.files.map(({ path, diff }: { path: string; diff: string }) => [path, diff])).toEqual(
    FILES.map(({ path }) => [path, `-theirs\n+${path}\n`]),
  );
  const { projectId: sound } = await fixture.addProject('sound');
  const none = await fixture.get(`/api/sync/projects/${sound}/conflict`);
  expect([none.status, none.body.code]).toEqual([409, 'no-conflict']);
  expect((await fixture.get('/api/sync/projects/nobody/conflict')).status).toBe(404);
});

test('POST …/conflict keeps the choice and queues the sync', async () => {
  const projectId = await withConflict();
  const answer = await fixture.send('POST', `/api/sync/projects/${projectId}/conflict`, { choice: 'both' });
  expect(answer.status).toBe(202);
  expect(answer.body).toMatchObject({ success: true, job: { projectId, state: 'ready' } });
  expect((await findProject(fixture.db, projectId))?.conflictChoice).toBe('both');
});

test('a choice is forgotten when the conflict is another one or over', async () => {
  const projectId = await withConflict();
  const choose = () => fixture.send('POST', `/api/sync/projects/${projectId}/conflict`, { choice: 'mine' });
  await choose();
  await saveFacts(fixture.db, projectId, facts(FILES));
  expect((await findProject(fixture.db, projectId))?.conflictChoice).toBe('mine');
  await saveFacts(fixture.db, projectId, facts(FILES.slice(1)));
  expect((await findProject(fixture.db, projectId))?.conflictChoice).toBeNull();
  await choose();
  await saveFacts(fixture.db, projectId, facts([]));
  const after = await findProject(fixture.db, projectId);
  expect([after?.conflictChoice, after?.facts.conflictFiles]).toEqual([null, []]);
});

test('POST …/conflict refuses what makes no sense, by name', async () => {
  const projectId = await withConflict();
  const { projectId: sound } = await fixture.addProject('sound');
  const post = (id: string, body: unknown) => fixture.send('POST', `/api/sync/projects/${id}/conflict`, body);
  for (const body of [{}, { choice: 'ours' }, { choice: 'mine', force: true }]) {
    expect((await post(projectId, body)).status).toBe(400);
  }
  expect(await post('none', { choice: 'mine' })).toMatchObject({
    status: 404,
    body: { code: 'project-not-found' },
  });
  expect(await post(sound, { choice: 'mine' })).toMatchObject({ status: 409, body: { code: 'no-conflict' } });
  expect((await findProject(fixture.db, projectId))?.conflictChoice).toBeNull();
});
