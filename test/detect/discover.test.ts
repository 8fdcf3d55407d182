import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { classifyFolder, discoverRepositories } from '../../src/detect/discover.ts';
import { createGitRepo } from '../support/git-repo.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gitferry-roots-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const repositoryAt = (path: string) => createGitRepo({ path: join(root, path) });
const found = async (...args: Parameters<typeof discoverRepositories>) =>
  (await discoverRepositories(...args)).map(({ path }) => path.slice(root.length + 1));

test('discoverRepositories() finds work trees with their name, project file and remote', async () => {
  const blog = await repositoryAt('sites/blog');
  await blog.git('remote', 'add', 'mirror', 'https://example.com/mirror.git');
  await blog.git('remote', 'add', 'origin', 'https://github.com/ada/blog.git');
  await blog.write('project.json', '{"version":2,"github":{"enabled":true}}');
  const notes = await repositoryAt('notes');
  await notes.git('remote', 'add', 'backup', 'https://example.com/notes.git');
  await notes.write('project.json', '{"version":2}');
  await (await repositoryAt('broken')).write('project.json', '{');
  await repositoryAt('plain');
  expect(await discoverRepositories([root])).toEqual([
    { path: join(root, 'broken'), name: 'broken', projectFile: 'invalid', remoteUrl: null },
    {
      path: join(root, 'notes'),
      name: 'notes',
      projectFile: 'disabled',
      remoteUrl: 'https://example.com/notes.git',
    },
    { path: join(root, 'plain'), name: 'plain', projectFile: 'absent', remoteUrl: null },
    {
      path: join(root, 'sites/blog'),
      name: 'blog',
      projectFile: 'enabled',
      remoteUrl: 'https://github.com/ada/blog.git',
    },
  ]);
});

test('discoverRepositories() passes over nested, hidden, heavy, bare and linked folders', async () => {
  await repositoryAt('outer');
  await repositoryAt('outer/inner');
  await repositoryAt('.hidden/one');
  await repositoryAt('node_modules/two');
  await createGitRepo({ path: join(root, 'bare.git'), bare: true });
  await symlink(join(root, 'outer'), join(root, 'link'));
  expect(await found([root])).toEqual(['outer']);
});

test('discoverRepositories() finds a linked worktree, whose .git is a file', async () => {
  const repo = await repositoryAt('main');
  await repo.git('remote', 'add', 'origin', 'https://github.com/ada/main.git');
  await repo.git('commit', '-q', '--allow-empty', '-m', 'first');
  await repo.git('worktree', 'add', '-q', '-b', 'auto/x', join(root, 'linked'));
  expect(await discoverRepositories([join(root, 'linked')])).toMatchObject([
    { name: 'linked', remoteUrl: 'https://github.com/ada/main.git' },
  ]);
});

test('discoverRepositories() keeps to its depth, its skips and each folder once', async () => {
  await repositoryAt('1/2/3/4');
  await repositoryAt('1/2/3/x/5');
  await repositoryAt('skipped');
  expect(await found([root, join(root, '1')])).toEqual(['1/2/3/4', '1/2/3/x/5', 'skipped']);
  expect(await found([root])).toEqual(['1/2/3/4', 'skipped']);
  expect(await found([root], { maxDepth: 1 })).toEqual(['skipped']);
  expect(await found([join(root, 'skipped')], { maxDepth: 0 })).toEqual(['skipped']);
  expect(await found([root], { isSkipped: (path) => path.endsWith('skipped') })).toEqual(['1/2/3/4']);
});

test('discoverRepositories() names what it cannot read and goes on', async () => {
  await repositoryAt('good');
  const unreadable: string[] = [];
  const missing = join(root, 'missing');
  const options = { onUnreadable: (path: string) => unreadable.push(path) };
  expect(await found([missing, root], options)).toEqual(['good']);
  expect(unreadable).toEqual([missing]);
});

test('discoverRepositories() shows a repository whose configuration is broken without a remote', async () => {
  const repo = await repositoryAt('odd');
  await writeFile(join(repo.path, '.git/config'), '[remote "origin"\nurl = x');
  expect(await discoverRepositories([root])).toMatchObject([{ name: 'odd', remoteUrl: null }]);
});

test('discoverRepositories() ends when it is aborted', async () => {
  const reason = new Error('stopping');
  await expect(discoverRepositories([root], {}, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('classifyFolder() tells a work tree, a root and an empty folder apart', async () => {
  await repositoryAt('a/b/project');
  await mkdir(join(root, 'empty'));
  expect(await classifyFolder(join(root, 'a/b/project'))).toBe('work-tree');
  expect(await classifyFolder(join(root, 'a'))).toBe('root');
  expect(await classifyFolder(join(root, 'empty'))).toBe('empty');
});

test.each([
  ['missing', 'folder-missing'],
  ['file.txt', 'not-a-repository'],
  ['bare.git', 'bare-repository'],
])('classifyFolder() refuses %s with %s', async (name, code) => {
  await writeFile(join(root, 'file.txt'), '');
  await createGitRepo({ path: join(root, 'bare.git'), bare: true });
  await expect(classifyFolder(join(root, name))).rejects.toMatchObject({ code });
});

test.skipIf(process.getuid?.() === 0)('classifyFolder() refuses a folder it may not read', async () => {
  await mkdir(join(root, 'closed'));
  await chmod(join(root, 'closed'), 0);
  await expect(classifyFolder(join(root, 'closed'))).rejects.toMatchObject({ code: 'folder-unreadable' });
  await chmod(join(root, 'closed'), 0o755);
});
