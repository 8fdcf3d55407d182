import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, NO_RELEASES, type ProjectFacts } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import type { RemoteState } from '../../src/model/remote-state.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { freeProjectId } from '../../src/store/project-ids.ts';
import {
  findProject,
  findSavedProject,
  listProjects,
  noteActivity,
  removeProject,
  saveFacts,
  saveProject,
  setPaused,
} from '../../src/store/projects.ts';
import { describeDatabases, readEvents, readJobRow } from '../support/database.ts';
import { addRun } from './stored-run.ts';

const github = GithubConfigSchema.parse({
  enabled: true,
  remoteUrl: 'https://github.com/u/blog.git',
  schedule: { quietMs: 500, maxWaitMs: 9_000, minIntervalMs: 0 },
  otherProgram: { keep: ['me'] },
});
const blog = {
  projectName: 'My Blog',
  machineId: 'laptop',
  path: '/home/u/blog',
  configHome: 'file' as const,
  github,
  lane: { hostGate: 'host:github.com', credentialGate: 'credential:github.com' },
  lockKey: 'repo-1',
};

const MIRROR: RemoteState = {
  name: 'backup',
  primary: false,
  url: 'https://git.example.org/u/r.git',
  branches: ['main', 'auto/*'],
  state: 'retrying',
  tips: { main: 'c'.repeat(40) },
  reason: reasonOf('remote-timeout', 'The mirror "backup" did not answer in time.'),
  failures: 2,
  retryAt: 1_700_000_060_000,
  lastSafeAt: null,
};

