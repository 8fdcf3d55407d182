// Whole syncs that end in a snapshot branch: what reaches the remote, and what is said when it does not.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChangeGuard } from '../../../src/git/sync/sync-ports.ts';
import type { Reason } from '../../../src/model/failure.ts';
import { runGit } from '../../support/git-repo.ts';
import { createRealGuard } from '../../support/real-guard.ts';
import { openRow, type Row } from '../system/repository.ts';
import { everythingElse } from './bench.ts';

let row: Row;
beforeEach(async () => {
  row = await openRow();
});
afterEach(() => row.end());

const git = (...args: string[]) => row.repo.git(...args);
const there = async (spec: string): Promise<string> =>
  (await runGit(['show', spec], { cwd: row.remote.path })).toString('latin1');
const branchesThere = async () =>
  (await runGit(['for-each-ref', '--format=%(refname:short)'], { cwd: row.remote.path }))
    .toString()
    .trim()
    .split('\n');
const SNAPSHOT = { github: { mode: 'snapshot' } } as const;

async function makeConflict(): Promise<void> {
  await git('switch', '-qc', 'other');
  await row.repo.write('README.md', 'theirs\n');
  await git('commit', '-qam', 'theirs');
  await git('switch', '-q', 'main');
  await row.repo.write('README.md', 'ours\n');
  await git('commit', '-qam', 'ours');
}

test('mode snapshot: a snapshot whose push failed is no safe one, and the next sync pushes it', async () => {
  await row.repo.write('a.txt', 'work\n');
  await git('remote', 'set-url', 'origin', 'http://127.0.0.1:1/nothing.git');
  const failed = await row.sync(SNAPSHOT);
  expect(failed.outcome).toMatchObject({ kind: 'failed', failure: { retryable: true } });
  expect(failed.facts).toMatchObject({ lastSafeAt: null, unpushedCommits: 1 });
  await row.repo.write('a.txt', 'more work\n');
  for (const _ of ['with a change', 'without one']) {
    expect((await row.sync(SNAPSHOT)).facts).toMatchObject({ lastSafeAt: null, unpushedCommits: 2 });
  }
  await row.repo.write('a.txt', 'work\n');
  await git('remote', 'set-url', 'origin', row.remote.url);
  const pushed = await row.sync(SNAPSHOT);
  expect(pushed.outcome).toEqual({ kind: 'done', status: 'success' });
  expect(pushed.facts).toMatchObject({ unpushedCommits: 0, lastSafeAt: expect.any(Number) });
  expect(await there('auto/main:a.txt')).toBe('work\n');
  expect(await branchesThere()).toEqual(['auto/main']);
  expect((await row.sync(SNAPSHOT)).outcome).toEqual({ kind: 'done', status: 'no-change' });
});

test('mode snapshot: without a remote, or an identity, the project is blocked by that and not safe', async () => {
  await row.repo.write('a.txt', 'work\n');
  await git('remote', 'remove', 'origin');
  const without = await row.sync(SNAPSHOT);
  expect(without.outcome).toMatchObject({ kind: 'blocked', reason: { code: 'remote-missing' } });
  expect(without.facts.lastSafeAt).toBeNull();
  await git('config', 'user.name', '');
  const env = { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: row.home };
  await row.repo.write('a.txt', 'more\n');
  const nobody = await row.sync({ ...SNAPSHOT, ports: { env } });
  expect(nobody.outcome).toMatchObject({ kind: 'blocked', reason: { code: 'identity-missing' } });
  expect(nobody.facts.lastSafeAt).toBeNull();
});

test('mode snapshot: two machines on one branch keep both sides, and nothing is forced', async () => {
  await row.repo.write('a.txt', 'mine\n');
  await row.sync(SNAPSHOT);
  const first = (await git('rev-parse', 'auto/main')).trim();
  // Another machine went on from the first snapshot.
  const elsewhere = join(row.home, 'elsewhere');
  await runGit(['clone', '-q', '-b', 'auto/main', row.remote.path, elsewhere], { cwd: row.home });
  await writeFile(join(elsewhere, 'theirs.txt'), 'theirs\n');
  await runGit(['add', '-A'], { cwd: elsewhere });
  const message = await git('log', '-1', '--format=%B', first);
  await runGit(['commit', '-q', '-m', message], { cwd: elsewhere });
  await runGit(['push', '-q', 'origin', 'auto/main'], { cwd: elsewhere });
  const theirs = (await runGit(['rev-parse', 'HEAD'], { cwd: elsewhere })).toString().trim();

  await row.repo.write('a.txt', 'mine again\n');
  expect((await row.sync(SNAPSHOT)).outcome).toEqual({ kind: 'done', status: 'success' });
  for (const ancestor of [first, theirs]) {
    await runGit(['merge-base', '--is-ancestor', ancestor, 'auto/main'], { cwd: row.remote.path });
  }
  expect(await there('auto/main:a.txt')).toBe('mine again\n');
});

