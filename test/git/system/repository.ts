// A repository with a remote that only the system's git may touch, and one sync of it. Knows no test framework.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from '../../../src/git/remote/transport.ts';
import type { ChangeGuard, SyncPorts } from '../../../src/git/sync/sync-ports.ts';
import { syncProject } from '../../../src/git/sync/sync-project.ts';
import type { SyncAnswer } from '../../../src/git/sync/sync-work.ts';
import { systemClock, systemRandom } from '../../../src/host/clock.ts';
import { silentLog } from '../../../src/host/log.ts';
import type { Content } from '../../../src/model/content.ts';
import { NO_FACTS, NO_RELEASES, type ProjectFacts } from '../../../src/model/project.ts';
import { type GithubConfig, GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, type GitRepo, gitEnv, runGit } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';

export type Row = Awaited<ReturnType<typeof openRow>>;

/** A guard that lets all through and remembers what it was shown. */
function openGuard() {
  const seen = new Map<string, string>();
  const guard: ChangeGuard = async ({ files, read }) => {
    for (const { path, kind, oid } of files) {
      if (kind !== 'deleted') seen.set(path, await textOf(await read(path, oid)));
    }
    return { held: [], massDeletion: null };
  };
  return { seen, guard };
}

async function textOf(content: Content): Promise<string> {
  if (content instanceof Uint8Array) return Buffer.from(content).toString('latin1');
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

/** One commit with README.md, pushed by the first sync. Call `end()` when done. */
export async function openRow(options: { files?: Record<string, string> } = {}) {
  const server: GitServer = await startGitServer();
  const home = await mkdtemp(join(tmpdir(), 'gitferry-home-'));
  const remote = await server.createRepo('row');
  const repo: GitRepo = await createGitRepo();
  await repo.git('remote', 'add', 'origin', remote.url);
  await repo.git('config', 'user.name', 'Ada Author');
  await repo.git('config', 'user.email', 'ada@example.com');
  for (const [name, text] of Object.entries({ 'README.md': '# hello\n', ...options.files })) {
    await repo.write(name, text);
  }
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  const { seen, guard } = openGuard();
  let facts: ProjectFacts = NO_FACTS;

  async function sync(
    input: {
      github?: Partial<GithubConfig>;
      ports?: Partial<SyncPorts>;
      path?: string;
      signal?: AbortSignal;
      askRemote?: boolean;
    } = {},
  ): Promise<SyncAnswer> {
    const env = { ...gitEnv(), HOME: home };
    const ports: SyncPorts = {
      transport: createTransport({
        clock: systemClock,
        credentialFor: async () => null,
        userAgent: 'git/gitferry-test',
        idleTimeoutMs: 20_000,
      }),
      credentialFor: async () => null,
      guard,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      env,
      homeDir: home,
      pid: process.pid,
      allowMessageCommands: () => false,
      fsync: () => false,
      ...input.ports,
    };
    const github = GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], ...input.github });
    const answer = await syncProject(
      {
        worktree: input.path ?? repo.path,
        github,
        facts,
        dirty: 'all',
        conflictChoice: null,
        releases: NO_RELEASES,
        askRemote: input.askRemote ?? false,
        machineId: 'laptop',
        signal: input.signal ?? new AbortController().signal,
      },
      ports,
    );
    facts = answer.facts;
    return answer;
  }

  return {
    server,
    home,
    repo,
    remote,
    seen,
    sync,
    hook: (name: string, script: string) => repo.write(`.git/hooks/${name}`, `#!/bin/sh\n${script}\n`, 0o755),
    /** What the remote has in a file of main. */
    there: async (file: string): Promise<string> =>
      (await runGit(['show', `main:${file}`], { cwd: remote.path })).toString('latin1'),
    /** Remote and local main are one, both are sound, nothing is left to commit. */
    async expectSafe(path = repo.path, branch = 'main') {
      const tip = async (cwd: string) => (await runGit(['rev-parse', branch], { cwd })).toString();
      const [here, there] = [await tip(path), await tip(remote.path)];
      if (here !== there) throw new Error(`main is ${here} here and ${there} there`);
      await runGit(['fsck', '--strict', '--no-dangling'], { cwd: path });
      await runGit(['fsck', '--strict', '--no-dangling'], { cwd: remote.path });
      const status = (await runGit(['status', '--porcelain'], { cwd: path })).toString();
      if (status !== '') throw new Error(`git status is not clean: ${status}`);
    },
    async end() {
      await server.stop();
      await repo.remove();
      await rm(home, { recursive: true, force: true });
    },
  };
}
