// What the snapshot tests share: a real repository, a guard that holds `*.secret`, and what git says of it all.

import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProtectInput, SnapshotPorts } from '../../../src/git/snapshot/protect.ts';
import { protect } from '../../../src/git/snapshot/protect.ts';
import { systemRandom } from '../../../src/host/clock.ts';
import { createGitRepo, type GitRepo, gitEnv, runGit } from '../../support/git-repo.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

/** 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000;

export type Bench = {
  git: GitRepo;
  path: string;
  clock: ManualClock;
  ports: SnapshotPorts;
  input: ProtectInput;
  /** The id of the snapshot that was taken; fails when none was. */
  snapshot(more?: Partial<ProtectInput>): Promise<string>;
};

export async function createBench(): Promise<Bench> {
  const git = await createGitRepo();
  await git.git('config', 'user.name', 'Ada Author');
  await git.git('config', 'user.email', 'ada@example.com');
  const clock = createManualClock(START_MS);
  const ports = portsWith(clock);
  const input: ProtectInput = {
    worktree: git.path,
    github: {},
    machineId: 'laptop',
    signal: new AbortController().signal,
  };
  return {
    ...{ git, path: git.path, clock, ports, input },
    async snapshot(more = {}) {
      const answer = await protect({ ...input, always: true, ...more }, ports);
      if (answer.kind !== 'taken') throw new Error(`No snapshot: ${JSON.stringify(answer)}`);
      return answer.snapshot.oid;
    },
  };
}

export function portsWith(clock: SnapshotPorts['clock']): SnapshotPorts {
  return {
    guard: async ({ files }) => ({
      held: files
        .filter(({ path, kind }) => path.endsWith('.secret') && kind !== 'deleted')
        .map(({ path }) => ({ path, reason: 'secret' as const, rule: 'test' })),
      massDeletion: null,
    }),
    clock,
    random: systemRandom,
    env: gitEnv(),
    homeDir: '/nonexistent',
    fsync: () => false,
  };
}

/** The tree that git makes of the whole work tree, by an index of its own. */
export async function treeByGit(path: string): Promise<string> {
  const env = { GIT_INDEX_FILE: join(path, '.git', 'index-of-the-test') };
  await runGit(['read-tree', '--empty'], { cwd: path, env });
  await runGit(['add', '-A'], { cwd: path, env });
  return (await runGit(['write-tree'], { cwd: path, env })).toString().trim();
}

/** Index, HEAD, branches but `auto/`, and every file with content, mode and times: what a snapshot must not change. */
export async function everythingElse(path: string): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  const hash = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
  for (const name of ['index', 'HEAD', 'MERGE_HEAD', 'ORIG_HEAD', 'config', 'logs/HEAD']) {
    const bytes = await readFile(join(path, '.git', name)).catch(() => null);
    if (bytes) seen[`.git/${name}`] = `${hash(bytes)} ${(await lstat(join(path, '.git', name))).mtimeMs}`;
  }
  const heads = await runGit(['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: path });
  seen.refs = heads
    .toString()
    .split('\n')
    .filter((line) => !line.startsWith('refs/heads/auto/'))
    .join('\n');
  for (const name of (await readdir(path, { recursive: true })).sort()) {
    if (name === '.git' || name.startsWith('.git/')) continue;
    const stats = await lstat(join(path, name), { bigint: true });
    const content = stats.isFile()
      ? hash(await readFile(join(path, name)))
      : stats.isSymbolicLink()
        ? await readlink(join(path, name))
        : '';
    seen[name] = [content, stats.mode, stats.mtimeNs, stats.ctimeNs, stats.ino].join(' ');
  }
  return seen;
}
