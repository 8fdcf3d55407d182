// Webhooks from their registration to a sync they cause: a stateful GitHub delivers, signed, to the real route.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEmulator } from 'emulate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { normalRemote, parseRemoteUrl } from '../../src/git/remote/remote-url.ts';
import { createPace } from '../../src/github/pace.ts';
import { createGithubClient } from '../../src/github/rest-client.ts';
import { systemClock } from '../../src/host/clock.ts';
import { loadHost } from '../../src/host/load.ts';
import { silentLog } from '../../src/host/log.ts';
import { NO_FACTS, type Project } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { findJob } from '../../src/queue/reads.ts';
import { createWebhookKeeper } from '../../src/runner/keep-webhooks.ts';
import { createProjectTable } from '../../src/runner/project-table.ts';
import {
  registerWebhook,
  removeWebhook,
  takeAwayWebhook,
  type WebhookPorts,
  webhookLeftBy,
  webhookOf,
} from '../../src/runner/register-webhook.ts';
import { findProjectView } from '../../src/store/project-views.ts';
import { removeProject, saveFacts, saveProject } from '../../src/store/projects.ts';
import { createFixture, type Fixture } from '../http/api-fixture.ts';
import { createGitRepo } from '../support/git-repo.ts';

const TOKEN = 'token-for-webhooks';
const TIP = 'a'.repeat(40);

let fixture: Fixture;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await fixture.close();
});

async function github() {
  const emulator = await createEmulator({
    ...{ service: 'github', port: 0, hostname: '127.0.0.1' },
    seed: {
      tokens: { [TOKEN]: { login: 'octocat', scopes: ['repo', 'admin:repo_hook'] } },
      github: {
        users: [{ login: 'octocat' }],
        repos: [{ owner: 'octocat', name: 'hello', auto_init: true }],
      },
    },
  });
  closers.push(() => emulator.close());
  return emulator.url;
}

/** The API of the service, where the host can reach it. */
async function listen(): Promise<string> {
  const host = await loadHost();
  const listening = await host.listen(fixture.app, { hostname: '127.0.0.1', port: 0 });
  closers.push(() => listening.close(0));
  return `http://127.0.0.1:${listening.port}`;
}

async function addProject(remoteUrl: string): Promise<Project> {
  const repo = await createGitRepo();
  closers.push(() => repo.remove());
  await repo.git('remote', 'add', 'origin', remoteUrl);
  const { projectId } = await saveProject(fixture.db, {
    ...{ projectName: 'hello', machineId: 'laptop', path: repo.path, configHome: 'database' as const },
    github: GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'] }),
    lane: { hostGate: 'host:h', credentialGate: 'cred:h' },
    lockKey: `remote:${normalRemote(remoteUrl)}`,
  });
  await saveFacts(fixture.db, projectId, { ...NO_FACTS, remoteTips: { main: TIP }, lastSafeAt: 1 });
  const view = await findProjectView(fixture.db, projectId);
  if (view === null) throw new Error('the project is not there');
  return view;
}

function portsOf(apiUrl: string, publicUrl: string | null): WebhookPorts {
  const client = createGithubClient({
    ...{ apiUrlFor: () => apiUrl, tokenFor: async () => ({ key: 'h', token: TOKEN }) },
    ...{
      pace: createPace({ clock: systemClock }),
      userAgent: 'gitferry/test',
      clock: systemClock,
      log: silentLog,
    },
  });
  return {
    ...{ db: fixture.db, github: client, hasApi: (host) => host === parseRemoteUrl(apiUrl).host },
    ...{ env: {}, homeDir: '/nonexistent', publicUrl: () => publicUrl },
  };
}

