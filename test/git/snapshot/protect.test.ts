import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { protect } from '../../../src/git/snapshot/protect.ts';
import { runGit } from '../../support/git-repo.ts';
import { type Bench, createBench, everythingElse, treeByGit } from './bench.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
  await bench.git.write('a.txt', 'one\ntwo\nthree\n');
  await bench.git.write('dir/b.txt', 'b\n');
  await bench.git.write('.gitignore', 'ignored\n');
  await commitAll('first');
});
afterEach(() => bench.git.remove());

const git = (...args: string[]) => bench.git.git(...args);
const revision = async (name: string) => (await git('rev-parse', name)).trim();
async function commitAll(message: string): Promise<void> {
  await git('add', '-A');
  await git('commit', '-qm', message);
}
/** Two branches that change the same line; `other` also adds a file. */
async function makeConflict(): Promise<void> {
  await git('switch', '-qc', 'other');
  await bench.git.write('a.txt', 'one\nTHEIRS\nthree\n');
  await bench.git.write('theirs.txt', 'new\n');
  await commitAll('theirs');
  await git('switch', '-q', 'main');
  await bench.git.write('a.txt', 'one\nOURS\nthree\n');
  await commitAll('ours');
}

test('protect() keeps edits, new files, deletions, modes and links on auto/<branch> and changes nothing else', async () => {
  await bench.git.write('a.txt', 'edited\n');
  await bench.git.write('new/deep.sh', 'echo\n', 0o755);
  await rm(join(bench.path, 'dir'), { recursive: true });
  await symlink('nowhere', join(bench.path, 'link'));
  await bench.git.write('ignored', 'stays here\n');
  await git('add', 'a.txt');
  const before = await everythingElse(bench.path);
  const status = await runGit(['status', '--porcelain=v2'], {
    cwd: bench.path,
    env: { GIT_OPTIONAL_LOCKS: '0' },
  });

  const answer = await protect(bench.input, bench.ports);
  expect(answer).toMatchObject({
    kind: 'taken',
    snapshot: { ref: 'refs/heads/auto/main', parent: null, files: 4 },
  });
  expect(await everythingElse(bench.path)).toEqual(before);
  expect((await git('--no-optional-locks', 'status', '--porcelain=v2')).toString()).toBe(status.toString());
  expect(await revision('auto/main^{tree}')).toBe(await treeByGit(bench.path));
  expect(await revision('auto/main^1')).toBe(await revision('HEAD'));
  expect(await git('ls-tree', '-r', '--name-only', 'auto/main')).not.toContain('ignored');
  expect(await git('log', '-1', '--format=%an <%ae>%n%B', 'auto/main')).toContain('Gitferry-Machine: laptop');
  await git('fsck', '--strict', '--no-dangling');
});

test('protect() takes nothing when nothing changed, and only grows the branch when something did', async () => {
  expect(await protect(bench.input, bench.ports)).toMatchObject({ kind: 'unchanged' });
  expect(await git('branch', '--list', 'auto/*')).toBe('');
  await bench.git.write('a.txt', '1\n');
  const first = await bench.snapshot();
  expect(await protect(bench.input, bench.ports)).toMatchObject({ kind: 'unchanged' });
  await bench.git.write('a.txt', '2\n');
  const second = await bench.snapshot();
  expect((await git('log', '-1', '--format=%P', second)).trim()).toBe(first);
  await git('merge-base', '--is-ancestor', first, 'auto/main');
  expect((await git('reflog', '--format=%gs', 'auto/main')).split('\n')[0]).toBe(
    'snapshot: Snapshot of main (1 file)',
  );
});

test('protect() connects a commit that a person made since, also when the files are the same', async () => {
  await bench.git.write('a.txt', '1\n');
  const first = await bench.snapshot();
  await commitAll('mine');
  const second = await bench.snapshot();
  expect((await git('log', '-1', '--format=%P', second)).trim()).toBe(`${first} ${await revision('HEAD')}`);
  expect(await protect(bench.input, bench.ports)).toMatchObject({ kind: 'unchanged' });
});

test('protect() keeps a merge with conflicts as it lies on the disk', async () => {
  await makeConflict();
  await expect(git('merge', 'other')).rejects.toThrow();
  await bench.git.write('untracked.txt', 'mine\n');
  const before = await everythingElse(bench.path);
  const id = await bench.snapshot();
  expect(await everythingElse(bench.path)).toEqual(before);
  expect(await git('show', `${id}:a.txt`)).toContain('<<<<<<< HEAD');
  expect(await git('show', `${id}:theirs.txt`)).toBe('new\n');
  expect(await revision(`${id}^{tree}`)).toBe(await treeByGit(bench.path));
  await git('fsck', '--strict', '--no-dangling');
  await git('merge', '--abort');
});

