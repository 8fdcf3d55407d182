// Which branch a person works on, told from what git leaves behind.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { workedOnBranch } from '../../../src/git/refs/worked-on.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';

let repo: GitRepo;
beforeEach(async () => {
  repo = await createGitRepo();
  await commit('a.txt', 'one\n');
  await git('switch', '-qc', 'other');
  await commit('a.txt', 'theirs\n');
  await git('switch', '-q', 'main');
  await git('switch', '-qc', 'topic/x');
  await commit('a.txt', 'mine\n');
  await commit('b.txt', 'more\n');
});
afterEach(() => repo.remove());

const git = (...args: string[]) => repo.git(...args);
const branch = async () => workedOnBranch(await openRepository(repo.path));
async function commit(path: string, text: string): Promise<void> {
  await repo.write(path, text);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', path);
}

test('the branch that is checked out, also before its first commit', async () => {
  expect(await branch()).toBe('topic/x');
  await git('switch', '-q', '--orphan', 'fresh');
  expect(await branch()).toBe('fresh');
});

test.each([[[]], [['--apply']]])('in a rebase %j the branch that is rebased', async (options) => {
  await git('rebase', '-q', ...options, 'other').catch(() => undefined);
  expect(await git('status')).toContain('rebas');
  expect(await branch()).toBe('topic/x');
});

test('in a bisect the branch that it began on', async () => {
  await git('bisect', 'start', 'HEAD', 'main');
  expect(await branch()).toBe('topic/x');
});

test('on no branch the last one that was left and is still there', async () => {
  await git('switch', '-q', '--detach', 'HEAD~1');
  await git('switch', '-q', '--detach', 'HEAD~1');
  expect(await branch()).toBe('topic/x');
  await git('switch', '-q', 'other');
  await git('switch', '-q', '--detach');
  expect(await branch()).toBe('other');
  await git('branch', '-qD', 'other');
  expect(await branch()).toBe('topic/x');
});

test('nothing where nothing tells', async () => {
  await git('switch', '-q', '--detach');
  await git('reflog', 'expire', '--expire=all', '--all');
  expect(await branch()).toBeNull();
});