describeDatabases('projects', (db) => {
  const types = async () => (await readEvents(db())).map((event) => `${event.type} ${event.projectId}`);

  test('saveProject() stores a new project with its settings, lane and event', async () => {
    const project = await saveProject(db(), blog);
    expect(project).toEqual({
      projectId: 'my-blog',
      projectName: 'My Blog',
      machineId: 'laptop',
      path: '/home/u/blog',
      configHome: 'file',
      github,
      pausedUntil: null,
      conflictChoice: null,
      releases: NO_RELEASES,
      facts: NO_FACTS,
    });
    expect(await findProject(db(), project.projectId)).toEqual(project);
    expect((await findSavedProject(db(), 'laptop', '/home/u/blog'))?.project).toEqual(project);
    expect(await findSavedProject(db(), 'desktop', '/home/u/blog')).toBeNull();
    expect(await findProject(db(), 'other' as ProjectId)).toBeNull();
    const [row] =
      await db().run(`SELECT p.enabled, p.quiet_ms, p.max_wait_ms, p.min_interval_ms, p.lock_key, l.host_gate,
      l.credential_gate FROM projects p JOIN lanes l ON l.id = p.lane_id`);
    expect(row).toEqual({
      enabled: 1,
      quiet_ms: 500,
      max_wait_ms: 9_000,
      min_interval_ms: 0,
      lock_key: 'repo-1',
      host_gate: 'host:github.com',
      credential_gate: 'credential:github.com',
    });
    expect(await readEvents(db())).toMatchObject([
      { type: 'project.added', projectId: 'my-blog', data: { path: '/home/u/blog', enabled: true } },
    ]);
  });

  test('saveProject() of the same settings, in whatever order of keys, writes nothing', async () => {
    const saved = await saveProject(db(), blog);
    const turned = Object.fromEntries(Object.entries(github).reverse()) as typeof github;
    expect(await saveProject(db(), { ...blog, github: turned })).toEqual(saved);
    expect(await types()).toEqual(['project.added my-blog']);
  });

  test.each([
    { what: 'name', change: { projectName: 'Journal' } },
    { what: 'settings', change: { github: { ...github, mode: 'push' as const } } },
    { what: 'home of the settings', change: { configHome: 'database' as const } },
    {
      what: 'lane',
      change: { lane: { hostGate: 'host:git.example', credentialGate: 'credential:git.example' } },
    },
    { what: 'repository', change: { lockKey: 'repo-2' } },
  ])(
    'saveProject() changes the $what of a known project and keeps its id, facts and pause',
    async ({ change }) => {
      const { projectId } = await saveProject(db(), blog);
      const facts = { ...NO_FACTS, branch: 'main', pendingFiles: 3 };
      await saveFacts(db(), projectId, facts);
      await setPaused(db(), projectId, 5_000);
      const wished = { projectId: 'wished' as ProjectId };
      const changed = await saveProject(db(), { ...blog, ...wished, ...change });
      const { lane, lockKey, ...shown } = { ...blog, ...change };
      const kept = { pausedUntil: 5_000, conflictChoice: null, releases: NO_RELEASES, facts };
      expect(changed).toEqual({ ...shown, projectId, ...kept });
      expect(await findProject(db(), projectId)).toEqual(changed);
      await saveProject(db(), { ...blog, ...change });
      expect(await types()).toEqual(['project.added my-blog', 'project.changed my-blog']);
    },
  );

  test('saveProject() moves the waiting job to the new lane', async () => {
    const { projectId } = await saveProject(db(), blog);
    await enqueue(db(), {
      projectIds: [projectId],
      trigger: 'watch',
      delayMs: null,
      force: false,
      priority: 5,
      askRemote: false,
    });
    await saveProject(db(), { ...blog, lane: { ...blog.lane, hostGate: 'host:git.example' } });
    const [row] = await db().run('SELECT l.host_gate FROM jobs j JOIN lanes l ON l.id = j.lane_id');
    expect(row).toEqual({ host_gate: 'host:git.example' });
  });

  test('saveProject() gives each project an id of its own', async () => {
    const at = (path: string, more: object = {}) =>
      saveProject(db(), { ...blog, path, lockKey: path, ...more });
    const ids = [
      await at('/a'),
      await at('/b'),
      await at('/c'),
      await at('/a', { machineId: 'Desk Top', lockKey: '/a' }),
      await at('/b', { machineId: 'Desk Top', lockKey: '/a' }),
      await at('/d', { projectId: 'wished' as ProjectId }),
      await at('/e', { projectId: 'wished' as ProjectId }),
      await at('/f', { projectName: 'all' }),
    ].map((project) => project.projectId);
    expect(ids).toEqual([
      'my-blog',
      'my-blog-2',
      'my-blog-3',
      'my-blog@desk-top',
      'my-blog@desk-top-2',
      'wished',
      'wished-2',
      'all-2',
    ]);
  });

  test('saveProject() many at once: every folder once, every id unique', async () => {
    const saves = Array.from({ length: 24 }, (_, index) =>
      saveProject(db(), { ...blog, path: `/p/${index % 12}` }),
    );
    const projects = await Promise.all(saves);
    const stored = await listProjects(db());
    expect(stored).toHaveLength(12);
    expect(new Set(stored.map((project) => project.projectId)).size).toBe(12);
    for (const project of projects) {
      expect(project.projectId).toBe(stored.find(({ path }) => path === project.path)?.projectId);
    }
  });

  test('listProjects() lists by id, of all machines or one', async () => {
    await saveProject(db(), { ...blog, projectName: 'b' });
    await saveProject(db(), { ...blog, projectName: 'a', path: '/a' });
    await saveProject(db(), { ...blog, projectName: 'c', machineId: 'desktop' });
    const ids = async (filter?: { machineId?: string }) =>
      (await listProjects(db(), filter)).map((project) => project.projectId);
    expect(await ids()).toEqual(['a', 'b', 'c']);
    expect(await ids({ machineId: 'laptop' })).toEqual(['a', 'b']);
    expect(await ids({ machineId: 'phone' })).toEqual([]);
  });

  test('saveFacts() stores every fact, without an event, and leaves other projects alone', async () => {
    const one = await saveProject(db(), blog);
    const two = await saveProject(db(), { ...blog, path: '/other' });
    const facts: ProjectFacts = {
      branch: 'main',
      pendingFiles: 2,
      unpushedCommits: 3,
      behindCommits: 1,
      heldFiles: [{ path: '.env', reason: 'secret', rule: 'env file', line: 4 }],
      refusedDeletions: { deleted: 12, tracked: 20, digest: 'd1' },
      conflictFiles: [{ path: 'notes.md', ours: 'modified', theirs: 'deleted' }],
      remoteTips: { main: 'a'.repeat(40), 'auto/x': 'b'.repeat(40) },
      remotes: [MIRROR],
      blocked: reasonOf('index-locked', 'index.lock is 3 minutes old.'),
      engine: { name: 'git', reason: 'It has hooks.' },
      lastSafeAt: 1_700_000_000_000,
    };
    await saveFacts(db(), one.projectId, facts);
    expect((await findProject(db(), one.projectId))?.facts).toEqual(facts);
    expect((await findProject(db(), two.projectId))?.facts).toEqual(NO_FACTS);
    await saveFacts(db(), one.projectId, NO_FACTS);
    expect((await findProject(db(), one.projectId))?.facts).toEqual(NO_FACTS);
    await saveFacts(db(), 'gone' as ProjectId, facts);
    expect(await types()).toEqual(['project.added my-blog', 'project.added my-blog-2']);
  });

  test('setPaused() pauses and resumes one project or all', async () => {
    const one = await saveProject(db(), blog);
    const two = await saveProject(db(), { ...blog, path: '/other' });
    const pauses = async () => (await listProjects(db())).map((project) => project.pausedUntil);
    await setPaused(db(), one.projectId, 8_640_000_000_000_000);
    expect(await pauses()).toEqual([8_640_000_000_000_000, null]);
    await setPaused(db(), 'all', 6_000);
    expect(await pauses()).toEqual([6_000, 6_000]);
    await setPaused(db(), two.projectId, null);
    expect(await pauses()).toEqual([6_000, null]);
    await setPaused(db(), 'all', null);
    expect(await pauses()).toEqual([null, null]);
  });

  test('noteActivity() notes the time of one project', async () => {
    const one = await saveProject(db(), blog);
    await saveProject(db(), { ...blog, path: '/other' });
    await noteActivity(db(), [one.projectId]);
    const rows = await db().run(
      'SELECT last_activity_at BETWEEN clock.now - 60000 AND clock.now AS recent FROM projects, clock ORDER BY id',
    );
    expect(rows).toEqual([{ recent: 1 }, { recent: null }]);
  });

  test('removeProject() forgets the project, its job and its history, and tells; its events stay', async () => {
    const { projectId } = await saveProject(db(), blog);
    const ask = { trigger: 'watch' as const, delayMs: null, force: false, priority: 5, askRemote: false };
    await enqueue(db(), { projectIds: [projectId], ...ask });
    expect((await readJobRow(db(), projectId)).state).toBe('scheduled');
    await addRun(db(), projectId, [{ finishedAt: 5 }]);
    expect(await removeProject(db(), projectId)).toBe(true);
    expect(await removeProject(db(), projectId)).toBe(false);
    expect(await listProjects(db())).toEqual([]);
    const [left] = await db().run(
      'SELECT (SELECT count(*) FROM jobs) AS jobs, (SELECT count(*) FROM runs) AS runs',
    );
    expect(left).toEqual({ jobs: 0, runs: 0 });
    const events = await readEvents(db());
    expect(events[0]).toMatchObject({ type: 'project.added', projectId });
    expect(events.filter((event) => event.type === 'project.removed')).toMatchObject([
      { projectId, data: { path: '/home/u/blog', machineId: 'laptop' } },
    ]);
  });

  test.each([
    { column: 'config', value: '{"syncBranches":"main"}' },
    { column: 'blocked', value: '{"code":"no-such-code","detail":"","action":""}' },
    { column: 'held_files', value: '[{"path":1}]' },
  ])('a stored $column that is not valid is refused, naming the project', async ({ column, value }) => {
    const { projectId } = await saveProject(db(), blog);
    await db().run(`UPDATE projects SET ${column} = :value`, { value });
    await expect(findProject(db(), projectId)).rejects.toMatchObject({
      code: 'database-corrupt',
      message: expect.stringMatching(new RegExp(`"my-blog" is not valid: ${column}`)),
    });
    await expect(listProjects(db())).rejects.toThrow('my-blog');
  });
});

test('freeProjectId() keeps within 100 characters, whatever the wish and the suffix', () => {
  const longest = 'x'.repeat(100) as ProjectId;
  const input = { projectId: longest, projectName: 'x', machineId: `m${'y'.repeat(200)}`, lockKey: 'k' };
  const ids: ProjectId[] = [];
  for (let i = 0; i < 120; i += 1) {
    const taken = ids.map((projectId) => ({ projectId, machineId: 'other', lockKey: 'k' }));
    ids.push(freeProjectId(input, taken));
  }
  expect(new Set(ids).size).toBe(120);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9][a-z0-9._@-]{0,99}$/);
});