test('protect() keeps a rebase under its branch, a detached HEAD under its commit', async () => {
  await makeConflict();
  await expect(git('rebase', 'other')).rejects.toThrow();
  const rebasing = await protect(bench.input, bench.ports);
  expect(rebasing).toMatchObject({ kind: 'taken', snapshot: { ref: 'refs/heads/auto/main' } });
  expect(await revision('auto/main^{tree}')).toBe(await treeByGit(bench.path));
  await git('rebase', '--abort');

  await git('switch', '-q', '--detach', 'other');
  expect(await protect(bench.input, bench.ports)).toMatchObject({ kind: 'unchanged' });
  await bench.git.write('a.txt', 'on no branch\n');
  const oid = await revision('HEAD');
  expect(await protect(bench.input, bench.ports)).toMatchObject({
    kind: 'taken',
    snapshot: { ref: `refs/heads/auto/detached-${oid.slice(0, 12)}` },
  });
  await commitAll('on no branch');
  const lost = await revision('HEAD');
  await protect(bench.input, bench.ports);
  expect(await git('branch', '--contains', lost, '--list', 'auto/*')).toContain('auto/detached-');
  await git('fsck', '--strict', '--no-dangling');
});

test('protect() works in a cherry-pick, a revert, a bisect and on a branch without commits', async () => {
  await makeConflict();
  await expect(git('cherry-pick', 'other')).rejects.toThrow();
  await bench.snapshot();
  await git('cherry-pick', '--abort');
  await git('bisect', 'start', 'HEAD', 'HEAD~1');
  await bench.git.write('b.txt', 'bisecting\n');
  const id = await bench.snapshot();
  expect(await git('show', `${id}:b.txt`)).toBe('bisecting\n');
  await git('bisect', 'reset');
  await git('switch', '-q', '--orphan', 'empty');
  await bench.git.write('c.txt', 'c\n');
  const orphan = await bench.snapshot();
  expect(await revision(`${orphan}^{tree}`)).toBe(await treeByGit(bench.path));
  expect((await git('log', '-1', '--format=%P', orphan)).trim()).toBe('');
});

test('protect() ignores what is staged: removed but kept files count, ignored ones stay as HEAD has them', async () => {
  await bench.git.write('kept.txt', '1\n');
  await bench.git.write('private.txt', '1\n');
  await commitAll('two files');
  await git('rm', '-q', '--cached', 'kept.txt', 'private.txt', 'a.txt');
  await bench.git.write('kept.txt', '2\n');
  await bench.git.write('private.txt', 'for nobody\n');
  await bench.git.write('.gitignore', 'ignored\nprivate.txt\n');
  await bench.git.write('staged.txt', 'staged\n');
  await git('add', 'staged.txt');
  await bench.git.write('staged.txt', 'newer\n');
  const id = await bench.snapshot();
  expect(await git('show', `${id}:kept.txt`)).toBe('2\n');
  expect(await git('show', `${id}:private.txt`)).toBe('1\n');
  expect(await git('show', `${id}:staged.txt`)).toBe('newer\n');
  expect(await git('show', `${id}:a.txt`)).toBe('one\ntwo\nthree\n');
});

test('protect() leaves held files out and names them', async () => {
  await bench.git.write('key.secret', 'hunter2\n');
  await bench.git.write('a.txt', 'x\n');
  const answer = await protect(bench.input, bench.ports);
  expect(answer).toMatchObject({ kind: 'taken', held: [{ path: 'key.secret' }] });
  expect(await git('ls-tree', '-r', '--name-only', 'auto/main')).not.toContain('secret');
});

