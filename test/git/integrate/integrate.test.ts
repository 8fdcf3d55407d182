import { chmod, lstat, mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { configOf } from '../../../src/git/config/config-values.ts';
import { conflictBranchName } from '../../../src/git/integrate/conflict-branch.ts';
import { type IntegrateInput, integrateBranch } from '../../../src/git/integrate/integrate.ts';
import { resolveConflict } from '../../../src/git/integrate/resolve-conflict.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { readHead, readRef } from '../../../src/git/refs/refs.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore, Repository } from '../../../src/git/types.ts';
import { systemClock } from '../../../src/host/clock.ts';
import type { ConflictChoice } from '../../../src/model/conflict.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Bench = { git: GitRepo; repo: Repository; objects: ObjectStore; path: string };
const BUSY_MACHINE_MS = 120_000;
const LINES = ['1', '2', '3', '4', '5', '6', '7', '8', '9', ''].join('\n');

/** A repository whose branch `theirs` plays the remote; `main` is checked out. */
async function makeBench(): Promise<Bench> {
  const git = await createGitRepo();
  const repo = await openRepository(git.path);
  const objects = openObjects(repo, { fsync: false });
  cleanUps.push(git.remove, () => objects.close());
  await git.write('notes.md', LINES);
  await git.write('dir/a.txt', 'a\n');
  await git.write('dir/run.sh', 'echo\n', 0o755);
  await git.write('image.bin', new Uint8Array([0, 1, 2]));
  await symlink('notes.md', join(git.path, 'link'));
  await commitAll(git, 'first');
  await git.git('branch', 'theirs');
  return { git, repo, objects, path: git.path };
}

async function commitAll(git: GitRepo, message: string): Promise<void> {
  await git.git('add', '-A');
  await git.git('commit', '-qm', message);
}

/** What the other side does, committed on `theirs`; the work tree is back on main afterwards. */
async function onTheirs(bench: Bench, change: (git: GitRepo) => Promise<void>): Promise<void> {
  const { git } = bench;
  await git.git('switch', '-q', 'theirs');
  await change(git);
  await commitAll(git, 'theirs');
  await git.git('switch', '-q', 'main');
}

async function onOurs({ git }: Bench, change: (git: GitRepo) => Promise<void>): Promise<void> {
  await change(git);
  await commitAll(git, 'ours');
}

async function inputOf(bench: Bench, more: Partial<IntegrateInput> = {}): Promise<IntegrateInput> {
  const { repo, objects } = bench;
  return {
    repo,
    objects,
    head: await readHead(repo),
    branch: 'main',
    ours: await readRef(repo, 'refs/heads/main'),
    theirs: (await readRef(repo, 'refs/heads/theirs')) as string,
    machineId: 'laptop',
    identity: { name: 'Ida', email: 'ida@example.com' },
    config: configOf([]),
    env: {},
    homeDir: '/nowhere',
    clock: systemClock,
    random: () => 0.5,
    fsync: false,
    signal: new AbortController().signal,
    policy: 'merge',
    ...more,
  };
}

const integrate = async (bench: Bench, more: Partial<IntegrateInput> = {}) =>
  integrateBranch(await inputOf(bench, more));
const resolve = async (bench: Bench, choice: ConflictChoice) => {
  const answer = await integrate(bench);
  const seen = answer.kind === 'conflict' ? answer.files : [];
  return resolveConflict({ ...(await inputOf(bench)), choice, seen });
};
const textAt = (bench: Bench, path: string) => readFile(join(bench.path, path), 'utf8');
const status = async ({ git }: Bench) => git.git('status', '--porcelain', '-uall');
const oid = async ({ git }: Bench, name: string) => (await git.git('rev-parse', name)).trim();

async function expectSound(bench: Bench): Promise<void> {
  expect(await bench.git.git('fsck', '--strict', '--no-dangling')).toBe('');
  expect(await status(bench)).toBe('');
  const names = ['index.lock', 'HEAD.lock', 'gitferry-update.json', 'gitferry-update'];
  for (const name of names) await expect(lstat(join(bench.repo.gitDir, name))).rejects.toThrow('ENOENT');
}

