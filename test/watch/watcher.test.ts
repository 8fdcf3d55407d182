import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { createGitRepo } from '../support/git-repo.ts';
import {
  covers,
  projectAt,
  systemWatches,
  type Watched,
  watchRepository,
  without,
} from './watched-project.ts';

const started: Watched[] = [];
const start = async (...args: Parameters<typeof watchRepository>) => {
  const watched = await watchRepository(...args);
  started.push(watched);
  return watched;
};
afterEach(async () => {
  for (const watched of started.splice(0)) await watched.stop();
});

async function inHundreds(paths: readonly string[], act: (path: string) => Promise<void>) {
  for (let at = 0; at < paths.length; at += 100) await Promise.all(paths.slice(at, at + 100).map(act));
}

test('a saved file is told by its path', async () => {
  const w = await start({ prepare: (repo) => repo.write('notes/todo.md', '1') });
  await w.repo.write('notes/todo.md', '2');
  await w.untilTold('notes/todo.md');
  expect(w.told()).toEqual(new Set(['notes/todo.md']));
  expect(w.watcher.projectStatus(w.projectId)).toMatchObject({ mode: 'events' });
  expect(w.watcher.status()).toEqual({ mode: 'events', watched: 1, degradedReason: null });
});

test('a deleted file is told by its path', async () => {
  const w = await start({ prepare: (repo) => repo.write('a/b.md', '1') });
  await rm(join(w.repo.path, 'a/b.md'));
  await w.untilTold('a/b.md');
});

test('a burst of 10,000 files is told completely', async () => {
  const paths = Array.from({ length: 10_000 }, (_, index) => `f${index % 50}/${index}.txt`);
  const w = await start({
    async prepare(repo) {
      for (let folder = 0; folder < 50; folder += 1) await mkdir(join(repo.path, `f${folder}`));
    },
  });
  await inHundreds(paths, (path) => writeFile(join(w.repo.path, path), '1'));
  await w.until('all paths are told', () => {
    const told = w.told();
    return told === 'all' || paths.every((path) => covers(told, path));
  });
  expect(w.hints.length).toBeLessThan(500);
  expect(w.watcher.status()).toEqual({ mode: 'events', watched: 1, degradedReason: null });
});

test('`git checkout` between two branches tells the changed files and the git change', async () => {
  const w = await start({
    async prepare(repo) {
      await repo.write('same.md', 'same');
      await repo.write('old/only-main.md', '1');
      await repo.write('both/file.md', 'main');
      await repo.git('add', '-A');
      await repo.git('commit', '-qm', 'main');
      await repo.git('checkout', '-qb', 'auto/other');
      await repo.git('rm', '-q', 'old/only-main.md');
      await repo.write('both/file.md', 'other');
      await repo.write('new/deep/only-other.md', '2');
      await repo.git('add', '-A');
      await repo.git('commit', '-qm', 'other');
      await repo.git('checkout', '-q', 'main');
    },
  });
  await w.repo.git('checkout', '-q', 'auto/other');
  for (const path of ['old/only-main.md', 'both/file.md', 'new/deep/only-other.md']) await w.untilTold(path);
  await w.until('the git change is told', () => w.gitChanges() > 0);
  expect(covers(w.told(), 'same.md')).toBe(false);

  w.clear();
  await w.repo.git('checkout', '-q', 'main');
  for (const path of ['old/only-main.md', 'both/file.md', 'new/deep/only-other.md']) await w.untilTold(path);

  // The folders that came and went are watched again.
  w.clear();
  await w.repo.write('old/only-main.md', 'changed');
  await w.untilTold('old/only-main.md');
});

test('a file written right after `mkdir -p` is told, and so are later ones there', async () => {
  const w = await start();
  for (let round = 0; round < 10; round += 1) {
    await mkdir(join(w.repo.path, `r${round}/a/b/c`), { recursive: true });
    await writeFile(join(w.repo.path, `r${round}/a/b/c/now.md`), '1');
    await w.untilTold(`r${round}/a/b/c/now.md`);
  }
  await w.flush();
  w.clear();
  await w.repo.write('r7/a/b/c/later.md', '1');
  await w.untilTold('r7/a/b/c/later.md');
  expect(without(w.told())).toEqual(['r7/a/b/c/later.md']);
});

test('a folder that is deleted and made anew is watched again', async () => {
  const w = await start({ prepare: (repo) => repo.write('a/b/file.md', '1') });
  for (let round = 0; round < 5; round += 1) {
    await rm(join(w.repo.path, 'a'), { recursive: true });
    await mkdir(join(w.repo.path, 'a/b'), { recursive: true });
  }
  await w.untilTold('a/b');
  await w.flush();
  w.clear();
  await w.repo.write('a/b/file.md', '2');
  await w.untilTold('a/b/file.md');
  expect(without(w.told())).toEqual(['a/b/file.md']);
});

test('an atomic save (temporary file, then rename) tells the file', async () => {
  const w = await start({ prepare: (repo) => repo.write('doc.md', '1') });
  await w.repo.write('.doc.md.tmp', '2');
  await rename(join(w.repo.path, '.doc.md.tmp'), join(w.repo.path, 'doc.md'));
  await w.untilTold('doc.md');
});

