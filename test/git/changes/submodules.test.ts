// Submodules are recorded as `git add --all` records them, by both engines, except for commits that nobody else can
// get; what is inside of them is never looked at.

import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

let server: GitServer;
let folder: string;
let repo: GitRepo;
let origin: string;
let remotePath: string;
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-submodules-'));
  count += 1;
  const library = await createGitRepo({ path: join(folder, 'library') });
  for (const text of ['one\n', 'two\n']) {
    await library.write('lib.txt', text);
    await library.git('add', '--all');
    await library.git('commit', '--quiet', '--message', text.trim());
  }
  await library.git('config', 'receive.denyCurrentBranch', 'updateInstead');
  origin = `file://${library.path}`;
  repo = await createGitRepo({ path: join(folder, 'project') });
  await repo.write('a.txt', 'a\n');
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  const remote = await server.createRepo(`submodules-${count}`);
  remotePath = remote.path;
  await repo.git('remote', 'add', 'origin', remote.url);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ENGINES = ['builtin', 'git'] as const;

/** The tree that `git add --all` makes, by an index of its own. */
async function treeOfGit(): Promise<string> {
  const scratch = join(folder, 'index');
  await rm(scratch, { force: true });
  await cp(join(repo.path, '.git/index'), scratch);
  const call = { cwd: repo.path, env: { GIT_INDEX_FILE: scratch } };
  await runGit(['add', '--all'], call);
  return (await runGit(['write-tree'], call)).toString().trim();
}

async function sync(engine: (typeof ENGINES)[number]) {
  if (engine === 'git') await repo.git('config', 'core.eol', 'crlf');
  return syncOnce({ worktree: repo.path });
}

async function expectAsGit(engine: (typeof ENGINES)[number]): Promise<void> {
  const tree = await treeOfGit();
  const { outcome, facts } = await sync(engine);
  expect(outcome).toMatchObject({ kind: 'done', status: 'success' });
  expect(facts.engine?.name).toBe(engine);
  expect((await repo.git('rev-parse', 'HEAD^{tree}')).trim()).toBe(tree);
  expect(await repo.git('status', '--porcelain')).toBe('');
  expect(await server.refOf(remotePath, 'refs/heads/main')).toBe(
    (await repo.git('rev-parse', 'HEAD')).trim(),
  );
  await repo.git('fsck', '--strict', '--no-dangling');
  await runGit(['fsck', '--strict', '--no-dangling'], { cwd: remotePath });
  expect((await sync(engine)).outcome).toMatchObject({ kind: 'done', status: 'no-change' });
}

async function addSubmodule(): Promise<void> {
  await repo.git('submodule', '--quiet', 'add', origin, 'lib');
}

async function withSubmodule(): Promise<void> {
  await addSubmodule();
  await repo.git('commit', '--quiet', '--message', 'add lib');
}

test.each(ENGINES)('a submodule that was added is recorded with its .gitmodules (%s)', async (engine) => {
  await addSubmodule();
  await expectAsGit(engine);
  expect(await repo.git('ls-tree', 'HEAD', 'lib')).toContain('160000 commit');
  const clone = join(folder, 'clone');
  await runGit(['clone', '--quiet', '--recurse-submodules', remotePath, clone], { cwd: folder });
  expect(execFileSync('cat', [join(clone, 'lib/lib.txt')], { encoding: 'utf8' })).toBe('two\n');
});

test.each(ENGINES)(
  'a submodule that stands at another commit of its remote is recorded (%s)',
  async (engine) => {
    await withSubmodule();
    await repo.git('-C', 'lib', 'switch', '--quiet', '--detach', 'HEAD~1');
    await repo.write('lib/untracked.txt', 'no business of the project\n');
    await repo.write('b.txt', 'b\n');
    await repo.git('-C', 'lib', 'clean', '--quiet', '--force');
    await expectAsGit(engine);
  },
);

test.each(ENGINES)('a submodule that was removed is removed (%s)', async (engine) => {
  await withSubmodule();
  await repo.git('rm', '--quiet', 'lib');
  await expectAsGit(engine);
});

test.each(ENGINES)('a submodule whose folder is gone is removed (%s)', async (engine) => {
  await withSubmodule();
  await rm(join(repo.path, 'lib'), { recursive: true });
  await expectAsGit(engine);
});