test('integrateBranch() answers up-to-date when the remote has nothing new', async () => {
  const bench = await makeBench();
  expect(await integrate(bench)).toEqual({ kind: 'up-to-date' });
  await onOurs(bench, (git) => git.write('own.txt', 'own\n'));
  expect(await integrate(bench)).toEqual({ kind: 'up-to-date' });
});

test(
  'integrateBranch() fast-forwards: contents, modes, links, new, deleted and renamed files, folders and odd names',
  async () => {
    const bench = await makeBench();
    await onTheirs(bench, async (git) => {
      await git.write('notes.md', `${LINES}10\n`);
      await chmod(join(git.path, 'dir/a.txt'), 0o755);
      await chmod(join(git.path, 'dir/run.sh'), 0o644);
      await rm(join(git.path, 'link'));
      await symlink('dir/a.txt', join(git.path, 'link'));
      await rm(join(git.path, 'image.bin'));
      await git.write('image.bin/now a folder.txt', 'x\n');
      await git.write('ñandú/☃ "quoted".txt', 'snow\n');
      await symlink('nowhere', join(git.path, 'dangling'));
      await git.write('empty', '');
    });
    await bench.git.write('untracked.txt', 'mine\n');
    const before = await lstat(join(bench.path, 'untracked.txt'));
    const theirs = await oid(bench, 'theirs');
    const answer = await integrate(bench);
    expect(answer).toEqual({ kind: 'advanced', to: theirs, how: 'fast-forward', files: 9 });
    expect(await oid(bench, 'HEAD')).toBe(theirs);
    expect(await readlink(join(bench.path, 'link'))).toBe('dir/a.txt');
    expect((await lstat(join(bench.path, 'dir/a.txt'))).mode & 0o777).toBe(0o755);
    expect((await lstat(join(bench.path, 'dir/run.sh'))).mode & 0o111).toBe(0);
    expect(await textAt(bench, 'ñandú/☃ "quoted".txt')).toBe('snow\n');
    expect((await lstat(join(bench.path, 'untracked.txt'))).ctimeMs).toBe(before.ctimeMs);
    expect(await bench.git.git('reflog', '-1', '--format=%gs')).toContain('Fast-forward');
    expect(await integrate(bench)).toEqual({ kind: 'up-to-date' });
    await rm(join(bench.path, 'untracked.txt'));
    await expectSound(bench);
    // And back: folders that become empty go, a folder makes way for a file.
    const tree = await oid(bench, 'main~1^{tree}');
    const back = (await bench.git.git('commit-tree', '-p', 'main', '-m', 'back', tree)).trim();
    expect(await integrate(bench, { theirs: back })).toMatchObject({ kind: 'advanced', files: 9 });
    expect(await readFile(join(bench.path, 'image.bin'))).toEqual(Buffer.from([0, 1, 2]));
    await expect(lstat(join(bench.path, 'ñandú'))).rejects.toThrow('ENOENT');
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test('integrateBranch() checks out the first commits into a branch that has none', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('new.txt', 'new\n'));
  await bench.git.git('checkout', '-q', '--orphan', 'fresh');
  await bench.git.git('rm', '-rqf', '.');
  const answer = await integrate(bench, { branch: 'fresh', ours: null });
  expect(answer).toMatchObject({ kind: 'advanced', how: 'fast-forward' });
  expect(await textAt(bench, 'new.txt')).toBe('new\n');
  await expectSound(bench);
});

