// The service as an MCP server over HTTP, asked by the SDK's own client: what tools answer, and who may use them.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_FACTS } from '../../src/model/project.ts';
import { saveFacts } from '../../src/store/projects.ts';
import { createFixture, type Fixture, TOKEN } from '../http/api-fixture.ts';
import { listen } from '../http/feed-client.ts';

let api: Fixture;
let server: Awaited<ReturnType<typeof listen>>;
const open: Client[] = [];

beforeEach(async () => {
  api = await createFixture();
  server = await listen(api);
});
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
  await server.close();
  await api.close();
});

async function connect(headers: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), {
    requestInit: { headers },
  });
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  open.push(client);
  return client;
}

type ToolAnswer = {
  isError?: boolean;
  content: { text: string }[];
  structuredContent?: Record<string, unknown>;
};

async function call(client: Client, name: string, args: Record<string, unknown> = {}) {
  const answer = (await client.callTool({ name, arguments: args })) as ToolAnswer;
  const text = answer.content[0]?.text ?? '';
  return { isError: answer.isError === true, text, answer: answer.structuredContent };
}

test('the tools say what they do, and which of them change something', async () => {
  const client = await connect();
  expect(client.getServerVersion()).toMatchObject({ name: 'gitferry', version: '0.1.0' });
  const { tools } = await client.listTools();
  const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint === true);
  expect(reading.map(({ name }) => name).sort()).toEqual([
    'compare_snapshot',
    'get_project',
    'held_files',
    'list_projects',
    'list_snapshots',
    'service_status',
    'sync_history',
    'why_blocked',
  ]);
  const others = tools.filter((tool) => !reading.includes(tool)).map(({ name }) => name);
  expect(others.sort()).toEqual(['pause_project', 'restore', 'resume_project', 'trigger_sync']);
  for (const { description, inputSchema } of tools) {
    expect(description).not.toBe('');
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
  }
});

test('projects are listed, looked at, synced, paused and resumed', async () => {
  await api.addProject('blog');
  await api.addProject('art', { enabled: false });
  const client = await connect();
  const listed = await call(client, 'list_projects');
  expect(listed.answer).toMatchObject({
    projects: [
      { projectId: 'art', state: 'disabled' },
      { projectId: 'blog', path: '/home/u/blog', heldFiles: 0 },
    ],
    nextCursor: null,
  });
  expect(JSON.parse(listed.text)).toEqual(listed.answer);
  const found = await call(client, 'list_projects', { query: 'blo' });
  expect(found.answer?.projects).toHaveLength(1);
  expect((await call(client, 'get_project', { projectId: 'blog' })).answer).toMatchObject({
    project: { projectId: 'blog', github: { enabled: true } },
  });
  const one = await call(client, 'trigger_sync', { projectId: 'blog', priority: 10 });
  expect(one.answer).toMatchObject({ job: { projectId: 'blog', priority: 10 } });
  expect((await call(client, 'trigger_sync')).answer).toMatchObject({
    scanned: 1,
    skipped: [{ projectId: 'art', reason: 'disabled' }],
  });
  expect((await call(client, 'pause_project', { projectId: 'blog' })).answer).toMatchObject({
    project: { state: 'paused' },
  });
  expect((await call(client, 'resume_project', { projectId: 'blog' })).answer).toMatchObject({
    project: { state: expect.not.stringMatching('paused') },
  });
  expect((await call(client, 'service_status')).answer).toMatchObject({
    status: { serviceRunning: true, projects: { total: 2 } },
  });
  expect((await call(client, 'sync_history', { projectId: 'blog' })).answer).toEqual({
    history: [],
    nextCursor: null,
  });
});

