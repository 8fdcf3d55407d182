// Who brings a saved file to the remote: our service, git's own commands, gitwatch, plain isomorphic-git. Each works in
// a process of its own, on a repository of its own, against the same server.

import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { gitEnv } from '../../test/support/git-repo.ts';
import { builtPath } from '../../test/support/module-args.ts';
import { startService } from '../../test/support/service.ts';
import { watchesOf } from './process-memory.ts';
import type { Sample } from './sample-repositories.ts';

export type Contender = {
  name: string;
  /** A process that lives from the first save to the last; null: programs that are run for each. */
  pid: number | null;
  /** Set by the wait for more changes; taken off the time. */
  quietMs: number;
  /** Does what has to be done after the file was written; a service that watches does nothing here. */
  act(filepath: string): Promise<void>;
  /** Resolves when it has come to rest. */
  settle(): Promise<void>;
  stop(): Promise<void>;
};

const QUIET_MS = 100;

export async function startOurs(sample: Sample, dataDir: string): Promise<Contender> {
  const service = await startService({ folders: [sample.repo.path], dataDir, env: { SYNC_FSYNC: 'false' } });
  const id = await service.until('a project', async () => {
    const { body } = await service.api('GET', '/api/sync/projects');
    return body.projects[0]?.projectId as string | undefined;
  });
  const settle = async () => void (await service.untilState(id, 'safe', 120_000));
  await settle();
  return {
    name: 'gitferry',
    pid: service.pid,
    quietMs: QUIET_MS,
    act: async () => {},
    settle,
    stop: async () => void (await service.stop()),
  };
}

export async function startGit({ repo }: Sample): Promise<Contender> {
  return {
    name: 'git',
    pid: null,
    quietMs: 0,
    async act() {
      await repo.git('add', '--all');
      await repo.git('commit', '--quiet', '--message', 'Update a file');
      await repo.git('push', '--quiet', 'origin', 'main');
    },
    settle: async () => {},
    stop: async () => {},
  };
}

/** The commands that gitwatch runs when its wait is over, where gitwatch itself is missing: no shell, no inotifywait. */
export async function startLikeGitwatch({ repo }: Sample): Promise<Contender> {
  return {
    name: 'like gitwatch',
    pid: null,
    quietMs: 0,
    async act() {
      if ((await repo.git('status', '-s')) === '') throw new Error('there is nothing to commit');
      await repo.git('add', '--all', '.');
      await repo.git('commit', '-m', 'Scripted auto-commit on change');
      await repo.git('push', 'origin', 'main');
    },
    settle: async () => {},
    stop: async () => {},
  };
}

/** Null where gitwatch or what it needs is missing. */
export async function startGitwatch({ repo }: Sample, script: string): Promise<Contender | null> {
  const isThere = (program: string) => {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  if (!isThere('inotifywait') || !isThere('bash')) return null;
  const child = spawn(
    'bash',
    [script, '-s', String(QUIET_MS / 1000), '-r', 'origin', '-b', 'main', repo.path],
    {
      env: gitEnv(),
      stdio: ['ignore', 'ignore', 'pipe'],
      // A group of its own, so that its watcher ends with it.
      detached: true,
    },
  );
  await untilWatching(child);
  return {
    name: 'gitwatch',
    pid: child.pid ?? null,
    quietMs: QUIET_MS,
    act: async () => {},
    async settle() {
      // It tells nothing: its work is over when git has nothing left to say.
      while ((await repo.git('status', '--short')) !== '')
        await new Promise((resolve) => setTimeout(resolve, 20));
    },
    async stop() {
      const closed = once(child, 'close');
      process.kill(-(child.pid as number), 'SIGKILL');
      await closed;
    },
  };
}

/** It tells nothing, so its watches are counted until no more come. */
async function untilWatching(child: ChildProcess): Promise<void> {
  for (let before = 0, rests = 0; rests < 5; ) {
    if (child.exitCode !== null) throw new Error(`gitwatch ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const count = watchesOfGroup(child.pid as number);
    rests = count > 0 && count === before ? rests + 1 : 0;
    before = count;
  }
}

function watchesOfGroup(group: number): number {
  try {
    const found = execFileSync('pgrep', ['-g', String(group), '-x', 'inotifywait']);
    const [pid] = found.toString().trim().split('\n');
    return watchesOf(Number(pid)) ?? 0;
  } catch {
    return 0; // not started yet
  }
}

export async function startIsomorphic({ repo }: Sample): Promise<Contender> {
  const worker = fileURLToPath(new URL('./isomorphic-worker.ts', import.meta.url));
  const child = fork(builtPath(worker));
  await once(child, 'message');
  return {
    name: 'isomorphic-git',
    pid: child.pid ?? null,
    quietMs: 0,
    async act(filepath) {
      child.send({ dir: repo.path, filepath });
      const [answer] = await once(child, 'message');
      if (answer !== 'done') throw new Error(`isomorphic-git ${answer}`);
    },
    settle: async () => {},
    async stop() {
      const closed = once(child, 'close');
      child.kill();
      await closed;
    },
  };
}
