// `gitferry mcp` as a program of its own, asked by the SDK's client: it finds the service, and finds it again.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSyncAPI, type SyncApi } from '../../src/index.ts';
import { gitEnv } from '../support/git-repo.ts';
import { beginJourney, type Journey, projectFile, untilRemoteHas } from '../support/journey.ts';
import { moduleArgs, ROOT } from '../support/module-args.ts';

let journey: Journey;
const open: Client[] = [];

beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
  await journey.end();
});

async function connect(args: string[], env: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...moduleArgs(join(ROOT, 'src/main.ts')), 'mcp', ...args],
    env: { ...gitEnv(), HOME: journey.folder, ...env },
    cwd: ROOT,
  });
  await client.connect(transport);
  open.push(client);
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}) {
  const answer = await client.callTool({ name, arguments: args });
  const [first] = answer.content as { text: string }[];
  return {
    isError: answer.isError === true,
    text: first?.text ?? '',
    answer: answer.structuredContent as never,
  };
}

test('an assistant syncs a project, sees what was done, and brings a file back', async () => {
  const project = await journey.addProject('blog');
  const schedule = { quietMs: 100, minIntervalMs: 0 };
  await project.repo.write('project.json', projectFile(schedule, { mode: 'snapshot' }));
  await project.repo.git('commit', '--quiet', '--all', '--message', 'snapshots');
  await project.repo.git('push', '--quiet', 'origin', 'main');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('blog', 'safe');
  const client = await connect(['--db', join(journey.dataDir, 'queue.db')]);
  expect((await call(client, 'why_blocked')).answer).toEqual({ allSafe: true, explanations: [] });

  await project.repo.write('post.md', 'hello\n');
  expect((await call(client, 'trigger_sync', { projectId: 'blog' })).isError).toBe(false);
  await untilRemoteHas(journey, project, 'post.md', 'hello\n', { branch: 'auto/main' });
  await service.untilState('blog', 'safe');
  const { snapshots } = (await call(client, 'list_snapshots', { projectId: 'blog' })).answer as {
    snapshots: { id: string }[];
  };
  await project.repo.write('post.md', 'spoilt\n');
  const from = { projectId: 'blog', snapshot: snapshots[0]?.id, paths: ['post.md'] };
  expect((await call(client, 'restore', from)).answer).toMatchObject({ restored: ['post.md'], skipped: [] });
  expect(await readFile(join(project.path, 'post.md'), 'utf8')).toBe('hello\n');
  const { history } = (await call(client, 'sync_history', { projectId: 'blog', limit: 1 })).answer as {
    history: { status: string }[];
  };
  expect(history).toHaveLength(1);

  // A service that stopped is said; one that is started again is found, with its new token and address.
  await service.stop();
  const gone = await call(client, 'list_projects');
  expect(gone).toMatchObject({ isError: true, text: expect.stringContaining('(service-stopped)') });
  const second = await journey.start();
  await second.untilState('blog', 'safe');
  expect((await call(client, 'list_projects')).answer).toMatchObject({ projects: [{ projectId: 'blog' }] });
});

test('a service at an address is asked with the token of the environment', async () => {
  const token = 'correct-horse-battery-staple';
  const api: SyncApi = await createSyncAPI({
    port: 0,
    apiToken: token,
    schedulerOptions: { dbPath: join(journey.folder, 'other.db') },
  });
  try {
    const client = await connect(['--url', api.url], { SYNC_API_TOKEN: token });
    expect((await call(client, 'service_status')).answer).toMatchObject({
      status: { serviceRunning: false },
    });
    const stranger = await connect(['--url', api.url]);
    expect(await call(stranger, 'service_status')).toMatchObject({
      isError: true,
      text: expect.stringContaining('(unauthorized)'),
    });
  } finally {
    await api.stop();
  }
});
