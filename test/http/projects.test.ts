// Projects and their history over HTTP, and the pages for people.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS } from '../../src/model/project.ts';
import { saveFacts } from '../../src/store/projects.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let api: Fixture;
beforeAll(async () => {
  api = await createFixture();
  await api.addProject('blog', {
    remoteUrl: 'https://github.com/u/blog.git',
    remotes: [{ name: 'mirror', url: 'https://example.org/m.git' }],
    madeByAnotherProgram: 'keep me out of answers',
  });
  await api.addProject('notes');
  await saveFacts(api.db, 'blog' as ProjectId, {
    ...NO_FACTS,
    branch: 'main',
    pendingFiles: 2,
    unpushedCommits: 1,
    heldFiles: [
      { path: '.env', reason: 'secret', rule: 'aws', line: 3, oid: 'ab12', since: 1_700_000_000_000 },
    ],
    lastSafeAt: 1_700_000_000_000,
  });
  await saveFacts(api.db, 'notes' as ProjectId, {
    ...NO_FACTS,
    branch: '<img src=x>',
    blocked: {
      code: 'index-locked',
      detail: 'the lock </td><script>alert(1)</script>',
      action: 'Remove it & go on',
    },
  });
});
afterAll(() => api.close());

const INSERT_RUN = `INSERT INTO runs(project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, status,
    commit_id, branch, files_changed, bytes_pushed, remotes, error, started_at, finished_at)
  SELECT id, :job, 1, 'w', 'sync', 'watch', 1, 1, :status, 'abc', 'main', 1, 812, :remotes, :error, :at, :at + 61
  FROM projects WHERE project_id = :project`;

async function addRun(project: string, job: number, status: string, at: number) {
  const error = { code: 'offline', detail: 'no route to https://a:b@host', action: 'Wait.', retryable: true };
  await api.db.run(INSERT_RUN, {
    ...{ project, job, status, at },
    remotes: JSON.stringify([{ name: 'origin', branch: 'main', status: 'pushed', from: null, to: 'abc' }]),
    error: status === 'failed' ? JSON.stringify(error) : null,
  });
}

