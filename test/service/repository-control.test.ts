// What the host says of a project's repository, and a pull request for work that waits beside its branch: asked of a
// stateful GitHub, for a real repository.

import { createEmulator } from 'emulate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPace } from '../../src/github/pace.ts';
import { createGithubClient } from '../../src/github/rest-client.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, type Project } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import type { RemoteState } from '../../src/model/remote-state.ts';
import { createFor, createRepositoryControl } from '../../src/service/repository-control.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';
import { type HostApi, startHostApi } from '../support/host-api.ts';

const TOKEN = 'token-of-octocat';
const BLOG = 'blog' as ProjectId;
let emulator: { url: string; close(): Promise<unknown> };
let plain: HostApi;
let repo: GitRepo;
let host: string;

beforeAll(async () => {
  emulator = await createEmulator({
    ...{ service: 'github', port: 0, hostname: '127.0.0.1' },
    seed: {
      tokens: { [TOKEN]: { login: 'octocat', scopes: ['repo'] } },
      github: {
        users: [{ login: 'octocat' }, { login: 'ada' }],
        repos: [{ owner: 'octocat', name: 'hello', auto_init: true, private: true }],
      },
    },
  });
  plain = await startHostApi();
  host = new URL(emulator.url).host;
  repo = await createGitRepo();
  await repo.git('remote', 'add', 'origin', `${emulator.url}/octocat/hello.git`);
});
afterAll(async () => {
  await repo.remove();
  await emulator.close();
  await plain.stop();
});

function open({
  remote = 'octocat/hello',
  facts = {},
  machineId = 'laptop',
  hasApi = true,
  apiUrl = emulator.url,
}: {
  remote?: string;
  facts?: Partial<Project['facts']>;
  machineId?: string;
  hasApi?: boolean;
  apiUrl?: string;
} = {}) {
  const github = createGithubClient({
    ...{ apiUrlFor: () => apiUrl, tokenFor: async () => ({ key: host, token: TOKEN }) },
    ...{ userAgent: 'gitferry/test', clock: systemClock, log: silentLog },
    pace: createPace({ clock: systemClock }),
  });
  const project = {
    ...{ projectId: BLOG, projectName: 'Blog', machineId, path: repo.path, configHome: 'database' },
    ...{ pausedUntil: null, conflictChoice: null, releases: { files: [], deletions: null } },
    github: GithubConfigSchema.parse({ enabled: true, remoteUrl: `${emulator.url}/${remote}.git` }),
    facts: { ...NO_FACTS, branch: 'main', ...facts },
  } as Project;
  return createRepositoryControl({
    ...{ github, hasApi: () => hasApi, env: {}, homeDir: '/nonexistent', machineId: 'laptop' },
    findProject: async () => project,
  });
}