test('why_blocked tells the reason, the way out and what is held, and keeps the word of confirmation to itself', async () => {
  const { projectId } = await api.addProject('blog');
  const token = 'd'.repeat(64);
  await saveFacts(api.db, projectId, {
    ...NO_FACTS,
    heldFiles: [{ path: '.env', reason: 'denied-name', rule: '.env', oid: 'a'.repeat(40), sizeBytes: 3 }],
    refusedDeletions: { deleted: 40, tracked: 50, digest: token, root: '1:2', sample: ['a.md'] },
  });
  const client = await connect();
  const { answer, text } = await call(client, 'why_blocked');
  expect(answer).toMatchObject({
    allSafe: false,
    explanations: [
      {
        projectId: 'blog',
        heldFiles: [{ path: '.env', releasable: true, action: expect.stringContaining('release') }],
        deletionsThatWait: { deleted: 40, action: expect.any(String) },
      },
    ],
  });
  const held = await call(client, 'held_files', { projectId: 'blog' });
  expect(held.answer).toMatchObject({ held: [{ path: '.env' }], deletionsThatWait: { deleted: 40 } });
  expect(text + held.text).not.toContain(token);
});

test('what the API refuses is an error that says why, and a wrong argument never reaches it', async () => {
  const client = await connect();
  const unknown = await call(client, 'why_blocked', { projectId: 'nobody' });
  expect(unknown.isError).toBe(true);
  expect(unknown.text).toContain('There is no project "nobody".');
  expect(unknown.text).toContain('(project-not-found)');
  await api.addProject('blog');
  const restore = await call(client, 'restore', { projectId: 'blog', snapshot: 'none', paths: ['a'] });
  expect(restore).toMatchObject({ isError: true, text: expect.stringContaining('(snapshot-not-found)') });
  const wrong = await call(client, 'trigger_sync', { priority: 11 });
  expect(wrong).toMatchObject({ isError: true, text: expect.stringContaining('priority') });
  const extra = await call(client, 'service_status', { verbose: true });
  expect(extra).toMatchObject({ isError: true, text: expect.stringContaining('verbose') });
});

test('the rules of the API hold: token, role of each tool, origin, name, method', async () => {
  api.access.apiToken = TOKEN;
  const admin = { authorization: `Bearer ${TOKEN}` };
  await expect(connect()).rejects.toThrow(/valid token/);
  const added = await api.send('POST', '/api/sync/tokens', { name: 'assistant', role: 'viewer' }, admin);
  const viewer = await connect({ authorization: `Bearer ${added.body.secret}` });
  await api.addProject('blog');
  expect((await call(viewer, 'list_projects')).isError).toBe(false);
  const refused = await call(viewer, 'trigger_sync', { projectId: 'blog' });
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('"assistant" is viewer') });
  expect((await call(await connect(admin), 'trigger_sync', { projectId: 'blog' })).isError).toBe(false);

  const { body } = await api.get('/api/sync/audit', admin);
  const recorded = body.entries.map(({ actor, route, status }: never) => [
    (actor as { name: string }).name,
    route,
    status,
  ]);
  expect(recorded.slice(0, 2)).toEqual([
    ['admin', '/api/sync/trigger/{projectId}', 202],
    ['assistant', '/api/sync/trigger/{projectId}', 403],
  ]);
  expect(body.entries.filter(({ route }: { route: string }) => route === '/mcp')).toEqual([]);

  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const accept = { accept: 'application/json, text/event-stream' };
  const post = async (headers: Record<string, string>, message: unknown = list) =>
    (await api.send('POST', '/mcp', message, { ...accept, ...admin, ...headers })).status;
  expect(await post({})).toBe(200);
  expect(await post({ origin: 'http://evil.example' })).toBe(403);
  expect(await post({ origin: 'http://localhost:3000' })).toBe(200);
  expect(await post({ host: 'rebound.example' })).toBe(403);
  expect(await post({}, { jsonrpc: '2.0', method: 'notifications/initialized' })).toBe(202);
  expect(await post({}, { not: 'a message' })).toBe(400);
  expect((await api.get('/mcp', admin)).headers.get('allow')).toBe('POST');
  const large = await api.send('POST', '/mcp', { padding: 'x'.repeat(1024 * 1024) }, { ...accept, ...admin });
  expect(large.status).toBe(413);
});