test('snapshots of a branch stay here when neither it nor they are named by syncBranches', async () => {
  await git('switch', '-qc', 'private');
  await row.repo.write('a.txt', 'for me\n');
  const github = { syncBranches: ['main'] };
  const answer = await row.sync({ github: { ...github, mode: 'snapshot' } });
  expect(answer.outcome).toMatchObject({ kind: 'blocked', reason: { code: 'branch-not-synced' } });
  expect(await git('show', 'auto/private:a.txt')).toBe('for me\n');
  expect((await branchesThere()).filter(Boolean)).toEqual([]);
  const allowed = await row.sync({ github: { syncBranches: ['main', 'auto/*'] } });
  expect(allowed.outcome).toMatchObject({ kind: 'blocked', reason: { code: 'branch-not-synced' } });
  expect(await there('auto/private:a.txt')).toBe('for me\n');
});

test('commits of a branch that is not synced are no safe ones, though nothing waits to be committed', async () => {
  const github = { syncBranches: ['main', 'auto/*'] };
  await row.sync({ github });
  await git('switch', '-qc', 'topic');
  // Where the branch stands the remote has everything.
  expect((await row.sync({ github })).outcome).toMatchObject({ kind: 'done' });
  await row.repo.write('a.txt', 'committed by hand\n');
  await git('add', '-A');
  await git('commit', '-qm', 'mine');
  const answer = await row.sync({ github });
  expect(answer.outcome).toMatchObject({
    kind: 'blocked',
    reason: {
      code: 'branch-not-synced',
      detail: expect.stringContaining('1 commit of topic is on no remote'),
    },
  });
  expect(await there('auto/topic:a.txt')).toBe('committed by hand\n');
  await runGit(['merge-base', '--is-ancestor', (await git('rev-parse', 'topic')).trim(), 'auto/topic'], {
    cwd: row.remote.path,
  });
  // Its snapshot is on the remote now, which is not where these commits belong.
  const again = await row.sync({ github: { ...github, mode: 'push' } });
  expect(again.outcome).toMatchObject({ kind: 'blocked', reason: { code: 'branch-not-synced' } });
  await git('push', '-q', 'origin', 'topic');
  expect((await row.sync({ github })).outcome).toMatchObject({ kind: 'done' });
});

test('a detached HEAD whose commits the remote lacks is kept there, also when a branch here leads to it', async () => {
  await git('switch', '-q', '--detach', 'HEAD');
  expect((await row.sync()).outcome).toMatchObject({ kind: 'blocked', reason: { code: 'detached-head' } });
  const head = (await git('rev-parse', 'HEAD')).trim();
  await runGit(['merge-base', '--is-ancestor', head, `auto/detached-${head.slice(0, 12)}`], {
    cwd: row.remote.path,
  });
});

const BLOCKS: Record<string, { code: string; branch?: string; block(): Promise<unknown> }> = {
  'a merge': { code: 'merge-in-progress', block: () => makeConflict().then(() => git('merge', 'other')) },
  'a rebase': { code: 'rebase-in-progress', block: () => makeConflict().then(() => git('rebase', 'other')) },
  'a cherry-pick': {
    code: 'cherry-pick-in-progress',
    block: () => makeConflict().then(() => git('cherry-pick', 'other')),
  },
  'a stash with conflicts': {
    code: 'unmerged-entries',
    async block() {
      await row.repo.write('README.md', 'stashed\n');
      await git('stash');
      await row.repo.write('README.md', 'ours\n');
      await git('commit', '-qam', 'ours');
      await git('stash', 'pop');
    },
  },
  'a bisect': { code: 'bisect-in-progress', block: () => git('bisect', 'start') },
  'a detached HEAD': {
    code: 'detached-head',
    branch: 'auto/detached-*',
    block: () => git('switch', '-q', '--detach', 'HEAD'),
  },
  'an old index.lock': {
    code: 'index-locked',
    async block() {
      await row.repo.write('.git/index.lock', '');
      await runGit(['-c', 'alias.t=!touch -d "2 hours ago" .git/index.lock', 't'], { cwd: row.repo.path });
    },
  },
  'a deletion of nearly everything': {
    code: 'mass-deletion',
    block: () => rm(join(row.repo.path, 'README.md')),
  },
};