const api = async (method: string, path: string, body?: object) => {
  const headers = { authorization: `token ${TOKEN}`, 'content-type': 'application/json' };
  const answer = await fetch(`${emulator.url}${path}`, {
    ...{ method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) },
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the host
  return (await answer.json()) as any;
};

test('a repository that the account may write to is found, with its name, default branch and who may see it', async () => {
  expect(await open().repository(BLOG)).toEqual({
    ...{ state: 'found', reason: null, host, remoteUrl: `${emulator.url}/octocat/hello.git` },
    ...{ fullName: 'octocat/hello', private: true, defaultBranch: 'main', refusedPush: null },
  });
});

test('one that is not there, or was there, is told apart by whether anything was ever safe there', async () => {
  const never = await open({ remote: 'octocat/nothing' }).repository(BLOG);
  expect(never).toMatchObject({ state: 'absent', reason: { code: 'repository-not-found' }, fullName: null });
  expect(never.reason?.detail).not.toContain('deleted');
  const gone = await open({ remote: 'octocat/nothing', facts: { lastSafeAt: 1 } }).repository(BLOG);
  expect(gone.reason?.detail).toMatch(/octocat\/nothing.*it was deleted, or the access was taken away/);
  expect(gone.reason?.action).toContain('Create the repository');
});

test('one that the account may only read says so, with what the token lacks', async () => {
  plain.readOnly.add('ada/notes');
  const shown = await open({ remote: 'ada/notes', apiUrl: plain.url }).repository(BLOG);
  expect(shown).toMatchObject({ state: 'read-only', reason: { code: 'push-forbidden' } });
  expect(shown.reason?.action).toContain('write access');
});

test('an archived one says so, and where to go on', async () => {
  await api('POST', '/user/repos', { name: 'old', auto_init: true });
  await api('PATCH', '/repos/octocat/old', { archived: true });
  const shown = await open({ remote: 'octocat/old' }).repository(BLOG);
  expect(shown).toMatchObject({
    state: 'archived',
    reason: { code: 'repository-archived' },
    fullName: 'octocat/old',
  });
  expect(shown.reason?.action).toContain('Unarchive');
});

test('one that was renamed names its new address; one that was followed there is simply found', async () => {
  plain.rename('octocat/hello', 'octocat/bonjour');
  const told = await open({ apiUrl: plain.url }).repository(BLOG);
  expect(told).toMatchObject({ state: 'renamed', reason: { code: 'repository-renamed' } });
  expect(told.reason?.detail).toContain('octocat/hello is now octocat/bonjour');
  await api('POST', '/user/repos', { name: 'before', auto_init: true });
  await api('PATCH', '/repos/octocat/before', { name: 'after' });
  const [old, now] = ['before', 'after'].map((name) => `${emulator.url}/octocat/${name}.git`);
  const primary: RemoteState = {
    ...{ name: 'origin', primary: true, url: old ?? '', branches: ['*'], state: 'safe', tips: {} },
    ...{ reason: null, failures: 0, retryAt: null, lastSafeAt: 1, movedTo: now },
  };
  const shown = await open({ remote: 'octocat/before', facts: { remotes: [primary] } }).repository(BLOG);
  expect(shown).toMatchObject({ state: 'found', fullName: 'octocat/after', remoteUrl: now });
});

test('a protected branch is told in words', async () => {
  await api('PUT', '/repos/octocat/hello/branches/main/protection', {
    ...{ required_status_checks: null, enforce_admins: true, restrictions: null },
    required_pull_request_reviews: { required_approving_review_count: 1 },
  });
  expect((await open().repository(BLOG)).refusedPush).toMatch(/^main takes changes by pull request only/);
  // On a detached HEAD there is no branch to ask about.
  expect((await open({ facts: { branch: null } }).repository(BLOG)).refusedPush).toBeNull();
});

test('a host without an API, and one that cannot be asked, are no faults of the request', async () => {
  const without = await open({ hasApi: false }).repository(BLOG);
  expect(without).toMatchObject({ state: 'no-api', reason: { code: 'no-github-api' }, host });
  const gone = await startHostApi();
  await gone.stop();
  const away = await open({ apiUrl: gone.url }).repository(BLOG);
  expect(away).toMatchObject({ state: 'unknown', reason: { code: 'offline' } });
});

test("a project of another machine is that machine's matter", async () => {
  const elsewhere = { code: 'project-elsewhere', message: expect.stringContaining('desk') };
  await expect(open({ machineId: 'desk' }).repository(BLOG)).rejects.toMatchObject(elsewhere);
  await expect(open({ machineId: 'desk' }).openPullRequest(BLOG, {})).rejects.toMatchObject(elsewhere);
});

test('a pull request is opened from the branch that has the work, once; without such work there is none', async () => {
  const { object } = await api('GET', '/repos/octocat/hello/git/ref/heads/main');
  await api('POST', '/repos/octocat/hello/git/refs', { ref: 'refs/heads/sync/laptop/main', sha: object.sha });
  const asides = [{ branch: 'main', head: 'sync/laptop/main', why: 'main is protected' }];
  const primary: RemoteState = {
    ...{ name: 'origin', primary: true, url: `${emulator.url}/octocat/hello.git`, branches: ['*'] },
    ...{ state: 'safe', tips: {}, reason: null, failures: 0, retryAt: null, lastSafeAt: 1, asides },
  };
  const control = open({ facts: { remotes: [primary] } });
  const first = await control.openPullRequest(BLOG, { branch: 'main', title: 'Words' });
  expect(first).toMatchObject({ created: true, head: 'sync/laptop/main', base: 'main' });
  const made = await api('GET', `/repos/octocat/hello/pulls/${first.number}`);
  expect(made).toMatchObject({ title: 'Words', body: expect.stringContaining('main is protected.') });
  expect(await control.openPullRequest(BLOG, {})).toEqual({ ...first, created: false });
  const none = { code: 'no-side-branch' };
  await expect(control.openPullRequest(BLOG, { branch: 'other' })).rejects.toMatchObject(none);
  await expect(open().openPullRequest(BLOG, {})).rejects.toMatchObject(none);
  const without = open({ facts: { remotes: [primary] }, hasApi: false });
  await expect(without.openPullRequest(BLOG, {})).rejects.toMatchObject({ code: 'no-github-api' });
});

test('a folder whose name no repository can have needs one that is given', async () => {
  const github = { createRepository: () => expect.fail('no host is asked') } as never;
  const asked = createFor('/home/ada/日本', {}, undefined, { github, hasApi: () => true });
  await expect(asked).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining('日本'),
  });
  const elsewhere = createFor('/home/ada/blog', { host: 'git.acme.io' }, undefined, {
    github,
    hasApi: () => false,
  });
  await expect(elsewhere).rejects.toMatchObject({ code: 'no-github-api' });
});