test(
  'integrateBranch() merges what both sides changed apart, and keeps both histories',
  async () => {
    const bench = await makeBench();
    await onTheirs(bench, async (git) => {
      await git.write('notes.md', LINES.replace('9', 'nine'));
      await chmod(join(git.path, 'dir/a.txt'), 0o755);
      await git.write('theirs.txt', 'theirs\n');
    });
    await onOurs(bench, async (git) => {
      await git.write('notes.md', LINES.replace('1', 'one'));
      await git.write('dir/a.txt', 'b\n', 0o644);
      await git.write('ours.txt', 'ours\n');
    });
    const [ours, theirs] = [await oid(bench, 'main'), await oid(bench, 'theirs')];
    const tree = (await bench.git.git('merge-tree', '--write-tree', 'main', 'theirs')).trim();
    expect(await integrate(bench)).toMatchObject({ kind: 'advanced', how: 'merge', files: 3 });
    expect(await oid(bench, 'HEAD^{tree}')).toBe(tree);
    expect(await bench.git.git('log', '-1', '--format=%P|%an|%s|%(trailers)')).toBe(
      `${ours} ${theirs}|Ida|Merge main of the remote|Gitferry-Machine: laptop\n\n`,
    );
    expect(await textAt(bench, 'notes.md')).toBe(LINES.replace('1', 'one').replace('9', 'nine'));
    expect((await lstat(join(bench.path, 'dir/a.txt'))).mode & 0o777).toBe(0o755);
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'integrateBranch() repeats unpushed commits on top when the project says rebase',
  async () => {
    const bench = await makeBench();
    await onTheirs(bench, (git) => git.write('notes.md', LINES.replace('9', 'nine')));
    await onOurs(bench, (git) => git.write('notes.md', LINES.replace('1', 'one')));
    await bench.git.git(
      'commit',
      '-q',
      '--allow-empty',
      '--author',
      'Zoë <zoe@example.com>',
      '-m',
      'émpty\n\nbody',
    );
    // The same as theirs did: nothing of it is left over.
    await onOurs(bench, (git) => git.write('notes.md', LINES.replace('1', 'one').replace('9', 'nine')));
    const answer = await integrate(bench, { policy: 'rebase' });
    expect(answer).toMatchObject({ kind: 'advanced', how: 'rebase' });
    expect(await bench.git.git('log', '--format=%an <%ae>|%cn|%s', 'theirs..HEAD')).toBe(
      'Zoë <zoe@example.com>|Ida|émpty\nAda Author <ada@example.com>|Ida|ours\n',
    );
    expect(await oid(bench, 'HEAD~2')).toBe(await oid(bench, 'theirs'));
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'integrateBranch() merges where a rebase would flatten a merge or meets a conflict on the way',
  async () => {
    const bench = await makeBench();
    await onTheirs(bench, (git) => git.write('notes.md', LINES.replace('9', 'nine')));
    await onOurs(bench, (git) => git.write('notes.md', LINES.replace('9', 'NINE')));
    await onOurs(bench, (git) => git.write('notes.md', LINES.replace('9', 'nine')));
    expect(await integrate(bench, { policy: 'rebase' })).toMatchObject({ kind: 'advanced', how: 'merge' });
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test('integrateBranch() holds back what the policy does not allow, and changes nothing', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('theirs.txt', 'x\n'));
  const before = await oid(bench, 'HEAD');
  expect(await integrate(bench, { policy: 'off' })).toMatchObject({
    kind: 'held-back',
    reason: { code: 'remote-ahead' },
  });
  await onOurs(bench, (git) => git.write('ours.txt', 'x\n'));
  for (const policy of ['off', 'ff'] as const) {
    expect(await integrate(bench, { policy })).toMatchObject({ reason: { code: 'remote-diverged' } });
  }
  expect(await oid(bench, 'HEAD~1')).toBe(before);
  await expectSound(bench);
});

const LOCAL: [string, (bench: Bench) => Promise<void>, string][] = [
  ['a modified file', (bench) => bench.git.write('notes.md', 'my own\n'), 'notes.md'],
  ['a deleted file', (bench) => rm(join(bench.path, 'notes.md')), 'notes.md'],
  ['a changed mode', (bench) => chmod(join(bench.path, 'notes.md'), 0o755), 'notes.md'],
  ['an untracked file', (bench) => bench.git.write('new.txt', 'my own\n'), 'new.txt'],
  ['a folder in the way', (bench) => bench.git.write('new.txt/mine', 'x'), 'new.txt/mine'],
  ['a file where a folder comes', (bench) => bench.git.write('deep', 'x'), 'deep'],
  ['a link where a folder comes', (bench) => symlink('dir', join(bench.path, 'deep')), 'deep'],
  [
    'another repository in the way',
    async (bench) => {
      await mkdir(join(bench.path, 'deep'));
      await createGitRepo({ path: join(bench.path, 'deep') });
    },
    'deep',
  ],
  [
    'a staged change',
    async (bench) => {
      await bench.git.write('notes.md', 'staged\n');
      await bench.git.git('add', '.');
      await bench.git.write('notes.md', LINES);
    },
    'notes.md',
  ],
  [
    'a staged new file that is gone from the disk',
    async (bench) => {
      await bench.git.write('new.txt', 'staged\n');
      await bench.git.git('add', '.');
      await rm(join(bench.path, 'new.txt'));
    },
    'new.txt',
  ],
  [
    'a file that was told to be left alone',
    async (bench) => void (await bench.git.git('update-index', '--assume-unchanged', 'notes.md')),
    'notes.md',
  ],
];
test.each(LOCAL)(
  'integrateBranch() holds everything back for %s, touching nothing',
  async (_name, change, path) => {
    const bench = await makeBench();
    await onTheirs(bench, async (git) => {
      await git.write('aaa.txt', 'comes first\n');
      await git.write('notes.md', `${LINES}10\n`);
      await git.write('new.txt', 'new\n');
      await git.write('deep/er/file', 'x\n');
    });
    await change(bench);
    const before = { status: await status(bench), head: await oid(bench, 'HEAD') };
    const answer = await integrate(bench);
    expect(answer).toMatchObject({
      kind: 'held-back',
      reason: { code: 'integrate-blocked-by-local-changes', detail: expect.stringContaining(path) },
    });
    expect({ status: await status(bench), head: await oid(bench, 'HEAD') }).toEqual(before);
    await expect(lstat(join(bench.path, 'aaa.txt'))).rejects.toThrow('ENOENT');
    await expect(lstat(join(bench.repo.gitDir, 'index.lock'))).rejects.toThrow('ENOENT');
  },
  BUSY_MACHINE_MS,
);

test('integrateBranch() leaves unrelated changes, staged and not, as they are', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('notes.md', `${LINES}10\n`));
  await bench.git.write('dir/a.txt', 'not staged\n');
  await bench.git.write('staged.txt', 'staged\n');
  await bench.git.git('add', 'staged.txt');
  await bench.git.git('rm', '-q', '--cached', 'image.bin');
  const before = await status(bench);
  expect(await integrate(bench)).toMatchObject({ kind: 'advanced' });
  expect(await status(bench)).toBe(before);
  expect(await textAt(bench, 'dir/a.txt')).toBe('not staged\n');
});

