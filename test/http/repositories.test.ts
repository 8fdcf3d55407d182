import { afterEach, expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { CredentialStatus } from '../../src/model/github.ts';
import type { AddProject } from '../../src/model/service.ts';
import { createFixture, type Fixture, type FixtureOptions } from './api-fixture.ts';

let api: Fixture;
afterEach(() => api.close());

async function open(service: FixtureOptions['service'] = {}) {
  api = await createFixture({ service });
  return api;
}

const CREDENTIAL: CredentialStatus = {
  ...{ key: 'work@github.com', name: 'work', host: 'github.com', source: 'keyring', from: 'keyring' },
  state: 'ends-soon',
  reason: reasonOf('credential-rejected', 'The token for work@github.com ends in 5 days.'),
  ...{ login: 'ada', scopes: ['repo'], expiresAt: Date.UTC(2030, 0, 2), checkedAt: Date.UTC(2030, 0, 1) },
  projectIds: [],
};

test('GET /api/sync/credentials answers instants as texts and reasons with an action', async () => {
  const asked: boolean[] = [];
  const { get } = await open({
    async credentials({ refresh }) {
      asked.push(refresh);
      return [CREDENTIAL];
    },
  });
  const { status, body } = await get('/api/sync/credentials?refresh=true');
  expect(status).toBe(200);
  expect(body.credentials).toEqual([
    {
      ...{ key: 'work@github.com', name: 'work', host: 'github.com', source: 'keyring', from: 'keyring' },
      ...{ state: 'ends-soon', login: 'ada', scopes: ['repo'], projectIds: [] },
      stateReason: CREDENTIAL.reason,
      ...{ expiresAt: '2030-01-02T00:00:00.000Z', checkedAt: '2030-01-01T00:00:00.000Z' },
    },
  ]);
  await get('/api/sync/credentials');
  expect(asked).toEqual([true, false]);
  expect((await get('/api/sync/credentials?refresh=maybe')).status).toBe(400);
});

test('POST /api/sync/projects/preview shows what would be uploaded, and no credentials of the address', async () => {
  const { send } = await open();
  const { status, body, text } = await send('POST', '/api/sync/projects/preview', { path: '/blog' });
  expect(status).toBe(200);
  expect(body.upload).toMatchObject({
    files: 2,
    bytes: 10,
    heldCount: 1,
    remoteUrl: 'https://github.com/u/blog.git',
  });
  expect(body.upload.held[0]).toMatchObject({ path: '.env', reason: 'denied-name' });
  expect(text).not.toContain('pw12345678');
  expect((await send('POST', '/api/sync/projects/preview', { path: '/blog', create: true })).status).toBe(
    400,
  );
});

test('GET /api/sync/discover shows uploads only when asked', async () => {
  const { get } = await open();
  expect((await get('/api/sync/discover')).body.folders[0].upload).toBeNull();
  expect((await get('/api/sync/discover?preview=true')).body.folders[0].upload.files).toBe(2);
});

test('POST /api/sync/projects hands on what is to be made, and refuses what no repository can be called', async () => {
  const added: AddProject[] = [];
  const { send } = await open({
    async addProject(wanted) {
      added.push(wanted);
      return api.addProject('blog');
    },
  });
  const add = (body: object) => send('POST', '/api/sync/projects', { path: '/home/u/blog', ...body });
  expect((await add({ init: true, create: true })).status).toBe(201);
  expect((await add({ create: { owner: 'acme', private: false } })).status).toBe(201);
  expect((await add({ create: false })).status).toBe(201);
  expect(added).toEqual([
    { path: '/home/u/blog', onlyUnderRoots: false, init: true, create: {} },
    { path: '/home/u/blog', onlyUnderRoots: false, create: { owner: 'acme', private: false } },
    { path: '/home/u/blog', onlyUnderRoots: false },
  ]);
  for (const create of [{ name: 'a b' }, { owner: 'a/b' }, { secret: 1 }, 'yes'])
    expect((await add({ create })).status).toBe(400);
});

test('the repository and the pull request of a project say why they cannot be', async () => {
  const { get, send, addProject } = await open();
  const { projectId } = await addProject('blog');
  const repository = await get(`/api/sync/projects/${projectId}/repository`);
  expect(repository.status).toBe(409);
  expect(repository.body.code).toBe('remote-missing');
  const pull = await send('POST', `/api/sync/projects/${projectId}/pull-request`, { draft: true });
  expect(pull.status).toBe(409);
  expect(pull.body.code).toBe('no-side-branch');
  expect((await send('POST', '/api/sync/projects/none/pull-request', {})).status).toBe(404);
});
