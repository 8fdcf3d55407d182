import { afterEach, expect, test } from 'vitest';
import { createMcpEngine } from '../../../src/git/mcp/mcp-engine.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { probeRepository } from '../../../src/git/probe/probe.ts';
import { createBuiltinEngine } from '../../../src/git/sync/builtin-engine.ts';
import { openSameTools } from '../../../src/git/sync/integration-tools.ts';
import type { SyncPorts } from '../../../src/git/sync/sync-ports.ts';
import type { SyncWork } from '../../../src/git/sync/sync-work.ts';
import { createSystemEngine } from '../../../src/git/system/system-engine.ts';
import { systemClock, systemRandom } from '../../../src/host/clock.ts';
import { createGitRepo, gitEnv } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const remote = { name: 'origin', url: 'https://example.com/a.git', host: 'example.com', tracked: false };

test.each([
  ['builtin', 'builtin', 'builtin'],
  ['builtin', 'git', 'git'],
  // An MCP client's tools write no files: the journal of such a project says "builtin".
  ['mcp', 'builtin', 'builtin'],
  ['mcp', 'git', 'git'],
  ['git', 'git', 'git'],
  // The system's git reads whatever the built-in engine wrote.
  ['git', 'builtin', 'git'],
] as const)('with the engine %s, a move that %s began is ended by %s', async (name, by, expected) => {
  const git = await createGitRepo();
  await git.write('a.txt', 'a\n');
  await git.git('add', '--all');
  await git.git('commit', '--quiet', '--message', 'a');
  const env = gitEnv();
  const probe = await probeRepository({ worktree: git.path, env, homeDir: '', now: Date.now() });
  if (probe.kind === 'blocked') throw new Error(probe.reason.detail);
  const objects = openObjects(probe.repo, { fsync: false });
  cleanUps.push(git.remove, () => objects.close());
  const ports = { clock: systemClock, random: systemRandom, env, fsync: () => false } as SyncPorts;
  const all = { ...ports, credentialFor: async () => null };
  const client = { listTools: () => Promise.reject(), callTool: () => Promise.reject() };
  const engines = {
    builtin: () => createBuiltinEngine(probe, objects, all),
    git: () => createSystemEngine({ probe, objects, reason: '' }, all),
    mcp: () => createMcpEngine({ probe, objects, client }, all),
  };
  const { signal } = new AbortController();
  const work = { worktree: git.path, probe, objects, signal, engine: engines[name]() } as SyncWork;
  expect((await openSameTools(by, work, remote, all)).name).toBe(expected);
});