test('integrateBranch() accepts files that already hold what the remote has', async () => {
  const bench = await makeBench();
  await onTheirs(bench, async (git) => {
    await git.write('notes.md', 'same\n');
    await git.write('new.txt', 'new\n');
    await rm(join(git.path, 'dir/a.txt'));
  });
  await bench.git.write('notes.md', 'same\n');
  await bench.git.write('new.txt', 'new\n');
  await rm(join(bench.path, 'dir/a.txt'));
  expect(await integrate(bench)).toMatchObject({ kind: 'advanced' });
  await expectSound(bench);
});

test.each(['index-locked', 'journal-written', 'file-placed', 'files-written', 'ref-locked'])(
  'integrateBranch() takes everything back when it fails at %s',
  async (point) => {
    const bench = await makeBench();
    await onTheirs(bench, async (git) => {
      await git.write('notes.md', `${LINES}10\n`);
      await git.write('new/file.txt', 'new\n');
      await rm(join(git.path, 'dir/run.sh'));
      await git.write('dir/run.sh/below', 'x\n');
    });
    const before = await oid(bench, 'HEAD');
    const faultPoint = (name: string) => {
      if (name === point) throw new Error(`stopped at ${name}`);
    };
    await expect(integrate(bench, { faultPoint })).rejects.toThrow(`stopped at ${point}`);
    expect(await oid(bench, 'HEAD')).toBe(before);
    await expectSound(bench);
    expect((await lstat(join(bench.path, 'dir/run.sh'))).mode & 0o777).toBe(0o755);
    expect(await integrate(bench)).toMatchObject({ kind: 'advanced' });
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test('integrateBranch() never overwrites a save that comes while it works', async () => {
  for (const path of ['zz-new.txt', 'notes.md']) {
    const bench = await makeBench();
    await onTheirs(bench, async (git) => {
      await git.write('aaa.txt', 'first\n');
      await git.write('notes.md', `${LINES}10\n`);
      await git.write('zz-new.txt', 'theirs\n');
    });
    const faultPoint = async (name: string) => {
      if (name === 'journal-written') await writeFile(join(bench.path, path), 'saved just now\n');
    };
    const answer = await integrate(bench, { faultPoint });
    expect(answer).toMatchObject({
      kind: 'held-back',
      reason: { code: 'integrate-blocked-by-local-changes', detail: expect.stringContaining(path) },
    });
    expect(await textAt(bench, path)).toBe('saved just now\n');
    await expect(lstat(join(bench.path, 'aaa.txt'))).rejects.toThrow('ENOENT');
    expect((await status(bench)).trim().split('\n')).toHaveLength(1);
  }
});

test('integrateBranch() lets a save show that comes right after a file was placed', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('new.txt', 'theirs\n'));
  const faultPoint = async (name: string) => {
    // As long as theirs, within the same second.
    if (name === 'file-placed') await writeFile(join(bench.path, 'new.txt'), 'myself\n');
  };
  expect(await integrate(bench, { faultPoint })).toMatchObject({ kind: 'advanced' });
  expect(await status(bench)).toBe(' M new.txt\n');
  expect(await textAt(bench, 'new.txt')).toBe('myself\n');
});