describe('projects', () => {
  test('GET projects/:projectId has every field of the contract and no credential', async () => {
    const { status, body, text } = await api.get('/api/sync/projects/blog');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      project: {
        projectId: 'blog',
        projectName: 'blog',
        path: '/home/u/blog',
        machineId: 'laptop',
        configHome: 'database',
        state: 'pending',
        stateReason: null,
        pausedUntil: null,
        github: {
          enabled: true,
          remoteUrl: 'https://github.com/u/blog.git',
          syncBranches: ['main', 'master', 'auto/*'],
          authentication: { type: 'token', configured: false, credential: null },
          mode: 'commit',
          remotes: [{ name: 'mirror', url: 'https://example.org/m.git', branches: [] }],
        },
        mode: 'commit',
        branch: 'main',
        hasPendingChanges: true,
        pendingFiles: 2,
        unpushedCommits: 1,
        behindCommits: 0,
        engine: null,
        heldFiles: [
          {
            ...{ path: '.env', reason: 'secret', rule: 'aws', line: 3 },
            ...{ fingerprint: 'sha1:ab12', sizeBytes: null, commit: null, since: '2023-11-14T22:13:20.000Z' },
          },
        ],
        lastSafeAt: '2023-11-14T22:13:20.000Z',
        lastSync: null,
        job: null,
      },
    });
    expect(text).not.toMatch(/hunter2|tok123456|another/i);
  });

  test('GET projects filters by state and text, and pages', async () => {
    const ids = async (query: string) => {
      const { status, body } = await api.get(`/api/sync/projects${query}`);
      expect(status).toBe(200);
      return {
        ids: body.projects.map((project: { projectId: string }) => project.projectId),
        next: body.nextCursor,
      };
    };
    expect((await ids('')).ids).toEqual(['blog', 'notes']);
    expect((await ids('?state=blocked')).ids).toEqual(['notes']);
    expect((await ids('?q=NOT')).ids).toEqual(['notes']);
    const first = await ids('?limit=1');
    expect(first.ids).toEqual(['blog']);
    expect(await ids(`?limit=1&cursor=${first.next}`)).toEqual({ ids: ['notes'], next: null });
  });

  test.each(['state=happy', 'limit=501', 'cursor=!!', 'q='])(
    'GET projects?%s is answered 400',
    async (query) => {
      expect((await api.get(`/api/sync/projects?${query}`)).status).toBe(400);
    },
  );

  test('GET, PATCH, DELETE, pause and resume of an unknown project are answered 404', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ] as const) {
      for (const id of ['ghost', 'Not-An-Id', '..%2fblog']) {
        const answer = await api.send(method, `/api/sync/projects/${id}${path}`);
        expect(answer.body.code, `${method} ${id}${path}`).toBe('project-not-found');
        expect(answer.status).toBe(404);
      }
    }
  });

  test('POST pause and resume concern every project, and an end that is over is refused', async () => {
    const pausedUntil = async () =>
      (await api.send('GET', '/api/sync/projects')).body.projects.map(
        (project: { pausedUntil: string | null }) => project.pausedUntil,
      );
    const untilMs = Date.now() + 3_600_000;
    const paused = await api.send('POST', '/api/sync/pause', { untilMs });
    expect([paused.status, paused.body.success]).toEqual([200, true]);
    expect(new Set(await pausedUntil())).toEqual(new Set([new Date(untilMs).toISOString()]));
    const over = await api.send('POST', '/api/sync/pause', { untilMs: 60_000 });
    expect([over.status, over.body.code]).toEqual([400, 'invalid-request']);
    expect((await api.send('POST', '/api/sync/resume', {})).status).toBe(200);
    expect(new Set(await pausedUntil())).toEqual(new Set([null]));
  });

  test('POST projects adds a folder, once', async () => {
    const body = { path: '/home/u/recipes', projectName: 'recipes', github: { syncBranches: ['main'] } };
    const added = await api.send('POST', '/api/sync/projects', body);
    expect(added.status).toBe(201);
    expect(added.body.project).toMatchObject({ projectId: 'recipes', github: { syncBranches: ['main'] } });
    const again = await api.send('POST', '/api/sync/projects', body);
    expect([again.status, again.body.code]).toEqual([409, 'project-exists']);
    const wrong = await api.send('POST', '/api/sync/projects', { path: '/home/u/a.txt' });
    expect([wrong.status, wrong.body.code]).toEqual([422, 'not-a-repository']);
  });

  test.each([
    [{}, 'path'],
    [{ path: '' }, 'path'],
    [{ path: 5 }, 'path'],
    [{ path: '/x', projectName: '' }, 'projectName'],
    [{ path: '/x', github: { mode: 'force' } }, 'github.mode'],
    [{ path: '/x', github: { syncBranches: ['a b'] } }, 'github.syncBranches.0'],
    [{ path: '/x', github: { authentication: { token: 'ghp_x' } } }, 'github.authentication.token'],
    [{ path: '/x', github: { remoteUrl: 'https://me:pw12345678@github.com/u/r.git' } }, 'github.remoteUrl'],
    [{ path: '/x', github: { enbled: true } }, 'github.enbled'],
    [{ path: '/x', create: { name: 'a/b' } }, 'create.name'],
  ])('POST projects refuses %j', async (body, path) => {
    const answer = await api.send('POST', '/api/sync/projects', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
    expect(answer.text).not.toContain('ghp_x');
  });

  test('PATCH projects changes what is named and keeps the rest', async () => {
    const answer = await api.send('PATCH', '/api/sync/projects/blog', { github: { mode: 'push' } });
    expect(answer.status).toBe(200);
    expect(answer.body.project).toMatchObject({
      mode: 'push',
      github: { remoteUrl: 'https://github.com/u/blog.git' },
    });
  });

  test('PATCH projects hands on only what was sent, without defaults', async () => {
    const patches: unknown[] = [];
    const { service } = api;
    const watched = await createFixture({
      service: {
        updateProject: async (_id, patch) => {
          patches.push(patch);
          return service.updateProject('blog' as ProjectId, {});
        },
      },
    });
    await watched.addProject('blog');
    await watched.send('PATCH', '/api/sync/projects/blog', {
      github: { authentication: { credential: 'work' } },
    });
    await watched.send('PATCH', '/api/sync/projects/blog', { github: { remoteUrl: null } });
    await watched.send('PATCH', '/api/sync/projects/blog', {});
    await watched.close();
    expect(patches).toEqual([
      { github: { authentication: { credential: 'work' } } },
      { github: { remoteUrl: null } },
      {},
    ]);
  });

  test('POST pause and resume change the state', async () => {
    const paused = await api.send('POST', '/api/sync/projects/recipes/pause');
    expect(paused.body.project.state).toBe('paused');
    const resumed = await api.send('POST', '/api/sync/projects/recipes/resume');
    expect(resumed.body.project).toMatchObject({ state: 'pending', pausedUntil: null });
    const untilMs = 4_000_000_000_000;
    const until = await api.send('POST', '/api/sync/projects/recipes/pause', { untilMs });
    expect(until.body.project.pausedUntil).toBe(new Date(untilMs).toISOString());
  });

  test.each([60_000, 1.5, 'tomorrow', -1, 9e15])('POST pause refuses untilMs %j', async (untilMs) => {
    const answer = await api.send('POST', '/api/sync/projects/blog/pause', { untilMs });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe('untilMs');
  });

  test('DELETE projects forgets the project', async () => {
    const answer = await api.send('DELETE', '/api/sync/projects/recipes');
    expect([answer.status, answer.body]).toEqual([200, { success: true, projectId: 'recipes' }]);
    expect((await api.get('/api/sync/projects/recipes')).status).toBe(404);
  });

  test('GET discover lists folders without credentials', async () => {
    const { status, body } = await api.get('/api/sync/discover');
    expect(status).toBe(200);
    expect(body.folders).toEqual([
      { path: '/home/u/new', name: 'new', remoteUrl: 'https://github.com/u/new.git', upload: null },
    ]);
  });
});

