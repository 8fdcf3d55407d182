// A database of ours in a work tree of a person's: what keeps it out of their commits.

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enrolProject, refreshProject } from '../../src/projects/enrol.ts';
import { updateSettings } from '../../src/projects/update.ts';
import { makeDataFolder, refuseOwnDatabase } from '../../src/runner/own-database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { listProjects } from '../../src/store/projects.ts';
import { databaseDeps } from '../support/database.ts';
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

const check = (databasePath: string | null) =>
  refuseOwnDatabase(repo.path, { env: {}, homeDir: '/nonexistent', databasePath });

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

test.each(['queue.db', 'sync-queue.db'])(
  'a work tree that would commit the database %s is refused, with the line that lets it pass',
  async (name) => {
    await mkdir(join(repo.path, 'data'));
    const database = join(repo.path, 'data', name);
    await expect(check(database)).rejects.toMatchObject({
      code: 'database-in-project',
      message: expect.stringContaining(database),
      action: expect.stringContaining(`/data/${name}*`),
    });
    await repo.write('.gitignore', `/data/${name}*\n`);
    await check(database);
  },
);

test('a database elsewhere, or on a server, is nobody’s', async () => {
  await check(join(elsewhere, 'queue.db'));
  await check(null);
});

test('a project around the database is not taken in, and one that comes to be around it is blocked, and goes on afterwards', async () => {
  const databasePath = join(repo.path, 'data', 'queue.db');
  await mkdir(join(repo.path, 'data'));
  const db = await openDatabase({ path: databasePath }, databaseDeps);
  const ports = { db, machineId: 'laptop', env: {}, homeDir: elsewhere, databasePath };
  try {
    await expect(enrolProject({ path: repo.path }, ports)).rejects.toMatchObject({
      code: 'database-in-project',
    });
    expect(await listProjects(db)).toEqual([]);
    await repo.write('.gitignore', '/data/queue.db*\n');
    const project = await enrolProject({ path: repo.path }, ports);
    // What is not synced may hold it.
    await repo.write('.gitignore', '');
    await updateSettings(project, { github: { enabled: false } }, ports);
    await expect(updateSettings(project, { github: { enabled: true } }, ports)).rejects.toMatchObject({
      code: 'database-in-project',
    });
    await repo.write('.gitignore', '/data/queue.db*\n');
    const enabled = await updateSettings(project, { github: { enabled: true } }, ports);
    await repo.write('.gitignore', '');
    const blocked = await refreshProject(enabled, ports);
    expect(blocked.facts.blocked).toMatchObject({ code: 'database-in-project' });
    expect((await listProjects(db))[0]?.facts.blocked?.code).toBe('database-in-project');
    await repo.write('.gitignore', '/data/queue.db*\n');
    expect((await refreshProject(blocked, ports)).facts.blocked).toBeNull();
  } finally {
    await db.close();
  }
});
