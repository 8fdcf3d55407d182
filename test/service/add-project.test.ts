// Adding folders by the API's own abilities: what is shown before, what is made, and that nothing is touched otherwise.

import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTransport } from '../../src/git/remote/transport.ts';
import type { NewRepository } from '../../src/github/repositories.ts';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { addProject } from '../../src/service/add-project.ts';
import { createPreviewControl } from '../../src/service/preview-control.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createGitRepo, gitEnv } from '../support/git-repo.ts';
import { createRealGuard } from '../support/real-guard.ts';

let folder: string;
let closers: (() => Promise<unknown>)[];
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gitferry-add-')));
  closers = [() => rm(folder, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

const credentialFor = async () => null;
const sync = {
  transport: createTransport({ clock: systemClock, credentialFor, userAgent: 'test', idleTimeoutMs: 1_000 }),
  ...{ credentialFor, guard: createRealGuard(), clock: systemClock, random: systemRandom, log: silentLog },
  ...{ env: gitEnv(), homeDir: '', pid: process.pid, allowMessageCommands: () => false, fsync: () => false },
};
const preview = (path: string) => createPreviewControl({ sync, roots: () => [] }).previewProject({ path });

async function adding() {
  const db = await openDatabase(
    { path: join(folder, 'queue.db') },
    { clock: systemClock, random: systemRandom, log: silentLog },
  );
  closers.push(() => db.close());
  const made: NewRepository[] = [];
  const url = 'https://github.com/ada/blog.git';
  const repository = { fullName: 'ada/blog', cloneUrl: url, private: true, archived: false } as never;
  const github = {
    async createRepository(wanted: NewRepository) {
      made.push(wanted);
      return { created: true, repository };
    },
  } as never;
  const enrol = { db, machineId: 'laptop', env: gitEnv(), homeDir: '' };
  const tools = { github, hasApi: (host: string) => host === 'github.com' };
  return { made, url, add: (input: Parameters<typeof addProject>[0]) => addProject(input, { enrol, tools }) };
}

async function blog(): Promise<string> {
  const path = join(folder, 'My blög');
  const repo = await createGitRepo({ path });
  await repo.git('config', '--unset-all', 'remote.origin.url').catch(() => undefined);
  return path;
}

test('a preview of a repository counts commits and changes, and what would be held, and writes nothing', async () => {
  const repo = await createGitRepo({ path: join(folder, 'notes') });
  await repo.write('a.txt', 'twelve bytes');
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'one');
  await repo.write('b.txt', 'four');
  await repo.write('.env', 'PASSWORD=hunter2hunter2');
  const before = await repo.git('count-objects', '-v');
  const upload = await preview(repo.path);
  expect(upload).toMatchObject({
    ...{ isRepository: true, branch: 'main', remoteUrl: null, files: 2, bytes: 16 },
    ...{ uncommittedFiles: 1, unpushedCommits: 1, heldCount: 1, sample: ['a.txt', 'b.txt'] },
    held: [{ path: '.env', reason: 'denied-name' }],
  });
  expect(await repo.git('count-objects', '-v')).toBe(before);
});

test('a preview of a folder that is no repository leaves it one that is none', async () => {
  const path = join(folder, 'plain');
  const { mkdir } = await import('node:fs/promises');
  await mkdir(path);
  await writeFile(join(path, '.gitignore'), 'ignored\n');
  await writeFile(join(path, 'ignored'), 'x');
  await writeFile(join(path, 'a.txt'), 'abc');
  expect(await preview(path)).toMatchObject({ isRepository: false, branch: 'main', files: 2, heldCount: 0 });
  expect((await readdir(path)).sort()).toEqual(['.gitignore', 'a.txt', 'ignored']);
});

test('init and create make a repository here and a private one there, and set where to push', async () => {
  const { add, made, url } = await adding();
  const path = join(folder, 'My blög');
  const { mkdir } = await import('node:fs/promises');
  await mkdir(path);
  await expect(add({ path, create: {} })).rejects.toMatchObject({ code: 'not-a-repository' });
  const project = await add({ path, init: true, create: {} });
  expect(project.github).toMatchObject({ enabled: true, remoteUrl: url, syncBranches: ['main', 'auto/*'] });
  expect(made).toEqual([
    expect.objectContaining({ host: 'github.com', owner: null, name: 'My-blog', private: true }),
  ]);
  expect(await readdir(path)).toEqual(['.git']);
  await expect(add({ path, create: {} })).rejects.toMatchObject({ code: 'remote-exists' });
  expect(made).toHaveLength(1);
});

test('create makes nothing for a folder that has a remote, or on a host without an API', async () => {
  const { add, made } = await adding();
  const path = await blog();
  await expect(add({ path, create: { host: 'gitlab.com' } })).rejects.toMatchObject({
    code: 'no-github-api',
  });
  const { runGit } = await import('../support/git-repo.ts');
  await runGit(['remote', 'add', 'origin', 'https://github.com/ada/other.git'], { cwd: path });
  await expect(add({ path, create: {} })).rejects.toMatchObject({ code: 'remote-exists' });
  expect(made).toEqual([]);
});

test('a folder that is not there, and a file, are told as wrong names', async () => {
  const { add } = await adding();
  const nowhere = join(folder, 'nope');
  for (const ask of [
    () => add({ path: nowhere }),
    () => add({ path: nowhere, init: true }),
    () => preview(nowhere),
  ])
    await expect(ask()).rejects.toMatchObject({
      ...{ code: 'folder-missing', message: `There is no folder ${nowhere}.` },
      action: expect.stringContaining('Look at the name'),
    });
  const file = join(folder, 'file.txt');
  await writeFile(file, 'x');
  await expect(add({ path: file })).rejects.toMatchObject({
    ...{ code: 'not-a-repository', action: 'Name the folder that it is in.' },
  });
});

test('a folder in the middle of a rebase is synced on the branch that is rebased', async () => {
  const { add } = await adding();
  const repo = await createGitRepo({ path: join(folder, 'notes') });
  const commit = async (text: string) => {
    await repo.write('a.txt', text);
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', text);
  };
  await commit('one');
  await repo.git('switch', '-qc', 'draft');
  await commit('two');
  await repo.git('switch', '-q', 'main');
  await commit('three');
  await repo.git('switch', '-q', 'draft');
  await repo.git('rebase', '-q', 'main').catch(() => undefined);
  const { github } = await add({ path: repo.path });
  expect(github.syncBranches).toEqual(['draft', 'auto/*']);
});

test('a preview names a file once that is held in several commits and in the work tree', async () => {
  const repo = await createGitRepo({ path: join(folder, 'notes') });
  for (const text of ['PASSWORD=hunter2hunter2', 'PASSWORD=hunter3hunter3']) {
    await repo.write('.env', text);
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', 'env');
  }
  await repo.write('.env', 'PASSWORD=hunter4hunter4');
  await repo.write('id_rsa', 'a key');
  const { held, heldCount } = await preview(repo.path);
  expect(held.map(({ path, commit }) => [path, commit !== undefined])).toEqual([
    ['.env', true],
    ['id_rsa', false],
  ]);
  expect(heldCount).toBe(2);
});
