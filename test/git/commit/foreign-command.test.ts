// A person's git command that runs while a commit is made: the commit steps back, and the person keeps what they have.

import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { syncOnce } from '../../support/sync-once.ts';

let git: GitRepo;
beforeEach(async () => {
  git = await createGitRepo();
  await git.write('a.txt', 'one\n');
  await git.git('add', '--all');
  await git.git('commit', '--quiet', '--message', 'begin');
  await git.git('remote', 'add', 'origin', 'http://127.0.0.1:9/nothing.git');
});
afterEach(() => git.remove());

/** The last step before the index is locked. */
const PREPARED = { builtin: 'trees-written', git: 'commit-written' } as const;
const ENGINES = ['builtin', 'git'] as const;

/** Syncs, and at that step does what a person does. */
function sync(engine: (typeof ENGINES)[number], meanwhile: () => Promise<unknown> = async () => {}) {
  let isDone = false;
  return syncOnce({
    worktree: git.path,
    localOnly: true,
    github: GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], engine }),
    ports: {
      async faultPoint(name) {
        if (name !== PREPARED[engine] || isDone) return;
        isDone = true;
        await meanwhile();
      },
    },
  });
}

const head = () => git.git('rev-parse', 'HEAD');

test.each(ENGINES)(
  'a stash takes back what was about to be committed, and gives it back whole (%s)',
  async (engine) => {
    await git.write('a.txt', 'two\n');
    await git.write('new.txt', 'new\n');
    const before = await head();
    const { outcome } = await sync(engine, () => git.git('stash', 'push', '--quiet', '--include-untracked'));
    expect(outcome).toMatchObject({
      kind: 'failed',
      failure: { code: 'git-at-work', data: { retryAfterMs: 500 } },
    });
    expect(await head()).toBe(before);
    expect(await git.git('status', '--porcelain')).toBe('');
    await git.git('stash', 'pop', '--quiet');
    expect(await git.git('status', '--porcelain')).toBe(' M a.txt\n?? new.txt\n');
  },
);

test.each(ENGINES)(
  'a commit waits while a stash is under way, but not for what a killed one left (%s)',
  async (engine) => {
    const left = join(git.path, '.git/index.stash.4711');
    await writeFile(left, '');
    await git.write('a.txt', 'two\n');
    const before = await head();
    expect((await sync(engine)).outcome).toMatchObject({ kind: 'failed', failure: { code: 'git-at-work' } });
    expect(await head()).toBe(before);
    const longAgo = Date.now() / 1000 - 11;
    await utimes(left, longAgo, longAgo);
    expect((await sync(engine)).stats.commit).not.toBeNull();
  },
);

test.each(ENGINES)(
  'a change that a person undoes while it is committed stays undone (%s)',
  async (engine) => {
    await git.write('a.txt', 'two\n');
    const before = await head();
    const { outcome } = await sync(engine, () => git.git('reset', '--quiet', '--hard'));
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'git-at-work' } });
    expect(await head()).toBe(before);
    expect((await sync(engine)).stats.commit).toBeNull();
  },
);

test.each(ENGINES)(
  'a deletion that a person undoes while it is committed stays undone (%s)',
  async (engine) => {
    for (const name of ['b.txt', 'c.txt']) await git.write(name, name);
    await git.git('add', '--all');
    await git.git('commit', '--quiet', '--message', 'more');
    await git.git('rm', '--quiet', 'a.txt');
    const { outcome } = await sync(engine, () => git.git('reset', '--quiet', '--hard'));
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'git-at-work' } });
    expect(await git.git('ls-tree', '--name-only', 'HEAD')).toContain('a.txt');
  },
);

test.each(ENGINES)('a person staging something else meanwhile disturbs no commit (%s)', async (engine) => {
  await git.write('a.txt', 'two\n');
  await git.write('b.txt', 'b\n');
  const { stats } = await sync(engine, () => git.git('add', 'b.txt'));
  expect(stats).toMatchObject({ filesChanged: 2 });
  expect(await git.git('status', '--porcelain')).toBe('');
});