test('a renamed folder is told by both names and goes on being watched', async () => {
  const w = await start({ prepare: (repo) => repo.write('before/sub/file.md', '1') });
  await rename(join(w.repo.path, 'before'), join(w.repo.path, 'after'));
  await w.untilTold('before');
  await w.untilTold('after');
  await w.flush();
  w.clear();
  await w.repo.write('after/sub/file.md', '2');
  await w.untilTold('after/sub/file.md');
  expect(without(w.told())).toEqual(['after/sub/file.md']);
});

test('a folder moved in from outside is told and watched', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'gitferry-outside-'));
  await mkdir(join(outside, 'album/2024'), { recursive: true });
  const w = await start();
  await rename(join(outside, 'album'), join(w.repo.path, 'album'));
  await w.untilTold('album');
  await w.flush();
  w.clear();
  await w.repo.write('album/2024/photo.txt', '1');
  await w.untilTold('album/2024/photo.txt');
  await rm(outside, { recursive: true });
});

test('ignored folders, node_modules and nested repositories cause no hints', async () => {
  const w = await start({
    async prepare(repo) {
      await repo.write('dist/deep/a.js', '1');
      await repo.write('node_modules/pkg/index.js', '1');
      await repo.write('vendor/lib/code.c', '1');
      await repo.write('app/src/main.ts', '1');
      await repo.git('init', '-q', 'vendor/lib');
    },
  });
  await w.repo.write('dist/deep/a.js', '2');
  await w.repo.write('dist/new/folder/b.js', '2');
  await w.repo.write('node_modules/pkg/index.js', '2');
  await w.repo.write('node_modules/other/index.js', '2');
  await w.repo.write('vendor/lib/code.c', '2');
  await w.repo.write('vendor/lib/more/code.c', '2');
  await w.repo.write('app/debug.log', '2');
  await w.repo.write('app/src/dist/bundle.js', '2');
  await w.flush();
  expect(without(w.told())).toEqual([]);
});

test('ignored folders take no watch of the system', async () => {
  const before = systemWatches();
  const w = await start({
    async prepare(repo) {
      await repo.write('app/src/main.ts', '1');
      for (const folder of ['dist/a/b', 'node_modules/pkg/lib', 'app/dist/x'])
        await repo.write(`${folder}/f`, '1');
    },
  });
  // The project, app, app/src; of git its folder and refs/heads.
  expect(w.watcher.projectStatus(w.projectId)).toEqual({ mode: 'events', folders: 3 });
  expect(systemWatches() - before).toBe(5);
});

test('a named pipe stops nothing, and a new link is told but not followed', async () => {
  const outside = await createGitRepo();
  await outside.write('deep/er/a.md', '1');
  const before = systemWatches();
  const w = await start({ prepare: (repo) => symlink(outside.path, join(repo.path, 'there before')) });
  const watches = systemWatches() - before;
  await promisify(execFile)('mkfifo', [join(w.repo.path, 'pipe')]);
  await symlink(outside.path, join(w.repo.path, 'new'));
  await w.untilTold('new');
  await outside.write('deep/er/a.md', '2');
  await w.flush();
  expect(systemWatches() - before).toBe(watches);
  expect(without(w.told())).toEqual(['new', 'pipe']);
  await w.watcher.close();
  await outside.remove();
});

test('a link to itself that takes the place of a folder in the wrong moment ends no watch', async () => {
  let folder = '';
  const w = await start({
    async prepare(repo) {
      await repo.write('swap/a.md', '1');
      folder = join(repo.path, 'swap');
    },
    // Asked of a folder that was listed, before it is watched.
    async isIgnored(_projectId, path) {
      if (path === 'swap' && (await lstat(folder)).isDirectory()) {
        await rm(folder, { recursive: true });
        await symlink('swap', folder);
      }
      return false;
    },
  });
  await w.flush();
  expect(w.watcher.status()).toMatchObject({ mode: 'events', watched: 1 });
  expect(w.watcher.projectStatus(w.projectId)).toEqual({ mode: 'events', folders: 1 });
});

test('a changed .gitignore changes what is watched', async () => {
  const ignored = new Set(['cache']);
  const w = await start({
    isIgnored: (_projectId, path) => ignored.has(path.split('/')[0] ?? ''),
    prepare: (repo) => repo.write('cache/deep/a.md', '1'),
  });
  await w.repo.write('cache/deep/a.md', '2');
  await w.flush();
  expect(without(w.told())).toEqual([]);
  ignored.clear();
  await w.repo.write('.gitignore', '# nothing');
  await w.untilTold('.gitignore');
  w.clear();
  await w.repo.write('cache/deep/a.md', '3');
  await w.untilTold('cache/deep/a.md');
});