const post = (url: string) => fetch(url, { method: 'POST', headers: { authorization: `token ${TOKEN}` } });
const hooksOf = async (apiUrl: string) => {
  const answer = await fetch(`${apiUrl}/repos/octocat/hello/hooks`, {
    headers: { authorization: `token ${TOKEN}` },
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the host
  return (await answer.json()) as any[];
};
const shown = async ({ projectId }: Project) =>
  (await fixture.get(`/api/sync/projects/${projectId}`)).body.project;

test('a webhook is registered, proves itself by a signed ping, and tells of a push; then it is taken away', async () => {
  const [apiUrl, publicUrl] = [await github(), await listen()];
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const ports = portsOf(apiUrl, `${publicUrl}/`);
  expect((await shown(project)).webhook).toBeNull();

  const registered = await registerWebhook(project, ports);
  expect(registered).toMatchObject({
    state: 'registered',
    url: `${publicUrl}/api/webhooks/github?by=gitferry`,
    reason: null,
  });
  expect(await hooksOf(apiUrl)).toMatchObject([
    {
      id: registered?.hookId,
      active: true,
      events: ['push', 'repository'],
      config: { content_type: 'json' },
    },
  ]);
  expect((await shown(project)).webhook).toEqual({ health: 'waiting', lastDeliveryAt: null });

  await post(`${apiUrl}/repos/octocat/hello/hooks/${registered?.hookId}/pings`);
  expect((await shown(project)).webhook).toMatchObject({
    health: 'healthy',
    lastDeliveryAt: expect.any(String),
  });
  expect(await findJob(fixture.db, project.projectId)).toBeNull();

  await post(`${apiUrl}/repos/octocat/hello/hooks/${registered?.hookId}/tests`);
  expect((await findJob(fixture.db, project.projectId))?.state).toBe('scheduled');

  await removeWebhook(project, ports);
  expect(await hooksOf(apiUrl)).toEqual([]);
  expect((await shown(project)).webhook).toEqual({ health: 'off', lastDeliveryAt: null });
});

test('registering again changes nothing; a webhook that was changed or lost is mended', async () => {
  const [apiUrl, publicUrl] = [await github(), await listen()];
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const ports = portsOf(apiUrl, publicUrl);
  const first = await registerWebhook(project, ports);
  expect((await registerWebhook(project, ports))?.hookId).toBe(first?.hookId);
  await fetch(`${apiUrl}/repos/octocat/hello/hooks/${first?.hookId}`, {
    method: 'PATCH',
    headers: { authorization: `token ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ active: false, events: ['star'] }),
  });
  await registerWebhook(project, ports);
  expect(await hooksOf(apiUrl)).toMatchObject([
    { id: first?.hookId, active: true, events: ['push', 'repository'] },
  ]);
  // Its number was lost: it is known by its address and gets the secret that is known here.
  await fixture.db.run(
    `UPDATE webhooks SET state = 'wanted', hook_id = NULL, secret = 'another-secret-than-before'`,
  );
  expect((await registerWebhook(project, ports))?.hookId).toBe(first?.hookId);
  await post(`${apiUrl}/repos/octocat/hello/hooks/${first?.hookId}/pings`);
  expect((await shown(project)).webhook.health).toBe('healthy');
});

test("a person's own webhook with the same address is neither taken over nor taken away", async () => {
  const [apiUrl, publicUrl] = [await github(), await listen()];
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const headers = { authorization: `token ${TOKEN}`, 'content-type': 'application/json' };
  const config = { url: `${publicUrl}/api/webhooks/github`, content_type: 'json', secret: 'of-a-person' };
  const body = JSON.stringify({ name: 'web', active: true, events: ['push'], config });
  const made = await fetch(`${apiUrl}/repos/octocat/hello/hooks`, { method: 'POST', headers, body });
  const { id } = (await made.json()) as { id: number };
  const registered = await registerWebhook(project, portsOf(apiUrl, publicUrl));
  expect(registered?.hookId).not.toBe(id);
  await removeWebhook(project, portsOf(apiUrl, publicUrl));
  expect(await hooksOf(apiUrl)).toMatchObject([{ id, events: ['push'], config: { url: config.url } }]);
});

test('the webhook of a removed project goes with the last that has its repository, or it is said why not', async () => {
  const [apiUrl, publicUrl] = [await github(), await listen()];
  const ports = portsOf(apiUrl, publicUrl);
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const twin = await addProject(`${apiUrl}/octocat/hello.git`);
  await registerWebhook(project, ports);
  expect(await webhookLeftBy(twin, ports)).toBeNull();
  await removeProject(fixture.db, twin.projectId);
  const left = await webhookLeftBy(project, ports);
  if (left === null) throw new Error('The project leaves no webhook.');
  const { signal } = new AbortController();
  // Not while a project has the repository, or has it again.
  await takeAwayWebhook(left, { ...ports, signal });
  expect(await hooksOf(apiUrl)).toHaveLength(1);
  await removeProject(fixture.db, project.projectId);
  const refusing = await answering(403, { message: 'Resource not accessible by token' });
  const away = { ...portsOf(refusing, publicUrl), hasApi: () => true, signal };
  await expect(takeAwayWebhook(left, away)).rejects.toMatchObject({ code: 'webhook-refused' });
  await takeAwayWebhook(left, { ...ports, signal });
  expect(await hooksOf(apiUrl)).toEqual([]);
  expect(await fixture.db.run('SELECT * FROM webhooks')).toEqual([]);
});

test('a folder that is gone does not keep its project from being removed: it is said why the webhook stays', async () => {
  const [apiUrl, publicUrl] = [await github(), await listen()];
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const ports = portsOf(apiUrl, publicUrl);
  await registerWebhook(project, ports);
  const left = await webhookLeftBy({ ...project, path: `${project.path}-gone` }, ports);
  if (left === null) throw new Error('The project leaves no webhook.');
  const { signal } = new AbortController();
  await expect(takeAwayWebhook(left, { ...ports, signal })).rejects.toMatchObject({ code: 'folder-missing' });
});

/** A host that answers every request about webhooks so. */
async function answering(status: number, body: unknown): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each<[string, number, unknown, RegExp]>([
  [
    'may not',
    403,
    { message: 'Resource not accessible by personal access token' },
    /Resource not accessible/,
  ],
  ['does not see any', 404, { message: 'Not Found' }, /shows the token no webhooks/],
])(
  'a host that %s is named with what to do; its webhook is asked for again another day',
  async (_what, status, body, detail) => {
    const apiUrl = await answering(status, body);
    const project = await addProject(`${apiUrl}/octocat/hello.git`);
    await expect(
      registerWebhook(project, portsOf(apiUrl, 'https://ferry.example.org')),
    ).rejects.toMatchObject({
      ...{ code: 'webhook-refused', message: expect.stringMatching(detail) },
      action: expect.stringContaining('admin:repo_hook'),
    });
    expect(await webhookOf(project, fixture.db)).toMatchObject({
      state: 'refused',
      reason: { code: 'webhook-refused' },
    });
    expect((await shown(project)).webhook.health).toBe('refused');
  },
);

test('a webhook whose deliveries fail says so, and no longer counts as healthy', async () => {
  const url = 'https://ferry.example.org/api/webhooks/github?by=gitferry';
  const hook = { id: 7, active: true, events: ['push', 'repository'], config: { url } };
  const apiUrl = await answering(200, [
    { ...hook, last_response: { code: 502, status: 'invalid', message: 'Bad Gateway' } },
  ]);
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const found = await addKnownHook(project, url);
  const single = await answering(200, {
    ...hook,
    last_response: { code: 502, status: 'invalid', message: 'Bad Gateway' },
  });
  const ports = portsOf(single, 'https://ferry.example.org');
  await registerWebhook(project, { ...ports, hasApi: () => true });
  expect(found).toBe(7);
  expect(await webhookOf(project, fixture.db)).toMatchObject({
    failure: '502 Bad Gateway',
    failedAt: expect.any(Number),
  });
  expect((await shown(project)).webhook.health).toBe('failing');
});

/** As a registration has left it. */
async function addKnownHook({ projectId }: Project, url: string): Promise<number> {
  await fixture.db.run(
    `INSERT INTO webhooks(repository, full_name, hook_id, url, secret, state, last_delivery_at, created_at)
     SELECT lower(lock_key), 'octocat/hello', 7, :url, 'a-secret-of-this-one', 'registered', clock.now, 1
     FROM projects CROSS JOIN clock WHERE project_id = :projectId`,
    { projectId, url },
  );
  return 7;
}

test('the keeper registers by itself where there is a public address, and none that a person took away', async () => {
  const [apiUrl, publicUrl] = [await github(), await listen()];
  const project = await addProject(`${apiUrl}/octocat/hello.git`);
  const projects = createProjectTable();
  projects.put(project);
  const keeperOf = (url: string | null) =>
    createWebhookKeeper({ ...portsOf(apiUrl, url), clock: systemClock, log: silentLog, projects });
  await keeperOf(null)();
  expect(await hooksOf(apiUrl)).toEqual([]);
  await keeperOf(publicUrl)();
  expect(await hooksOf(apiUrl)).toHaveLength(1);
  await removeWebhook(project, portsOf(apiUrl, publicUrl));
  await keeperOf(publicUrl)();
  expect(await hooksOf(apiUrl)).toEqual([]);
});

test('a project on a host without a known API gets none', async () => {
  const project = await addProject('https://git.example.org/octocat/hello.git');
  expect(
    await registerWebhook(project, portsOf('http://127.0.0.1:1', 'https://ferry.example.org')),
  ).toBeNull();
  expect(await webhookOf(project, fixture.db)).toBeNull();
});

test('without a public address nothing is registered, and the fault says what to set', async () => {
  const project = await addProject('https://github.com/octocat/hello.git');
  await expect(registerWebhook(project, portsOf('http://127.0.0.1:1', null))).rejects.toMatchObject({
    ...{ code: 'public-url-missing', action: expect.stringContaining('SYNC_PUBLIC_URL') },
  });
});