test('integrateBranch() stops before the branch moves when it is called off', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('a-new.txt', 'x\n'));
  const stop = new AbortController();
  const faultPoint = (name: string) => {
    if (name === 'journal-written') stop.abort();
  };
  await expect(integrate(bench, { signal: stop.signal, faultPoint })).rejects.toMatchObject({
    code: 'aborted',
  });
  await expectSound(bench);
});

test('integrateBranch() refuses when another program moves the branch meanwhile', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('new.txt', 'x\n'));
  const other = (await bench.git.git('commit-tree', '-p', 'main', '-m', 'other', 'main^{tree}')).trim();
  const faultPoint = async (name: string) => {
    if (name === 'files-written') await bench.git.git('update-ref', 'refs/heads/main', other);
  };
  await expect(integrate(bench, { faultPoint })).rejects.toMatchObject({ code: 'ref-moved' });
  expect(await oid(bench, 'main')).toBe(other);
  await expectSound(bench);
});

test('integrateBranch() moves a branch that is not checked out without touching files', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('new.txt', 'x\n'));
  await bench.git.git('branch', 'side', 'main');
  await bench.git.write('new.txt', 'my own\n');
  const answer = await integrate(bench, { branch: 'side' });
  expect(answer).toMatchObject({ kind: 'advanced', how: 'fast-forward', files: 1 });
  expect(await oid(bench, 'side')).toBe(await oid(bench, 'theirs'));
  expect(await textAt(bench, 'new.txt')).toBe('my own\n');
  await bench.git.git('branch', 'taken', 'main');
  await bench.git.git('worktree', 'add', '-q', join(bench.path, '..', 'elsewhere'), 'taken');
  cleanUps.push(() => rm(join(bench.path, '..', 'elsewhere'), { recursive: true }));
  expect(await integrate(bench, { branch: 'taken' })).toMatchObject({
    kind: 'held-back',
    reason: { code: 'branch-in-use' },
  });
});