test('another folder that takes the place of the watched one is told as "all" and watched', async () => {
  const w = await start({ prepare: (repo) => repo.write('a/b.md', '1') });
  const away = await mkdtemp(join(tmpdir(), 'gitferry-away-'));
  await rename(w.repo.path, join(away, 'old'));
  await mkdir(join(w.repo.path, '.git/refs/heads'), { recursive: true });
  await mkdir(join(w.repo.path, 'a'));
  await w.until('all is told', () => w.told() === 'all');
  await w.watcher.add(projectAt(w.repo.path));
  w.clear();
  await w.repo.write('a/b.md', '2');
  await w.untilTold('a/b.md');
  await rm(away, { recursive: true });
});

test("git's own noise (objects, lock files, logs) causes neither hints nor git changes", async () => {
  const w = await start({
    async prepare(repo) {
      await repo.write('a.md', '1');
      await repo.git('add', '-A');
      await repo.git('commit', '-qm', 'first');
    },
  });
  await w.repo.git('hash-object', '-w', 'a.md');
  await w.repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  for (const name of ['index.lock', 'HEAD.lock', 'COMMIT_EDITMSG', 'refs/heads/main.lock']) {
    await writeFile(join(w.repo.path, '.git', name), 'x');
    await rm(join(w.repo.path, '.git', name));
  }
  await w.flush();
  // A git change would be told a moment after it: a real one comes after any of the noise.
  await w.repo.git('branch', 'real');
  await w.until('the new branch is told', () => w.gitChanges() > 0);
  expect(w.gitChanges()).toBe(1);
  expect(without(w.told())).toEqual([]);
});

test('a commit, a branch in a folder and a merge are told as git changes', async () => {
  const w = await start({
    async prepare(repo) {
      await repo.write('a.md', '1');
      await repo.git('add', '-A');
      await repo.git('commit', '-qm', 'first');
    },
  });
  const next = async (what: string, act: () => Promise<unknown>) => {
    const before = w.gitChanges();
    await act();
    await w.until(what, () => w.gitChanges() > before);
  };
  await next('a branch in a new folder', () => w.repo.git('branch', 'auto/deep/one'));
  await next('a second branch there', () => w.repo.git('branch', 'auto/deep/two'));
  await next('the staged file', async () => {
    await w.repo.write('b.md', '1');
    await w.repo.git('add', 'b.md');
  });
  await next('the commit', () => w.repo.git('commit', '-qm', 'second'));
  await next('a merge in progress', () => writeFile(join(w.repo.path, '.git/MERGE_HEAD'), 'x'));
});

test('a linked worktree tells git changes from the repository it belongs to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-linked-'));
  const linked = join(folder, 'tree');
  const w = await start({
    async prepare(repo) {
      await repo.write('a.md', '1');
      await repo.git('add', '-A');
      await repo.git('commit', '-qm', 'first');
      await repo.git('worktree', 'add', '-q', '-b', 'auto/linked', linked);
    },
    project: (repo) => ({
      projectId: 'linked' as ProjectId,
      path: linked,
      gitDir: join(repo.path, '.git/worktrees/tree'),
      commonDir: join(repo.path, '.git'),
    }),
  });
  await writeFile(join(linked, 'a.md'), '2');
  await w.untilTold('a.md');
  await w.repo.git('-C', linked, 'commit', '-qam', 'second');
  await w.until('the commit is told', () => w.gitChanges() > 0);
  const before = w.gitChanges();
  await w.repo.git('branch', 'auto/new');
  await w.until('the branch made in the other work tree is told', () => w.gitChanges() > before);
  await w.watcher.close();
  await rm(folder, { recursive: true });
});

test('the watched folder vanishing is told as "all", and adding it again watches what is there then', async () => {
  const w = await start({ prepare: (repo) => repo.write('a.md', '1') });
  await rename(w.repo.path, `${w.repo.path}-away`);
  await w.until('all is told', () => w.told() === 'all');
  expect(w.watcher.projectStatus(w.projectId)).toBeNull();
  expect(w.watcher.status().degradedReason).toBeNull();
  await rename(`${w.repo.path}-away`, w.repo.path);
  await w.watcher.add(projectAt(w.repo.path));
  w.clear();
  await w.repo.write('a.md', '2');
  await w.untilTold('a.md');
  expect(w.told()).toEqual(new Set(['a.md']));
});

test('adding a folder that is not there tells "all" and rejects nothing', async () => {
  const w = await start({ project: (repo) => projectAt(join(repo.path, 'nowhere')) });
  expect(w.told()).toBe('all');
  expect(w.watcher.projectStatus(w.projectId)).toBeNull();
});

test('remove() and close() end what was watched', async () => {
  const before = systemWatches();
  const w = await start({ prepare: (repo) => repo.write('a/b/c.md', '1') });
  expect(systemWatches()).toBeGreaterThan(before);
  await w.watcher.remove(w.projectId);
  expect(systemWatches()).toBe(before);
  const other = await start({ repo: w.repo });
  await w.repo.write('a/b/c.md', '2');
  await other.untilTold('a/b/c.md');
  expect(w.hints).toEqual([]);
  expect(w.watcher.projectStatus(w.projectId)).toBeNull();
  await other.watcher.close();
});