test("protect() refuses a snapshot branch that a person works on, and one that is another name of a person's", async () => {
  await bench.git.write('a.txt', '1\n');
  await git('branch', 'auto/main');
  expect(await protect(bench.input, bench.ports)).toMatchObject({
    kind: 'refused',
    reason: { code: 'snapshot-branch-foreign' },
  });
  await git('branch', '-D', 'auto/main');
  await git('symbolic-ref', 'refs/heads/auto/main', 'refs/heads/other');
  expect(await protect(bench.input, bench.ports)).toMatchObject({
    kind: 'refused',
    reason: { code: 'snapshot-branch-foreign' },
  });
  await git('symbolic-ref', '--delete', 'refs/heads/auto/main');
  const id = await bench.snapshot();
  const elsewhere = join(bench.path, '..', `${bench.path.split('/').at(-1)}-linked`);
  await git('worktree', 'add', '-q', elsewhere, 'auto/main');
  try {
    await bench.git.write('a.txt', '2\n');
    expect(await protect(bench.input, bench.ports)).toMatchObject({
      kind: 'refused',
      reason: { code: 'snapshot-branch-checked-out' },
    });
    expect(await revision('auto/main')).toBe(id);
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
});

test('protect() refuses without a name to commit with, and where only git could do it and may not', async () => {
  await bench.git.write('a.txt', '1\n');
  const env = { ...bench.ports.env, GIT_AUTHOR_NAME: '', GIT_AUTHOR_EMAIL: '' };
  await git('config', '--unset', 'user.name');
  expect(await protect(bench.input, { ...bench.ports, env })).toMatchObject({
    kind: 'refused',
    reason: { code: 'identity-missing' },
  });
  await bench.git.write('.gitattributes', '*.bin filter=lfs\n');
  const github = { engine: 'builtin' } as const;
  expect(await protect({ ...bench.input, github }, bench.ports)).toMatchObject({
    kind: 'refused',
    reason: { code: 'needs-system-git' },
  });
  const withoutGit = { ...bench.ports, env: { ...bench.ports.env, PATH: bench.path } };
  expect(await protect(bench.input, withoutGit)).toMatchObject({
    kind: 'refused',
    reason: { code: 'needs-system-git', detail: expect.stringContaining('But git is not installed.') },
  });
});

test('a month later a new branch goes on, and the old one stays as it is', async () => {
  await bench.git.write('a.txt', 'january\n');
  const january = await bench.snapshot();
  bench.clock.set(Date.UTC(2026, 1, 3));
  expect(await protect({ ...bench.input, always: true }, bench.ports)).toMatchObject({ kind: 'unchanged' });
  await bench.git.write('a.txt', 'february\n');
  const february = await bench.snapshot();
  expect(await revision('auto/main')).toBe(january);
  expect(await revision('auto/main@2026-02')).toBe(february);
  expect((await git('log', '-1', '--format=%P', february)).trim()).toBe(await revision('HEAD'));
  bench.clock.set(Date.UTC(2026, 0, 20));
  await bench.git.write('a.txt', 'set back\n');
  expect((await git('log', '-1', '--format=%P', await bench.snapshot())).trim()).toBe(february);
});

test('a snapshot joins what another machine pushed, so that its push is a fast-forward', async () => {
  await bench.git.write('a.txt', 'theirs\n');
  const theirs = await bench.snapshot({ machineId: 'desktop' });
  await git('update-ref', '-d', 'refs/heads/auto/main');
  await bench.git.write('a.txt', 'ours\n');
  const ours = await bench.snapshot({ remoteTips: { 'auto/main': theirs } });
  await git('merge-base', '--is-ancestor', theirs, ours);
  expect(await git('show', `${ours}:a.txt`)).toBe('ours\n');
  const again = await protect({ ...bench.input, remoteTips: { 'auto/main': theirs } }, bench.ports);
  expect(again).toMatchObject({ kind: 'unchanged' });
});

test('another program that moves the snapshot branch in between is built upon, never overwritten', async () => {
  await bench.git.write('a.txt', '1\n');
  const first = await bench.snapshot();
  await bench.git.write('a.txt', '2\n');
  let interfered = '';
  const second = await bench.snapshot({
    faultPoint: async (name) => {
      if (name !== 'commit-written' || interfered !== '') return;
      const message = await git('log', '-1', '--format=%B', first);
      const tree = await revision(`${first}^{tree}`);
      interfered = (await git('commit-tree', tree, '-p', first, '-m', message)).trim();
      await git('update-ref', 'refs/heads/auto/main', interfered);
    },
  });
  expect((await git('log', '-1', '--format=%P', second)).trim().split(' ')[0]).toBe(interfered);
  expect(await readFile(join(bench.path, 'a.txt'), 'utf8')).toBe('2\n');
});

test('nested repositories and submodules are left alone', async () => {
  await mkdir(join(bench.path, 'nested'));
  await runGit(['init', '-q'], { cwd: join(bench.path, 'nested') });
  await writeFile(join(bench.path, 'nested/x.txt'), 'theirs\n');
  await bench.git.write('a.txt', 'x\n');
  const id = await bench.snapshot();
  expect(await git('ls-tree', '-r', '--name-only', id)).not.toContain('nested');
});