test('integrateBranch() brings submodule entries in without touching the folder', async () => {
  const bench = await makeBench();
  const [first, second] = ['1'.repeat(40), '2'.repeat(40)];
  const setLink = (commit: string) => async (git: GitRepo) => {
    await git.git('update-index', '--add', '--cacheinfo', `160000,${commit},module`);
    await git.git('commit', '-qm', 'module');
  };
  const { git } = bench;
  await git.git('switch', '-q', 'theirs');
  await setLink(first)(git);
  await git.git('switch', '-q', 'main');
  expect(await integrate(bench)).toMatchObject({ kind: 'advanced' });
  expect((await lstat(join(bench.path, 'module'))).isDirectory()).toBe(true);
  expect(await git.git('ls-files', '-s', 'module')).toContain(first);
  await git.git('switch', '-q', 'theirs');
  await setLink(second)(git);
  await git.git('switch', '-q', 'main');
  await createGitRepo({ path: join(bench.path, 'module') });
  await bench.git.write('module/inside.txt', 'x\n');
  expect(await integrate(bench)).toMatchObject({ kind: 'advanced' });
  expect(await git.git('ls-files', '-s', 'module')).toContain(second);
  expect(await textAt(bench, 'module/inside.txt')).toBe('x\n');
  expect(await git.git('diff', '--cached', '--name-only')).toBe('');
});

test('integrateBranch() leaves it to the system git when attributes that convert come in', async () => {
  const bench = await makeBench();
  await onTheirs(bench, (git) => git.write('.gitattributes', '*.bin filter=lfs\n'));
  expect(await integrate(bench)).toMatchObject({ kind: 'held-back', reason: { code: 'needs-system-git' } });
  await expectSound(bench);
});

async function withConflicts(): Promise<Bench> {
  const bench = await makeBench();
  await onTheirs(bench, async (git) => {
    await git.write('notes.md', LINES.replace('5', 'theirs'));
    await rm(join(git.path, 'dir/a.txt'));
    await git.write('dir/run.sh', 'theirs\n', 0o755);
    await git.write('image.bin', new Uint8Array([0, 9]));
    await git.write('both.txt', 'theirs\n');
    await git.write('clash/file', 'theirs\n');
    await git.write('only-theirs.txt', 'theirs\n');
  });
  await onOurs(bench, async (git) => {
    await git.write('notes.md', LINES.replace('5', 'ours'));
    await git.write('dir/a.txt', 'ours\n');
    await rm(join(git.path, 'dir/run.sh'));
    await git.write('image.bin', new Uint8Array([0, 8]));
    await git.write('both.txt', 'ours\n');
    await git.write('clash', 'ours\n');
    await git.write('only-ours.txt', 'ours\n');
  });
  return bench;
}

test('integrateBranch() names the files of a conflict and touches nothing', async () => {
  const bench = await withConflicts();
  const before = await oid(bench, 'HEAD');
  const answer = await integrate(bench);
  if (answer.kind !== 'conflict') throw new Error(answer.kind);
  expect([...answer.files].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: 'both.txt', ours: 'added', theirs: 'added' },
    { path: 'clash', ours: 'added', theirs: 'added' },
    { path: 'dir/a.txt', ours: 'modified', theirs: 'deleted' },
    { path: 'dir/run.sh', ours: 'deleted', theirs: 'modified' },
    { path: 'image.bin', ours: 'modified', theirs: 'modified' },
    { path: 'notes.md', ours: 'modified', theirs: 'modified' },
  ]);
  expect(await integrate(bench, { policy: 'rebase' })).toMatchObject({ kind: 'conflict' });
  expect(await oid(bench, 'HEAD')).toBe(before);
  await expectSound(bench);
});

