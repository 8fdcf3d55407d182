// A project with a real remote and the real service on it: what every journey begins with.

import { join } from 'node:path';
import { createGitRepo, type GitRepo, runGit } from './git-repo.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { createTempFolder, type RunningService, type ServiceOptions, startService } from './service.ts';

export type Journey = Awaited<ReturnType<typeof beginJourney>>;

export type JourneyProject = {
  repo: GitRepo;
  path: string;
  remotePath: string;
  remoteUrl: string;
  id: string;
};

/** Settings that make a journey quick and leave what it proves as it is. */
const QUICK = { SYNC_RETRY_DELAY: '200', SYNC_RATE_LIMIT_DELAY: '500', SYNC_FSYNC: 'false' };

export async function beginJourney(options: { env?: Record<string, string> } = {}) {
  const folder = await createTempFolder();
  const server: GitServer = await startGitServer();
  const services: RunningService[] = [];
  const env = { ...QUICK, ...options.env };

  /** A repository with one commit, a remote that is still empty, and a quiet period of 100 ms unless `schedule` says. */
  async function addProject(
    id: string,
    files: Record<string, string> = { 'README.md': '# hello\n' },
    schedule: Partial<Schedule> = {},
  ): Promise<JourneyProject> {
    const remote = await server.createRepo(id);
    const path = join(folder.path, id);
    const repo = await createGitRepo({ path });
    await repo.git('config', 'user.name', 'Ada Author');
    await repo.git('config', 'user.email', 'ada@example.com');
    await repo.git('remote', 'add', 'origin', remote.url);
    for (const [name, text] of Object.entries(files)) await repo.write(name, text);
    await repo.write('project.json', projectFile({ quietMs: 100, minIntervalMs: 0, ...schedule }));
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', 'begin');
    return { repo, path, remotePath: remote.path, remoteUrl: remote.url, id };
  }

  return {
    folder: folder.path,
    dataDir: join(folder.path, '.data'),
    server,
    addProject,
    async start(more: Partial<ServiceOptions> = {}): Promise<RunningService> {
      const service = await startService({
        dataDir: join(folder.path, '.data'),
        ...more,
        env: { ...env, ...more.env },
      });
      services.push(service);
      return service;
    },
    async end(): Promise<void> {
      for (const service of services) await service.stop();
      await server.stop();
      await folder.remove();
    },
  };
}

export type Dice = { seed: number; below(limit: number): number; pick<T>(items: readonly T[]): T };

/** Random choices that can be made again: the seed is printed, and `GITFERRY_TEST_SEED` sets it. */
export function throwDice(journeyName: string): Dice {
  const seed = Number(process.env.GITFERRY_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${journeyName}: GITFERRY_TEST_SEED=${seed}`);
  return diceOf(seed);
}

export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { seed, below, pick: (items) => items[below(items.length)] as never };
}

/** 1, or what `GITFERRY_TEST_LENGTH` says: how much longer, or shorter, random journeys shall be. */
export const LENGTH = Number(process.env.GITFERRY_TEST_LENGTH ?? 1);

type Schedule = { quietMs: number; minIntervalMs: number; maxWaitMs?: number };

export function projectFile(schedule: Schedule, github: object = {}): string {
  const settings = { version: 2, github: { enabled: true, syncBranches: ['*'], schedule, ...github } };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

/** The remote's copy of a file on a branch; null when it is not there. */
export async function remoteFile(
  project: JourneyProject,
  file: string,
  branch = 'main',
): Promise<string | null> {
  try {
    return (await runGit(['show', `${branch}:${file}`], { cwd: project.remotePath })).toString();
  } catch {
    return null;
  }
}

/** Waits until the remote's branch holds this content in this file, and answers the tip. */
export async function untilRemoteHas(
  journey: Pick<Journey, 'server'>,
  project: JourneyProject,
  file: string,
  content: string | null,
  { branch = 'main', limitMs = 40_000 } = {},
): Promise<string> {
  await journey.server.waitFor(async () => {
    const there = await journey.server.refOf(project.remotePath, `refs/heads/${branch}`);
    return there !== null && (await remoteFile(project, file, branch)) === content;
  }, limitMs);
  return (await journey.server.refOf(project.remotePath, `refs/heads/${branch}`)) as string;
}

/** Both sides are healthy, equal, and nothing is left to commit. */
export async function expectTwins(project: JourneyProject, branch = 'main'): Promise<void> {
  const local = (await project.repo.git('rev-parse', `refs/heads/${branch}`)).trim();
  const remote = (await runGit(['rev-parse', `refs/heads/${branch}`], { cwd: project.remotePath }))
    .toString()
    .trim();
  const status = await project.repo.git('status', '--porcelain');
  await project.repo.git('fsck', '--strict', '--no-dangling');
  await runGit(['fsck', '--strict', '--no-dangling'], { cwd: project.remotePath });
  if (local !== remote) throw new Error(`The remote's ${branch} is ${remote}, the local one ${local}.`);
  if (status !== '') throw new Error(`git status is not clean:\n${status}`);
}
