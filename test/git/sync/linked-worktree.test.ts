import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createGitRepo, runGit } from '../../support/git-repo.ts';
import { startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeScene() {
  const server = await startGitServer();
  cleanUps.push(() => server.stop());
  const remote = await server.createRepo('project');
  const repo = await createGitRepo();
  cleanUps.push(repo.remove);
  await repo.write('shared.txt', 'shared\n');
  await repo.git('add', '-A');
  await repo.git('commit', '-qm', 'first');
  await repo.git('remote', 'add', 'origin', remote.url);
  const inRemote = async (...args: string[]) =>
    (await runGit(['--git-dir', remote.path, ...args], { cwd: server.root })).toString();
  return { repo, inRemote };
}

test('a linked worktree is synced by the built-in engine: its own HEAD and index, shared refs and objects', async () => {
  const { repo, inRemote } = await makeScene();
  const linked = `${repo.path}-linked`;
  cleanUps.push(() => rm(linked, { recursive: true, force: true }));
  await repo.git('worktree', 'add', '-qb', 'topic/one', linked);
  await repo.git('pack-refs', '--all', '--prune');
  await repo.git('gc', '-q');
  const inLinked = async (...args: string[]) => (await runGit(args, { cwd: linked })).toString();
  await repo.write('only-main.txt', 'staged by a person\n');
  await repo.git('add', 'only-main.txt');
  const mainTip = await repo.git('rev-parse', 'main');

  await writeFile(join(linked, 'topic.txt'), 'work\n');
  expect(await syncOnce({ worktree: linked })).toMatchObject({
    outcome: { kind: 'done', status: 'success' },
    facts: { branch: 'topic/one', pendingFiles: 0, unpushedCommits: 0 },
  });
  expect(await inLinked('status', '--porcelain')).toBe('');
  expect(await inLinked('log', '-1', '--format=%P')).toBe(mainTip);
  expect(await inLinked('reflog', '--format=%gs', 'HEAD')).toContain('commit: Add topic.txt');
  expect(await inRemote('show', 'topic/one:topic.txt')).toBe('work\n');
  // The main work tree has its own HEAD, index and logs.
  expect(await repo.git('rev-parse', 'main')).toBe(mainTip);
  expect(await repo.git('status', '--porcelain')).toBe('A  only-main.txt\n');
  expect(await readFile(join(repo.path, '.git/logs/HEAD'), 'utf8')).not.toContain('topic.txt');

  // Both at once: each has its lock, and neither is in the other's way.
  await writeFile(join(linked, 'topic.txt'), 'more work\n');
  await repo.write('shared.txt', 'changed\n');
  const answers = await Promise.all([syncOnce({ worktree: linked }), syncOnce({ worktree: repo.path })]);
  for (const { outcome } of answers) expect(outcome).toMatchObject({ kind: 'done' });
  expect(await inLinked('status', '--porcelain')).toBe('');
  expect(await repo.git('status', '--porcelain')).toBe('');
  for (const branch of ['main', 'topic/one']) {
    expect(await inRemote('rev-parse', branch)).toBe(await repo.git('rev-parse', branch));
  }
  await repo.git('fsck', '--full', '--strict');
});

test('a clone that borrows its objects, with an index of version 4, is synced', async () => {
  const { repo, inRemote } = await makeScene();
  await syncOnce({ worktree: repo.path });
  const clone = await createGitRepo({ path: `${repo.path}-clone`, clone: repo.path });
  cleanUps.push(clone.remove);
  await rm(clone.path, { recursive: true });
  await runGit(['clone', '-q', '--shared', repo.path, clone.path], { cwd: repo.path });
  await clone.git('remote', 'set-url', 'origin', (await repo.git('remote', 'get-url', 'origin')).trim());
  await clone.git('update-index', '--index-version=4');
  await clone.write('dir/new.txt', 'new\n');
  expect(await syncOnce({ worktree: clone.path })).toMatchObject({
    outcome: { kind: 'done', status: 'success' },
  });
  expect((await readFile(join(clone.path, '.git/index'))).readUInt32BE(4)).toBe(4);
  expect(await clone.git('status', '--porcelain')).toBe('');
  expect(await inRemote('show', 'main:dir/new.txt')).toBe('new\n');
});
