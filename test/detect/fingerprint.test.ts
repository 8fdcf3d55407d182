import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFingerprint } from '../../src/detect/fingerprint.ts';
import { openRepository } from '../../src/git/repository.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';

let repo: GitRepo;
beforeEach(async () => {
  repo = await createGitRepo();
  await repo.write('notes/a.md', '1');
  await repo.git('add', '-A');
  await repo.git('commit', '-qm', 'first');
  await repo.git('branch', 'auto/deep/one');
});
afterEach(() => repo.remove());
const read = async () => readFingerprint(await openRepository(repo.path), ['', 'notes']);

test('readFingerprint() is the same as long as nothing happens, also when files are only read', async () => {
  const before = await read();
  await repo.git('log', '--oneline');
  await repo.git('cat-file', '-p', 'HEAD');
  expect(await read()).toBe(before);
});

test.each<[string, () => Promise<unknown>]>([
  ['a commit', () => repo.git('commit', '-q', '--allow-empty', '-m', 'second')],
  ['a switch', () => repo.git('switch', '-q', 'auto/deep/one')],
  [
    'a branch that moves in its folder',
    async () => {
      const tree = (await repo.git('rev-parse', 'HEAD^{tree}')).trim();
      const commit = (await repo.git('commit-tree', '-m', 'x', tree)).trim();
      await repo.git('update-ref', 'refs/heads/auto/deep/one', commit);
    },
  ],
  ['packed refs', () => repo.git('pack-refs', '--all')],
  [
    'a staged file',
    async () => {
      await repo.write('notes/a.md', '2');
      await repo.git('add', '-A');
    },
  ],
  ['a new remote', () => repo.git('remote', 'add', 'origin', 'https://example.com/x.git')],
  ['a merge in progress', () => writeFile(join(repo.path, '.git/MERGE_HEAD'), 'x')],
  ['a new file in a known folder', () => repo.write('notes/b.md', '1')],
  [
    'a file saved by renaming',
    async () => {
      await repo.write('notes/.tmp', '2');
      await rename(join(repo.path, 'notes/.tmp'), join(repo.path, 'notes/a.md'));
    },
  ],
  ['a folder that went away', () => rm(join(repo.path, 'notes'), { recursive: true })],
])('readFingerprint() differs after %s', async (_what, act) => {
  const before = await read();
  await act();
  expect(await read()).not.toBe(before);
});