test.each(Object.entries(BLOCKS))(
  'while %s blocks, the work goes to a snapshot branch',
  async (_name, { code, branch = 'auto/main', block }) => {
    await row.sync();
    // Most of these commands end with a conflict, which git calls a failure.
    await block().catch(() => undefined);
    await row.repo.write('wörk/new.txt', 'only here\n');
    const before = await everythingElse(row.repo.path);
    // What counts as a mass deletion is the guard's matter.
    const massDeletion = code === 'mass-deletion' ? { deleted: 1, tracked: 1 } : null;
    const ports = { guard: async () => ({ held: [], massDeletion }) };
    const answer = await row.sync({ ports });
    expect(answer.outcome).toMatchObject({ kind: 'blocked', reason: { code } });
    const [, name = ''] = (await branchesThere())
      .filter((each) => each.startsWith('auto/'))
      .concat('')
      .reverse();
    expect(name).toMatch(new RegExp(`^${branch.replace('*', '[0-9a-f]{12}')}$`));
    expect(await there(`${name}:wörk/new.txt`)).toBe('only here\n');
    const { reason } = answer.outcome as { reason: Reason };
    const kept = `Your work is kept on the remote, on ${name}.`;
    expect(reason.detail.includes(kept)).toBe(code !== 'mass-deletion');
    expect(answer.facts.blocked).toEqual(reason);
    expect(await everythingElse(row.repo.path)).toEqual(before);
    const again = await row.sync({ ports });
    expect(again.outcome).toMatchObject({ kind: 'blocked', reason: { code } });
    expect(again.stats.commit).toBeNull();
    expect((again.outcome as { reason: Reason }).reason).toEqual(reason);
    await git('fsck', '--strict', '--no-dangling');
  },
);

test('mode snapshot in a project with LFS: contents go to LFS, pointers to the branch, no commit hook runs', async () => {
  await git('lfs', 'install', '--local');
  await git('config', 'lfs.url', `file://${row.remote.path}`);
  await row.hook('pre-commit', 'exit 1');
  await row.hook('post-commit', 'touch .git/ran');
  await row.repo.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt text eol=crlf\n');
  await git('add', '.gitattributes');
  await git('commit', '-qm', 'rules', '--no-verify');
  await rm(join(row.repo.path, '.git/ran'), { force: true });
  await row.repo.write('big.bin', 'large content\n');
  await row.repo.write('text.txt', 'one\r\ntwo\r\n');
  const before = await everythingElse(row.repo.path);
  const answer = await row.sync(SNAPSHOT);
  expect(answer.outcome).toEqual({ kind: 'done', status: 'success' });
  expect(answer.facts.engine?.name).toBe('git');
  expect(await there('auto/main:big.bin')).toContain('git-lfs.github.com/spec');
  expect(await there('auto/main:text.txt')).toBe('one\ntwo\n');
  expect(row.seen.get('big.bin')).toBe('large content\n');
  expect(await everythingElse(row.repo.path)).toEqual(before);
  await expect(readFile(join(row.repo.path, '.git/ran'))).rejects.toThrow('ENOENT');
});

test('what a snapshot keeps on this machine alone is not told as more', async () => {
  await git('switch', '-q', '--detach', 'HEAD');
  await row.repo.write('a.txt', 'work\n');
  const { outcome } = await row.sync({ github: { syncBranches: ['main'] } });
  expect(outcome).toMatchObject({
    reason: {
      detail: expect.stringMatching(
        /Your work is kept on auto\/detached-\w+, on this machine alone\. But: Neither /,
      ),
    },
  });
});

test('where nothing needs a snapshot, none is told of', async () => {
  await row.sync();
  await git('switch', '-q', '--detach', 'HEAD');
  const { outcome } = await row.sync();
  expect(outcome).toMatchObject({
    reason: { code: 'detached-head', detail: expect.not.stringContaining('kept') },
  });
});

test('mode snapshot: what a person let pass once is in the next snapshots too, until it is another content', async () => {
  const real = createRealGuard();
  let released: { path: string; oid: string }[] = [];
  const ports: { guard: ChangeGuard } = {
    guard: (asked) => real({ ...asked, released: [...(asked.released ?? []), ...released] }),
  };
  const sync = () => row.sync({ ...SNAPSHOT, ports });
  await row.repo.write('.env', 'PASSWORD=for-all\n');
  const [held] = (await sync()).facts.heldFiles;
  expect(held).toMatchObject({ path: '.env', reason: 'denied-name' });
  released = [{ path: '.env', oid: held?.oid ?? '' }];
  expect((await sync()).facts.heldFiles).toEqual([]);
  released = [];
  await row.repo.write('a.txt', 'work\n');
  expect((await sync()).facts.heldFiles).toEqual([]);
  expect(await there('auto/main:a.txt')).toBe('work\n');
  expect(await there('auto/main:.env')).toBe('PASSWORD=for-all\n');
  await row.repo.write('.env', 'PASSWORD=another\n');
  expect((await sync()).facts.heldFiles).toMatchObject([{ path: '.env' }]);
  expect((await branchesThere()).filter(Boolean)).toEqual(['auto/main']);
  await expect(there('auto/main:.env')).rejects.toThrow();
});