describe('history', () => {
  const start = Date.parse('2024-01-01T00:00:00Z');
  beforeAll(async () => {
    await addRun('blog', 1, 'success', start);
    await addRun('notes', 2, 'failed', start + 1_000);
    await addRun('blog', 3, 'no-change', start + 2_000);
  });
  const jobs = async (query: string) => {
    const { status, body } = await api.get(`/api/sync/history${query}`);
    expect(status).toBe(200);
    return body.history.map((run: { startedAt: string }) => (Date.parse(run.startedAt) - start) / 1_000);
  };

  test('GET history is newest first, with every field of the contract', async () => {
    const { body } = await api.get('/api/sync/history');
    expect(body.success).toBe(true);
    expect(body.history[1]).toEqual({
      runId: expect.any(Number),
      projectId: 'notes',
      projectName: 'notes',
      status: 'failed',
      trigger: 'watch',
      startedAt: '2024-01-01T00:00:01.000Z',
      finishedAt: '2024-01-01T00:00:01.061Z',
      durationMs: 61,
      attempt: 1,
      commit: 'abc',
      branch: 'main',
      filesChanged: 1,
      bytesPushed: 812,
      remotes: [{ name: 'origin', branch: 'main', status: 'pushed', from: null, to: 'abc' }],
      error: { code: 'offline', detail: 'no route to https://host', action: 'Wait.', retryable: true },
    });
    expect(await jobs('')).toEqual([2, 1, 0]);
  });

  test('GET history filters by project, status and time, and pages', async () => {
    expect(await jobs('?projectId=blog')).toEqual([2, 0]);
    expect(await jobs('/blog')).toEqual([2, 0]);
    expect(await jobs('/blog?status=success')).toEqual([0]);
    expect(await jobs('?projectId=ghost')).toEqual([]);
    expect(await jobs('?since=2024-01-01T00:00:01.500Z')).toEqual([2]);
    expect(await jobs('?until=2024-01-01T01:00:00.500%2B01:00')).toEqual([0]);
    const first = await api.get('/api/sync/history?limit=2');
    expect(first.body.history).toHaveLength(2);
    expect(await jobs(`?limit=2&cursor=${first.body.nextCursor}`)).toEqual([0]);
  });

  test('GET metrics cuts a period into parts and counts each', async () => {
    const day = 'since=2024-01-01T00:00:00Z&until=2024-01-02T00:00:00Z';
    const { status, body } = await api.get(`/api/sync/metrics?${day}&buckets=24`);
    expect(status).toBe(200);
    expect(body.totals).toEqual({
      ...{ syncs: 3, good: 1, bad: 1, bytes: 3 * 812, successRate: 0.5, p50Ms: 61, p95Ms: 61 },
    });
    expect(body.buckets).toHaveLength(24);
    expect(body.buckets[0]).toMatchObject({ from: '2024-01-01T00:00:00.000Z', syncs: 3 });
    const notes = await api.get(`/api/sync/metrics?${day}&projectId=notes`);
    expect(notes.body.totals).toMatchObject({ syncs: 1, successRate: 0 });
    const last = await api.get('/api/sync/metrics');
    expect(last.body.totals).toMatchObject({ syncs: 0, successRate: null, p50Ms: null });
  });

  test.each([
    ['since=2024-01-02T00:00:00Z&until=2024-01-01T00:00:00Z', 'since'],
    ['buckets=0', 'buckets'],
    ['buckets=201', 'buckets'],
    ['since=yesterday', 'since'],
  ])('GET metrics?%s is answered 400 and names %s', async (query, path) => {
    const { status, body } = await api.get(`/api/sync/metrics?${query}`);
    expect([status, body.code, body.errors[0].path]).toEqual([400, 'invalid-request', path]);
  });

  test.each(['since=yesterday', 'until=5', 'status=ok', 'limit=0', 'cursor=junk', 'projectId=A/B'])(
    'GET history?%s is answered 400',
    async (query) => {
      const answer = await api.get(`/api/sync/history?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.code).toBe('invalid-request');
    },
  );

  test('GET history/:projectId of an unknown project is answered 404', async () => {
    expect((await api.get('/api/sync/history/ghost')).body.code).toBe('project-not-found');
  });

  test('GET projects names the last sync', async () => {
    const { body } = await api.get('/api/sync/projects/blog');
    expect(body.project.lastSync).toEqual({
      runId: expect.any(Number),
      status: 'no-change',
      finishedAt: '2024-01-01T00:00:02.061Z',
      durationMs: 61,
      commit: 'abc',
    });
  });

  test('DELETE history takes its wishes from the query or the body', async () => {
    const deleted = async (query: string, body?: unknown) => {
      const answer = await api.send('DELETE', `/api/sync/history${query}`, body);
      expect(answer.status).toBe(200);
      return answer.body;
    };
    expect(await deleted('?olderThanDays=36500')).toEqual({ success: true, deleted: 0 });
    expect(await deleted('', { olderThanDays: 0, projectId: 'notes' })).toEqual({
      success: true,
      deleted: 1,
    });
    expect(await deleted('')).toEqual({ success: true, deleted: 2 });
    expect(await jobs('')).toEqual([]);
  });

  test.each(['olderThanDays=-1', 'olderThanDays=x', 'olderThanDays='])(
    'DELETE history?%s is answered 400',
    async (q) => {
      expect((await api.send('DELETE', `/api/sync/history?${q}`)).status).toBe(400);
    },
  );

  test('DELETE history refuses an unknown body key', async () => {
    const answer = await api.send('DELETE', '/api/sync/history', { olderThan: 3 });
    expect(answer.body.errors[0].path).toBe('olderThan');
  });
});

describe('pages', () => {
  test('GET / is a page without inline script or style, whose files never change under their names', async () => {
    const page = await api.get('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.text).not.toMatch(/<style| style=| on\w+="|<script(?![^>]* src=)/);
    const files = [...page.text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, file]) => file as string);
    expect(files.map((file) => file.split('.').at(-1)).sort()).toEqual(['css', 'js', 'svg']);
    for (const file of files) {
      const asset = await api.get(file);
      expect(asset.status).toBe(200);
      expect(asset.headers.get('cache-control')).toContain('immutable');
    }
  });

  test.each(['/assets/nothing.js', '/assets/index.html', '/assets/..%2f..%2fpackage.json', '/assets/'])(
    'GET %s is not there',
    async (path) => {
      expect((await api.get(path)).status).toBe(404);
    },
  );

  test('GET /style.css is a style for light and dark', async () => {
    const style = await api.get('/style.css');
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(style.text).toContain('prefers-color-scheme: dark');
  });

  test('GET /openapi.json describes bodies and queries as they are validated', async () => {
    const { status, body } = await api.get('/openapi.json');
    expect(status).toBe(200);
    expect(body.openapi).toBe('3.1.0');
    const trigger = body.paths['/api/sync/trigger'].post;
    expect(Object.keys(trigger.responses)).toEqual(expect.arrayContaining(['202', '400', '413']));
    expect(body.components.schemas.TriggerRequest).toMatchObject({
      additionalProperties: false,
      properties: { priority: { type: 'integer', minimum: 0, maximum: 10 }, immediate: { type: 'boolean' } },
    });
    const { parameters } = body.paths['/api/sync/history'].get;
    expect(parameters.find((one: { name: string }) => one.name === 'limit').schema).toMatchObject({
      type: 'integer',
      minimum: 1,
      maximum: 500,
      default: 50,
    });
    expect(body.components.schemas.Problem.properties).toHaveProperty('errors');
    expect(body.components.securitySchemes.bearer).toMatchObject({ scheme: 'bearer' });
  });

  test('GET /docs lists the routes for a person', async () => {
    const docs = await api.get('/docs');
    expect(docs.text).toContain('/api/sync/trigger/{projectId}');
    expect(docs.text).not.toContain('<script');
  });
});
