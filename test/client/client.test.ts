// The client against the real API on a real port.

import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClientError, createClient, everyPage } from '../../src/client/index.ts';
import { createFixture, type Fixture, TOKEN } from '../http/api-fixture.ts';
import { listen } from '../http/feed-client.ts';

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;

beforeEach(async () => {
  api = await createFixture();
  server = await listen(api);
});
afterEach(async () => {
  await server.close();
  await api.close();
});

async function refusal(answer: Promise<unknown>): Promise<ClientError> {
  const error = await answer.then(
    () => expect.fail('it was not refused'),
    (refused: unknown) => refused,
  );
  expect(error).toBeInstanceOf(ClientError);
  return error as ClientError;
}

test('answers come as the API gives them', async () => {
  await api.addProject('blog');
  const client = createClient({ url: `${server.url}/` });
  expect(client.url).toBe(server.url);
  expect((await client.status()).status).toMatchObject({ serviceRunning: true, projects: { total: 1 } });
  const { job } = await client.triggerProject('blog', { immediate: true, priority: 10 });
  expect(job).toMatchObject({ projectId: 'blog', priority: 10 });
  expect((await client.queue()).queue).toHaveLength(1);
  expect((await client.deleteHistory({ olderThanDays: 0, projectId: 'blog' })).deleted).toBe(0);
  const since = new Date(0);
  expect((await client.history({ since, until: '2030-01-01', limit: 5 })).history).toEqual([]);
  expect((await client.health()).status).toBe('ok');
});

test('pages are read to the end', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await api.addProject(name);
  const client = createClient({ url: server.url });
  const read: string[][] = [];
  for await (const { projects } of everyPage((cursor) =>
    client.projects({ limit: 2, ...(cursor && { cursor }) }),
  ))
    read.push(projects.map(({ projectName }) => projectName));
  expect(read).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test('a refusal says code, status, detail and each value that cannot be used', async () => {
  const client = createClient({ url: server.url });
  const unknown = await refusal(client.project('nobody'));
  expect(unknown).toMatchObject({ status: 404, code: 'project-not-found', errors: [] });
  expect(unknown.message).toBe(unknown.detail);
  expect(unknown.action).not.toBe('');
  const invalid = await refusal(client.trigger({ priority: 11 }));
  expect(invalid).toMatchObject({ status: 400, code: 'invalid-request' });
  expect(invalid.errors).toEqual([{ path: 'priority', message: expect.stringContaining('10') }]);
});

test('a service that is down is an answer of health()', async () => {
  const down = { ok: false, detail: 'no' };
  const ok = { ok: true, detail: 'yes' };
  api.service.health = async () => ({ database: down, scheduler: ok, watcher: ok, disk: ok });
  expect(await createClient({ url: server.url }).health()).toMatchObject({ success: false, status: 'down' });
});

test('the token goes with every call, and without it the refusal says so', async () => {
  api.access.apiToken = TOKEN;
  expect(await refusal(createClient({ url: server.url }).status())).toMatchObject({
    status: 401,
    code: 'unauthorized',
  });
  let asked = 0;
  const client = createClient({
    url: server.url,
    token: async () => {
      asked += 1;
      return TOKEN;
    },
  });
  await client.status();
  await client.queue();
  expect(asked).toBe(2);
});

test('no answer, a late one and one of something else are told apart', async () => {
  const nobody = createClient({ url: 'http://127.0.0.1:9' });
  expect(await refusal(nobody.status())).toMatchObject({ status: 0, code: 'no-answer' });

  const silent = createClient({
    url: server.url,
    fetch: (_url, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  });
  expect(await refusal(silent.status({ timeoutMs: 1 }))).toMatchObject({ status: 0, code: 'timed-out' });
  const given = new AbortController();
  const call = silent.status({ signal: given.signal });
  given.abort(new Error('no longer wanted'));
  await expect(call).rejects.toThrow('no longer wanted');

  const proxy = createClient({
    url: server.url,
    fetch: async () => new Response('<h1>Bad gateway', { status: 502 }),
  });
  expect(await refusal(proxy.status())).toMatchObject({ status: 502, code: 'unexpected-answer' });
  const page = createClient({ url: server.url, fetch: async () => new Response('<h1>Welcome') });
  expect(await refusal(page.status())).toMatchObject({ status: 200, code: 'unexpected-answer' });
  const busy = createClient({
    url: server.url,
    fetch: async () => new Response('', { status: 503, headers: { 'retry-after': '3' } }),
  });
  expect((await refusal(busy.status())).retryAfterMs).toBe(3_000);
});

test('what cannot be meant is refused before it is sent', async () => {
  expect(() => createClient({ url: 'localhost:3001' })).toThrow('http://localhost:3001');
  expect(() => createClient({ url: 'http://me:secret@localhost:3001' })).toThrow('use token');
  await expect(createClient({ url: server.url }).removeProject('')).rejects.toThrow('projectId');
});

test('a program that bundles the client gets nothing of the service', async () => {
  const { metafile } = await build({
    entryPoints: ['src/client/index.ts'],
    ...{ bundle: true, write: false, metafile: true, platform: 'browser', format: 'esm', minify: true },
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => !path.startsWith('src/client/'))).toEqual([]);
  const [{ bytes } = { bytes: Infinity }] = Object.values(metafile.outputs);
  expect(bytes).toBeLessThan(12_000);
});