const RESOLVED: [ConflictChoice, Record<string, string>][] = [
  [
    'mine',
    {
      'both.txt': 'ours\n',
      clash: 'ours\n',
      'dir/a.txt': 'ours\n',
      'image.bin': '\0\b',
      'notes.md': LINES.replace('5', 'ours'),
    },
  ],
  [
    'theirs',
    {
      'both.txt': 'theirs\n',
      'clash/file': 'theirs\n',
      'dir/run.sh': 'theirs\n',
      'image.bin': '\0\t',
      'notes.md': LINES.replace('5', 'theirs'),
    },
  ],
  [
    'both',
    {
      'both.laptop.txt': 'ours\n',
      'both.txt': 'theirs\n',
      'clash.laptop': 'ours\n',
      'clash/file': 'theirs\n',
      'dir/a.txt': 'ours\n',
      'dir/run.sh': 'theirs\n',
      'image.bin': '\0\t',
      'image.laptop.bin': '\0\b',
      'notes.laptop.md': LINES.replace('5', 'ours'),
      'notes.md': LINES.replace('5', 'theirs'),
    },
  ],
];
test.each(RESOLVED)(
  'resolveConflict() with %s makes a merge of both in which the conflicting files are as chosen',
  async (choice, expected) => {
    const bench = await withConflicts();
    const [ours, theirs] = [await oid(bench, 'main'), await oid(bench, 'theirs')];
    expect(await resolve(bench, choice)).toMatchObject({ kind: 'advanced', how: 'merge' });
    expect((await bench.git.git('log', '-1', '--format=%P')).trim()).toBe(`${ours} ${theirs}`);
    const names = (await bench.git.git('ls-files', '-z')).split('\0').filter((name) => name !== '');
    const untouched = ['link', 'only-ours.txt', 'only-theirs.txt'];
    expect(names).toEqual([...Object.keys(expected), ...untouched].sort());
    for (const [path, content] of Object.entries(expected)) expect(await textAt(bench, path)).toBe(content);
    expect(await integrate(bench)).toEqual({ kind: 'up-to-date' });
    expect(await resolve(bench, choice)).toEqual({ kind: 'up-to-date' });
    await expectSound(bench);
  },
  BUSY_MACHINE_MS,
);

test('resolveConflict() finds a free name and takes a branch forward that was resolved elsewhere', async () => {
  const bench = await makeBench();
  await onTheirs(bench, async (git) => {
    await git.write('notes.md', 'theirs\n');
    await git.write('notes.laptop.md', 'taken\n');
  });
  await onOurs(bench, (git) => git.write('notes.md', 'ours\n'));
  expect(await resolve(bench, 'both')).toMatchObject({ kind: 'advanced' });
  expect(await textAt(bench, 'notes.laptop-2.md')).toBe('ours\n');
  expect(await textAt(bench, 'notes.laptop.md')).toBe('taken\n');
  await bench.git.git('branch', '-f', 'theirs', 'main');
  await onTheirs(bench, (git) => git.write('notes.md', 'more\n'));
  const elsewhere = { ...(await inputOf(bench)), choice: 'mine' as const, seen: [] };
  expect(await resolveConflict(elsewhere)).toMatchObject({ kind: 'advanced', how: 'fast-forward' });
  expect(await textAt(bench, 'notes.md')).toBe('more\n');
});

test('resolveConflict() takes no choice for files that the person was not shown', async () => {
  const bench = await withConflicts();
  const first = await integrate(bench);
  if (first.kind !== 'conflict') throw new Error(first.kind);
  await onTheirs(bench, (git) => git.write('only-ours.txt', 'theirs too\n'));
  const answer = await resolveConflict({ ...(await inputOf(bench)), choice: 'mine', seen: first.files });
  expect(answer).toMatchObject({ kind: 'conflict' });
  expect(answer.kind === 'conflict' && answer.files.map(({ path }) => path)).toContain('only-ours.txt');
  await expectSound(bench);
});

test('resolveConflict() is held back by local changes like every integration', async () => {
  const bench = await withConflicts();
  await bench.git.write('notes.md', 'just saved\n');
  expect(await resolve(bench, 'theirs')).toMatchObject({
    kind: 'held-back',
    reason: { code: 'integrate-blocked-by-local-changes' },
  });
  expect(await textAt(bench, 'notes.md')).toBe('just saved\n');
});

test.each([
  ['laptop', 'sync/laptop/main'],
  ["Ada's Mac Book.local", 'sync/Ada-s-Mac-Book.local/main'],
  ['..//..', 'sync/machine/main'],
  ['büro.lock', 'sync/büro-lock/main'],
  ['', 'sync/machine/main'],
  ['a'.repeat(200), `sync/${'a'.repeat(60)}/main`],
])('conflictBranchName() makes a valid branch of the machine %j', async (machineId, expected) => {
  const bench = await makeBench();
  expect(conflictBranchName(machineId, 'main')).toBe(expected);
  await bench.git.git('check-ref-format', '--branch', expected);
});
