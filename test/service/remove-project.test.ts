// Forgetting a project, on a whole service in this process: at once, whatever its host does; what stays there is told.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSyncAPI, type FeedEvent, type SyncApi } from '../../src/index.ts';
import { until } from '../http/feed-client.ts';
import { type HostApi, startHostApi } from '../support/host-api.ts';
import { beginJourney, type Journey } from '../support/journey.ts';

let journey: Journey;
let host: HostApi;
let api: SyncApi;
let events: FeedEvent[];
let path: string;

beforeEach(async () => {
  [journey, host, events] = [await beginJourney(), await startHostApi(), []];
  const { remoteUrl, ...project } = await journey.addProject('octo/blog');
  path = project.path;
  const name = new URL(remoteUrl).host;
  api = await createSyncAPI({
    ...{ port: 0, roots: [], publicUrl: 'https://ferry.example.org', pollIntervalMs: 0 },
    ...{ githubApis: { [name]: host.url }, tokens: { [name]: 'a-token' } },
    schedulerOptions: { dbPath: `${journey.dataDir}/queue.db` },
  });
  api.on((event) => events.push(event));
  host.deliverTo('https://ferry.example.org/api/webhooks/github?by=gitferry');
  expect((await ask('POST', '/api/sync/projects', { path })).status).toBe(201);
  const { data } = await ask('POST', '/api/sync/projects/blog/webhook');
  expect(data.webhook).toMatchObject({ health: 'waiting', hookId: 7 });
});
afterEach(async () => {
  await api.stop();
  await host.stop();
  await journey.end();
});

async function ask(method: string, path: string, body?: unknown) {
  const headers = { 'content-type': 'application/json' };
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await fetch(`${api.url}${path}`, init);
  // biome-ignore lint/suspicious/noExplicitAny: the wire's shape is what is tested
  return { status: response.status, data: (await response.json()) as any };
}
const deletions = () => host.requests.filter(({ method }) => method === 'DELETE');
const told = () =>
  events.find(({ type, data }) => type === 'notice' && /stays on its host/.test(String(data.detail)));

test('a host that hangs does not keep a project; its webhook goes when the host answers', async () => {
  host.hold();
  expect((await ask('DELETE', '/api/sync/projects/blog')).status).toBe(200);
  expect((await ask('GET', '/api/sync/projects/blog')).status).toBe(404);
  await until(() => deletions().length === 1);
  expect(deletions()[0]?.path).toBe('/repos/octo/blog/hooks/7');
  host.release();
  // Nothing is known of it any more when the project comes back.
  await ask('POST', '/api/sync/projects', { path });
  const webhook = async () => (await ask('GET', '/api/sync/projects/blog/webhook')).data.webhook;
  await expect.poll(webhook, { timeout: 20_000 }).toBeNull();
  expect(told()).toBeUndefined();
});

test('a service that ends meanwhile does not wait for the host, and tells what stays there', async () => {
  host.hold();
  await ask('DELETE', '/api/sync/projects/blog');
  await until(() => deletions().length === 1);
  await api.stop();
  await api.stop();
  host.release();
  expect(told()?.data).toMatchObject({ code: 'aborted', action: expect.stringContaining('by=gitferry') });
});

test('a host that refuses is told of, with what to do there', async () => {
  host.refuse(403, { message: 'Resource not accessible by personal access token' });
  expect((await ask('DELETE', '/api/sync/projects/blog')).status).toBe(200);
  await until(() => told() !== undefined);
  expect(told()?.data).toMatchObject({
    code: 'webhook-refused',
    detail: expect.stringMatching(/Resource not/),
  });
  expect((await ask('GET', '/api/sync/projects')).data.projects).toEqual([]);
});
