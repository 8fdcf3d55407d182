// The third engine: a real MCP server with git tools pushes to a real remote, and what it cannot do safely is refused.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createClient, type Client as GitferryClient } from '../../../src/client/index.ts';
import { createSyncAPI, type McpGitClient, type SyncApi } from '../../../src/index.ts';
import { createGitRepo, gitEnv } from '../../support/git-repo.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  projectFile,
  remoteFile,
  untilRemoteHas,
} from '../../support/journey.ts';

const SECRET = `token = ghp_${'a1B2c3D4e5F6'.repeat(3)}\n`;
const schedule = { quietMs: 50, minIntervalMs: 0 };

let mcp: Client;
let journey: Journey;
let api: SyncApi | undefined;
let client: GitferryClient;
const calls: { name: string; arguments: Record<string, unknown> }[] = [];
const watched: McpGitClient = {
  listTools: () => mcp.listTools(),
  callTool: (call, schema, options) => {
    calls.push(call);
    return mcp.callTool(call, schema, options);
  },
};

beforeAll(async () => {
  mcp = new Client({ name: 'test', version: '1' });
  const server = fileURLToPath(import.meta.resolve('@cyanheads/git-mcp-server'));
  const env = { ...gitEnv(), MCP_TRANSPORT_TYPE: 'stdio', MCP_LOG_LEVEL: 'error', GIT_SIGN_COMMITS: 'false' };
  await mcp.connect(
    new StdioClientTransport({ command: process.execPath, args: [server], env, stderr: 'ignore' }),
  );
});
afterAll(() => mcp?.close());
beforeEach(async () => {
  journey = await beginJourney();
  calls.length = 0;
});
afterEach(async () => {
  await api?.stop();
  api = undefined;
  await journey.end();
});

async function add(id: string, github: object = {}): Promise<JourneyProject> {
  const project = await journey.addProject(id);
  await project.repo.write('project.json', projectFile(schedule, { engine: 'mcp', ...github }));
  await project.repo.git('commit', '--quiet', '--all', '--message', 'by tools');
  return project;
}

async function start(mcpClient: McpGitClient | undefined = watched): Promise<void> {
  api = await createSyncAPI({
    port: 0,
    roots: [journey.folder],
    schedulerOptions: { dbPath: join(journey.dataDir, 'queue.db'), retryDelay: 200 },
    pollIntervalMs: 0,
    logLevel: 'silent',
    ...(mcpClient && { mcpClient }),
  });
  client = createClient({ url: api.url });
  await api.start();
}

/** Waits by the feed until the project is in this state. */
async function untilState(id: string, state: string) {
  const { nextSince } = await client.pollEvents();
  const look = async () => (await client.projects()).projects.find(({ projectId }) => projectId === id);
  let project = await look();
  if (project?.state === state) return project;
  for await (const _ of client.events({ since: nextSince, signal: AbortSignal.timeout(45_000) })) {
    project = await look();
    if (project?.state === state) return project;
  }
  throw new Error(`${id} did not become ${state}: ${JSON.stringify(project)}`);
}

test('a saved file is pushed by the tools: exactly the commit that was judged, never forced', async () => {
  const project = await add('blog');
  await start();
  const { engine } = await untilState('blog', 'safe');
  expect(engine).toEqual({ name: 'mcp', reason: expect.stringContaining('MCP client') });
  await project.repo.write('post.md', 'hello\n');
  const tip = await untilRemoteHas(journey, project, 'post.md', 'hello\n');
  await untilState('blog', 'safe');
  await expectTwins(project);
  const pushes = calls.filter(({ name }) => name === 'git_push');
  expect(pushes.at(-1)?.arguments).toEqual({
    path: project.path,
    remote: 'origin',
    branch: tip,
    remoteBranch: 'refs/heads/main',
  });
});

test('the guard holds: a secret stays here, the rest is pushed', async () => {
  const project = await add('notes');
  await start();
  await untilState('notes', 'safe');
  await project.repo.write('keys.txt', SECRET);
  await project.repo.write('post.md', 'hello\n');
  await untilRemoteHas(journey, project, 'post.md', 'hello\n');
  const { heldFiles } = await untilState('notes', 'safe');
  expect(heldFiles).toMatchObject([{ path: 'keys.txt', reason: 'secret' }]);
  expect(await remoteFile(project, 'keys.txt')).toBeNull();
});

test("others' work is merged and nothing of theirs is overwritten", async () => {
  const project = await add('team');
  await start();
  await untilState('team', 'safe');
  const other = await createGitRepo({ clone: project.remoteUrl });
  await other.write('theirs.md', 'theirs\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await project.repo.write('ours.md', 'ours\n');
  await untilRemoteHas(journey, project, 'ours.md', 'ours\n');
  await untilState('team', 'safe');
  expect(await remoteFile(project, 'theirs.md')).toBe('theirs\n');
  expect(calls.map(({ name }) => name)).toContain('git_fetch');
  await expectTwins(project);
  await other.remove();
});

test('what the tools do not push goes no other way', async () => {
  const project = await add('blog');
  let isOff = false;
  await start({
    listTools: watched.listTools,
    callTool: async (call, schema, options) =>
      isOff && call.name === 'git_push'
        ? { isError: true, content: [{ type: 'text', text: 'not today' }] }
        : watched.callTool(call, schema, options),
  });
  await untilState('blog', 'safe');
  const pushed = journey.server.requests.length;
  isOff = true;
  await project.repo.write('post.md', 'hello\n');
  await untilState('blog', 'retrying');
  expect(await project.repo.git('show', 'HEAD:post.md')).toBe('hello\n');
  expect(await remoteFile(project, 'post.md')).toBeNull();
  const uploads = journey.server.requests.slice(pushed).filter(({ method, path }) => {
    return method === 'POST' && path.endsWith('/git-receive-pack');
  });
  expect(uploads).toEqual([]);
});

test('what the tools cannot do safely is refused with the reason', async () => {
  const hooked = await add('hooked');
  await hooked.repo.write('.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n', 0o755);
  const unnamed = await add('unnamed');
  await unnamed.repo.git('remote', 'rename', 'origin', 'other');
  await unnamed.repo.git('config', 'remote.other.fetch', '+refs/heads/main:refs/remotes/other/main');
  const tagged = await add('tagged');
  await tagged.repo.git('config', 'push.followTags', 'true');
  await start();
  for (const [id, why] of [
    ['hooked', 'hook'],
    ['unnamed', 'tracks it'],
    ['tagged', 'push.followTags'],
  ] as const) {
    const { stateReason } = await untilState(id, 'blocked');
    expect(stateReason).toMatchObject({ code: 'mcp-git-refused', detail: expect.stringContaining(why) });
  }
  expect(calls).toEqual([]);
});

test('without an MCP client, or with one that has no git tools, it is said', async () => {
  await add('blog');
  const other = { listTools: async () => ({ tools: [{ name: 'git_push' }] }), callTool: watched.callTool };
  await expect(start(other)).rejects.toThrow('no git_fetch');
  api = await createSyncAPI({
    port: 0,
    roots: [journey.folder],
    schedulerOptions: { dbPath: join(journey.dataDir, 'queue.db') },
    logLevel: 'silent',
  });
  client = createClient({ url: api.url });
  await api.start();
  const { stateReason } = await untilState('blog', 'blocked');
  expect(stateReason).toMatchObject({ code: 'mcp-git-refused', detail: expect.stringContaining('without') });
});
