// A database of ours in a work tree of a person's: what keeps it out of their commits.

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/host/log.ts';
import type { Project } from '../../src/model/project.ts';
import { createIgnoreCache } from '../../src/runner/ignore-cache.ts';
import { keepDatabaseApart, makeDataFolder } from '../../src/runner/own-database.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';

let repo: GitRepo;
let elsewhere: string;
beforeEach(async () => {
  repo = await createGitRepo();
  elsewhere = await mkdtemp(join(tmpdir(), 'gitferry-own-'));
});
afterEach(async () => {
  await repo.remove();
  await rm(elsewhere, { recursive: true, force: true });
});

const ignores = createIgnoreCache({ env: {}, homeDir: '/nonexistent' });
const check = (databasePath: string | null, enabled = true, warnings: string[] = []) =>
  keepDatabaseApart({
    projects: [{ projectId: 'blog', path: repo.path, github: { enabled } } as Project],
    ...{ databasePath, ignores },
    log: { ...silentLog, warn: (_data: unknown, text?: string) => void warnings.push(String(text)) },
  });

test('a folder that is made inside of a work tree ignores itself, however deep', async () => {
  const folder = join(repo.path, 'a', 'data');
  await makeDataFolder(folder);
  await repo.write('a/data/queue.db', 'x');
  expect(await repo.git('status', '--porcelain', '--untracked-files=all')).toBe('');
  await check(join(folder, 'queue.db'));
  await makeDataFolder(folder);
  expect(await readFile(join(folder, '.gitignore'), 'utf8')).toContain('\n*\n');
});

test('a folder that was there, or is in no work tree, is left as it is', async () => {
  await repo.write('data/mine.md', 'x\n');
  await makeDataFolder(join(repo.path, 'data'));
  expect(await repo.git('status', '--porcelain', '--untracked-files=all')).toBe('?? data/mine.md\n');
  await makeDataFolder(join(elsewhere, 'data'));
  await expect(readFile(join(elsewhere, 'data', '.gitignore'))).rejects.toThrow('ENOENT');
});

test('a folder that cannot be made is said when the database is opened, not here', async () => {
  await repo.write('file', 'x\n');
  await makeDataFolder(join(repo.path, 'file', 'data'));
});

test('a project that would commit the database keeps the service from starting, and says the way out', async () => {
  await mkdir(join(repo.path, 'data'));
  const database = join(repo.path, 'data', 'queue.db');
  await expect(check(database)).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining(database),
    action: expect.stringContaining('/data/queue.db*'),
  });
  await check(database, false);
  await repo.write('.gitignore', '/data/queue.db*\n');
  await check(database);
});

test('a database with a name of ours is held back anyway: it is a warning', async () => {
  const warnings: string[] = [];
  await mkdir(join(repo.path, 'data'));
  await check(join(repo.path, 'data', 'sync-queue.db'), true, warnings);
  expect(warnings).toEqual([expect.stringContaining('does not ignore it')]);
});

test('a database elsewhere, or on a server, is nobody’s', async () => {
  await check(join(elsewhere, 'queue.db'));
  await check(null);
});