test.each(ENGINES)('a submodule that is not checked out is unchanged (%s)', async (engine) => {
  await withSubmodule();
  await repo.git('submodule', '--quiet', 'deinit', '--force', 'lib');
  await repo.write('b.txt', 'b\n');
  await expectAsGit(engine);
});

test.each(ENGINES)(
  'a commit that the remote of a submodule lacks waits until it is pushed, and the rest does not (%s)',
  async (engine) => {
    await withSubmodule();
    const before = (await repo.git('rev-parse', 'HEAD:lib')).trim();
    await repo.write('lib/lib.txt', 'three\n');
    await repo.git('-C', 'lib', 'commit', '--quiet', '--all', '--message', 'three');
    await repo.write('b.txt', 'b\n');
    const { outcome, facts } = await sync(engine);
    expect(outcome).toMatchObject({
      kind: 'blocked',
      reason: { code: 'submodule-unpushed', action: expect.stringContaining('git push') },
    });
    expect(facts).toMatchObject({ pendingFiles: 1, lastSafeAt: null });
    expect((await repo.git('rev-parse', 'HEAD:lib')).trim()).toBe(before);
    expect(await repo.git('show', 'HEAD:b.txt')).toBe('b\n');
    expect(await server.refOf(remotePath, 'refs/heads/main')).toBe(
      (await repo.git('rev-parse', 'HEAD')).trim(),
    );
    await repo.git('-C', 'lib', 'push', '--quiet', 'origin', 'HEAD:refs/heads/topic');
    await expectAsGit(engine);
  },
);

test.each(ENGINES)(
  'a staged commit that the remote of a submodule lacks is not recorded before it is pushed (%s)',
  async (engine) => {
    await withSubmodule();
    const before = (await repo.git('rev-parse', 'HEAD:lib')).trim();
    await repo.write('lib/lib.txt', 'three\n');
    await repo.git('-C', 'lib', 'commit', '--quiet', '--all', '--message', 'three');
    await repo.git('add', 'lib');
    await repo.write('b.txt', 'b\n');
    const { outcome, facts } = await sync(engine);
    expect(outcome).toMatchObject({ kind: 'blocked', reason: { code: 'submodule-unpushed' } });
    expect(facts).toMatchObject({ pendingFiles: 1, lastSafeAt: null });
    expect(facts.engine?.name).toBe(engine);
    expect((await repo.git('rev-parse', 'HEAD:lib')).trim()).toBe(before);
    expect(await repo.git('show', 'HEAD:b.txt')).toBe('b\n');
    expect(await repo.git('status', '--porcelain')).toBe('M  lib\n');
    await repo.git('-C', 'lib', 'push', '--quiet', 'origin', 'HEAD:refs/heads/topic');
    await expectAsGit(engine);
  },
);

test.each(ENGINES)(
  'a submodule that was added at a commit of nobody else is left out (%s)',
  async (engine) => {
    await addSubmodule();
    await repo.write('lib/lib.txt', 'three\n');
    await repo.git('-C', 'lib', 'commit', '--quiet', '--all', '--message', 'three');
    await repo.git('add', 'lib');
    await repo.write('b.txt', 'b\n');
    const { outcome } = await sync(engine);
    expect(outcome).toMatchObject({ kind: 'blocked', reason: { code: 'submodule-unpushed' } });
    expect(await repo.git('ls-tree', 'HEAD', 'lib')).toBe('');
    expect(await repo.git('show', 'HEAD:b.txt')).toBe('b\n');
    await repo.git('-C', 'lib', 'push', '--quiet', 'origin', 'HEAD:refs/heads/topic');
    await expectAsGit(engine);
  },
);

test.each(ENGINES)('what a person committed of a submodule is pushed as it is (%s)', async (engine) => {
  await withSubmodule();
  await repo.write('lib/lib.txt', 'three\n');
  await repo.git('-C', 'lib', 'commit', '--quiet', '--all', '--message', 'three');
  await repo.git('commit', '--quiet', '--all', '--message', 'lib at three');
  await repo.write('b.txt', 'b\n');
  await expectAsGit(engine);
});
