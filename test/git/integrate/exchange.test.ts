import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { configOf } from '../../../src/git/config/config-values.ts';
import { fetchBranches } from '../../../src/git/fetch/fetch.ts';
import { conflictBranchName } from '../../../src/git/integrate/conflict-branch.ts';
import { integrateBranch } from '../../../src/git/integrate/integrate.ts';
import { resolveConflict } from '../../../src/git/integrate/resolve-conflict.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { listRefs, readHead } from '../../../src/git/refs/refs.ts';
import { pushBranch } from '../../../src/git/remote/push.ts';
import { createTransport } from '../../../src/git/remote/transport.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { systemClock, systemRandom } from '../../../src/host/clock.ts';
import { Failure } from '../../../src/model/failure.ts';
import { createGitRepo, type GitRepo, gitEnv } from '../../support/git-repo.ts';
import { startGitServer } from '../../support/git-server.ts';
import { pick, seededRandom } from '../../support/random-trees.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const BUSY_MACHINE_MS = 600_000;
const ROUNDS = 60;
const signal = new AbortController().signal;
const transport = createTransport({
  clock: systemClock,
  credentialFor: async () => null,
  userAgent: 'git/gitferry-test',
  idleTimeoutMs: 20_000,
});

type Machine = { name: string; git: GitRepo; url: string };
const figures = { 'fast-forward': 0, merge: 0, rebase: 0, conflict: 0 };

/** Fetch, bring together, push; a conflict goes to its own branch and is resolved as a person might. */
async function sync({ name, git, url }: Machine, random: () => number): Promise<void> {
  const repo = await openRepository(git.path);
  const objects = openObjects(repo, { fsync: false });
  try {
    const common = { repo, objects, clock: systemClock, random: systemRandom, fsync: false, signal };
    const haveTips = [...(await listRefs(repo, 'refs/')).values()];
    const tracking = { name: 'origin', who: 'T <t@example.com> 1700000000 +0000' };
    const env = gitEnv();
    const fetched = await fetchBranches({
      ...common,
      transport,
      url,
      branches: ['main'],
      haveTips,
      tracking,
      env,
    });
    const head = await readHead(repo);
    const theirs = fetched.tips.main;
    const push = (branch: string, tip: string) =>
      pushBranch({ ...common, transport, url, branch, tip, assumed: null, env });
    if (head.oid === null) throw new Error('HEAD has no commit');
    if (theirs) {
      const input = {
        ...common,
        head,
        branch: 'main',
        ours: head.oid,
        theirs,
        machineId: name,
        identity: { name, email: `${name}@example.com` },
        config: configOf([]),
        env,
        homeDir: '/nowhere',
      };
      let answer = await integrateBranch({ ...input, policy: name === 'desktop' ? 'rebase' : 'merge' });
      if (answer.kind === 'conflict') {
        figures.conflict++;
        expect(answer.files.length).toBeGreaterThan(0);
        await push(conflictBranchName(name, 'main'), head.oid).catch((error: unknown) => {
          // A branch left by an earlier conflict that went another way is not overwritten.
          if (!(error instanceof Failure) || error.code !== 'remote-diverged') throw error;
        });
        answer = await resolveConflict({
          ...input,
          seen: answer.files,
          choice: pick(random, ['mine', 'theirs', 'both'] as const),
        });
      }
      expect(['up-to-date', 'advanced']).toContain(answer.kind);
      if (answer.kind === 'advanced') figures[answer.how]++;
    }
    const { oid } = await readHead(repo);
    await push('main', oid as string);
  } finally {
    await objects.close();
  }
}

/** One save: a line added somewhere, a new file, now and then a deletion. Each leaves its mark in a line of its own. */
async function work({ name, git }: Machine, round: number, random: () => number): Promise<void> {
  const names = (await readdir(git.path)).filter((each) => each.endsWith('.txt'));
  const mark = `${name} ${round}\n`;
  const dice = random();
  if (dice < 0.3 || names.length < 3) {
    await git.write(`${name}-${round}.txt`, mark.repeat(3));
  } else if (dice < 0.4) {
    await rm(join(git.path, pick(random, names)));
  } else {
    const path = join(git.path, pick(random, names));
    const lines = (await readFile(path, 'utf8')).split('\n');
    lines.splice(Math.floor(random() * lines.length), Math.floor(random() * 2), mark.trimEnd());
    await writeFile(path, lines.join('\n'));
  }
  await git.git('add', '-A');
  await git.git('commit', '-q', '--allow-empty', '-m', `${name} ${round}`);
}

test(
  'two machines exchange many edits, and no commit of either is ever lost',
  async () => {
    const server = await startGitServer();
    cleanUps.push(server.stop);
    const { url, path: bare } = await server.createRepo('user/shared');
    const seed = await createGitRepo();
    await seed.write('shared.txt', Array.from({ length: 30 }, (_, n) => `line ${n}\n`).join(''));
    await seed.git('add', '-A');
    await seed.git('commit', '-qm', 'seed');
    await seed.git('push', '-q', url, 'main');
    const machines: Machine[] = [];
    for (const name of ['laptop', 'desktop']) {
      const git = await createGitRepo({ clone: url });
      cleanUps.push(git.remove);
      machines.push({ name, git, url });
    }
    cleanUps.push(seed.remove);
    const random = seededRandom(42);
    for (let round = 1; round <= ROUNDS; round++) {
      const machine = pick(random, machines);
      await work(machine, round, random);
      if (random() < 0.6) await sync(machine, random);
    }
    for (const machine of [...machines, ...machines]) await sync(machine, random);
    const tips = await Promise.all(machines.map(({ git }) => git.git('rev-parse', 'HEAD')));
    expect(new Set([...tips, `${await server.refOf(bare, 'refs/heads/main')}\n`]).size).toBe(1);
    // Every save's commit, also the ones that a rebase repeated, is in the history that all share.
    const subjects = new Set((await machines[0]?.git.git('log', '--format=%s'))?.split('\n'));
    for (const { name, git } of machines) {
      const made = (await git.git('reflog', '--format=%gs')).match(new RegExp(`${name} \\d+`, 'g')) ?? [];
      for (const subject of new Set(made)) expect(subjects).toContain(subject);
      expect(await git.git('status', '--porcelain')).toBe('');
      expect(await git.git('fsck', '--strict', '--no-dangling')).toBe('');
    }
    expect(figures['fast-forward']).toBeGreaterThan(0);
    expect(figures.merge + figures.rebase).toBeGreaterThan(5);
    expect(figures.conflict).toBeGreaterThan(0);
  },
  BUSY_MACHINE_MS,
);
