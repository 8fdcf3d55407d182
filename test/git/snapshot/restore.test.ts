import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toRepoPath } from '../../../src/git/paths.ts';
import { protect } from '../../../src/git/snapshot/protect.ts';
import { type RestoreInput, restoreSnapshot } from '../../../src/git/snapshot/restore.ts';
import { diceOf } from '../../support/journey.ts';
import { moduleArgs } from '../../support/module-args.ts';
import { type Bench, createBench, everythingElse, treeByGit } from './bench.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
  await bench.git.write('a.txt', 'a\n');
  await bench.git.write('dir/b.txt', 'b\n');
  await bench.git.git('add', '-A');
  await bench.git.git('commit', '-qm', 'first');
});
afterEach(() => bench.git.remove());

const at = (name: string) => join(bench.path, name);
const read = (name: string) => readFile(at(name), 'utf8');
const treeOf = async (id: string) => (await bench.git.git('rev-parse', `${id}^{tree}`)).trim();
const restore = (snapshot: string, paths: string[] | 'all' = 'all', more: Partial<RestoreInput> = {}) =>
  restoreSnapshot(
    { ...bench.input, snapshot, paths: paths === 'all' ? paths : paths.map(toRepoPath), ...more },
    bench.ports,
  );

test('restoreSnapshot() brings everything back, keeps a snapshot of before, and leaves HEAD and index alone', async () => {
  await bench.git.write('a.txt', 'good\n');
  await bench.git.write('run.sh', 'echo\n', 0o755);
  await symlink('a.txt', at('link'));
  const good = await bench.snapshot();
  await bench.git.write('a.txt', 'ruined\n');
  await bench.git.write('more/new.txt', 'new\n');
  await rm(at('dir'), { recursive: true });
  await rm(at('link'));
  await rm(at('run.sh'));
  const ruined = await treeByGit(bench.path);
  const before = await everythingElse(bench.path);

  const answer = await restore(good);
  expect(answer.restored).toEqual(['a.txt', 'dir/b.txt', 'link', 'more/new.txt', 'run.sh']);
  expect(answer.skipped).toEqual([]);
  expect(await treeByGit(bench.path)).toBe(await treeOf(good));
  expect(await treeOf(answer.before)).toBe(ruined);
  expect((await readdir(bench.path)).includes('more')).toBe(false);
  const after = await everythingElse(bench.path);
  for (const key of ['.git/index', '.git/HEAD', 'refs']) expect(after[key]).toBe(before[key]);

  expect((await restore(good)).restored).toEqual([]);
  await restore(answer.before);
  expect(await treeByGit(bench.path)).toBe(ruined);
  await bench.git.git('fsck', '--strict', '--no-dangling');
});

test('restoreSnapshot() brings back one file or folder and nothing else', async () => {
  await bench.git.write('dir/c.txt', 'c\n');
  const good = await bench.snapshot();
  await bench.git.write('a.txt', 'edited\n');
  await bench.git.write('dir/b.txt', 'edited\n');
  await rm(at('dir/c.txt'));
  expect((await restore(good, ['dir/b.txt'])).restored).toEqual(['dir/b.txt']);
  expect((await restore(good, ['dir'])).restored).toEqual(['dir/c.txt']);
  expect(await read('a.txt')).toBe('edited\n');
});

test('restoreSnapshot() refuses ids and paths that are none', async () => {
  await bench.git.write('a.txt', '1\n');
  const good = await bench.snapshot();
  const head = (await bench.git.git('rev-parse', 'HEAD')).trim();
  for (const id of [head, 'f'.repeat(40), 'main', '../x']) {
    await expect(restore(id)).rejects.toMatchObject({ code: 'snapshot-not-found' });
  }
  for (const path of ['none.txt', '../a.txt', '.git/config', 'dir/../a.txt']) {
    await expect(restore(good, [path])).rejects.toMatchObject({ code: 'invalid-request' });
  }
});

test('restoreSnapshot() never touches ignored files, held files, or what lies behind links', async () => {
  await bench.git.write('conf.secret', 'v1\n');
  await bench.git.git('add', '-A');
  await bench.git.git('commit', '-qm', 'a file that is held from now on');
  await bench.git.write('cache.txt', 'once tracked\n');
  await bench.git.write('deep/x.txt', 'x\n');
  const good = await bench.snapshot();
  await bench.git.write('conf.secret', 'local change\n');
  await bench.git.git('rm', '-q', 'dir/b.txt');
  await bench.git.write('.gitignore', 'cache.txt\ndeep\n');
  await bench.git.write('cache.txt', 'precious and ignored\n');
  await rm(at('deep'), { recursive: true });
  const outside = `${bench.path}-outside`;
  await mkdir(outside);
  await symlink(outside, at('deep'));
  try {
    const later = await bench.snapshot();
    await bench.git.git('commit', '-qm', 'without b', '--', 'dir/b.txt');
    const answer = await restore(good);
    expect(answer.skipped.map(({ path }) => path).sort()).toEqual(['cache.txt', 'deep/x.txt']);
    expect(await read('cache.txt')).toBe('precious and ignored\n');
    expect(await read('conf.secret')).toBe('local change\n');
    expect(await readdir(outside)).toEqual([]);
    expect(await read('dir/b.txt')).toBe('b\n');
    await restore(later);
    expect(await read('cache.txt')).toBe('precious and ignored\n');
  } finally {
    await rm(outside, { recursive: true });
  }
});

test('restoreSnapshot() puts a held file back in no case, even when the snapshots differ there', async () => {
  await bench.git.write('x.secret', '1\n');
  await bench.git.git('add', '-A');
  await bench.git.git('commit', '-qm', 'one');
  const one = await bench.snapshot();
  await bench.git.write('x.secret', '2\n');
  await bench.git.git('commit', '-qam', 'two');
  await bench.snapshot();
  await bench.git.write('x.secret', 'only here\n');
  const answer = await restore(one);
  expect(answer).toMatchObject({ restored: [], skipped: [{ path: 'x.secret' }] });
  expect(await read('x.secret')).toBe('only here\n');
});

test('restoreSnapshot() leaves a file alone that is saved while it runs', async () => {
  await bench.git.write('a.txt', 'good\n');
  const good = await bench.snapshot();
  await bench.git.write('a.txt', 'bad\n');
  await bench.git.write('dir/b.txt', 'bad\n');
  let done = false;
  const answer = await restore(good, 'all', {
    faultPoint: async (name) => {
      if (name !== 'file-written' || done) return;
      done = true;
      await writeFile(at('a.txt'), 'saved just now\n');
    },
  });
  expect(answer.restored).toEqual(['dir/b.txt']);
  expect(answer.skipped.map(({ path }) => path)).toEqual(['a.txt']);
  expect(await read('a.txt')).toBe('saved just now\n');
});

test('restoreSnapshot() turns files into folders and folders into files', async () => {
  await bench.git.write('x', 'file\n');
  await bench.git.write('y/deep/z', 'folder\n');
  const one = await bench.snapshot();
  await rm(at('x'));
  await bench.git.write('x/inner', 'folder\n');
  await mkdir(at('x/empty/deeper'), { recursive: true });
  await rm(at('y'), { recursive: true });
  await bench.git.write('y', 'file\n');
  const two = await bench.snapshot();
  await restore(one);
  expect(await treeByGit(bench.path)).toBe(await treeOf(one));
  await restore(two);
  expect(await treeByGit(bench.path)).toBe(await treeOf(two));
});

test('restoreSnapshot() works in the middle of a merge and leaves the merge as it is', async () => {
  await bench.git.git('switch', '-qc', 'other');
  await bench.git.write('a.txt', 'theirs\n');
  await bench.git.git('commit', '-qam', 'theirs');
  await bench.git.git('switch', '-q', 'main');
  await bench.git.write('a.txt', 'ours\n');
  await bench.git.git('commit', '-qam', 'ours');
  const good = await bench.snapshot();
  await expect(bench.git.git('merge', 'other')).rejects.toThrow();
  const before = await everythingElse(bench.path);
  const answer = await restore(good, ['a.txt']);
  expect(await read('a.txt')).toBe('ours\n');
  expect(await bench.git.git('show', `${answer.before}:a.txt`)).toContain('<<<<<<<');
  const after = await everythingElse(bench.path);
  for (const key of ['.git/index', '.git/MERGE_HEAD']) expect(after[key]).toBe(before[key]);
});

test('restoring everything from any snapshot gives exactly its tree, over random edits', async () => {
  const dice = diceOf(23);
  const names = ['a', 'b', 'd/a', 'd/b', 'd/e/a', 'ü.txt', 'sp ace', 'd/e/f/g'];
  const ids: string[] = [];
  const clear = async (name: string) => {
    for (let path = name; path !== '.'; path = dirname(path)) {
      const stats = await lstat(at(path)).catch(() => null);
      if (stats && (path === name || !stats.isDirectory())) await rm(at(path), { recursive: true });
    }
  };
  for (let round = 0; round < 40; round++) {
    for (let edits = dice.below(4); edits >= 0; edits--) {
      const name = dice.pick(names);
      await clear(name);
      await mkdir(dirname(at(name)), { recursive: true });
      const turn = dice.below(5);
      if (turn === 0) await symlink(dice.pick(['a', 'nowhere', 'd']), at(name));
      else if (turn < 4) await writeFile(at(name), `${dice.below(50)}\n`);
      if (turn === 1) await chmod(at(name), 0o755);
    }
    bench.clock.set(bench.clock.now() + 60_000);
    const answer = await protect({ ...bench.input, always: true }, bench.ports);
    if (answer.kind === 'taken') ids.push(answer.snapshot.oid);
    if (dice.below(4) === 0) {
      await bench.git.git('add', '-A');
      await bench.git.git('commit', '-qm', 'by hand', '--allow-empty');
    }
    if (dice.below(2) === 0) continue;
    const id = dice.pick(ids);
    const { skipped } = await restore(id);
    expect(skipped).toEqual([]);
    expect(await treeByGit(bench.path)).toBe(await treeOf(id));
  }
  await bench.git.git('fsck', '--strict', '--no-dangling');
  expect(ids.length).toBeGreaterThan(20);
}, 120_000);

const WORKER = fileURLToPath(new URL('../../support/snapshot-crash-worker.ts', import.meta.url));
async function killAt(step: string, ...more: string[]): Promise<void> {
  const args = [...moduleArgs(WORKER), bench.path, step, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
}

test.each(['blobs-written', 'commit-written', 'ref-moved'])(
  'a snapshot that is killed at %s leaves a healthy repository, and the next one is whole',
  async (step) => {
    await bench.git.write('a.txt', 'edited\n');
    const before = await everythingElse(bench.path);
    await killAt(step);
    await bench.git.git('fsck', '--strict', '--no-dangling');
    expect(await everythingElse(bench.path)).toEqual(before);
    await protect({ ...bench.input, always: true }, bench.ports);
    expect(await treeOf('auto/main')).toBe(await treeByGit(bench.path));
  },
);

test.each(['before-taken', 'file-removed', 'file-written', 'file-placed'])(
  'a restore that is killed at %s loses nothing, and restoring again finishes it',
  async (step) => {
    await bench.git.write('a.txt', 'good\n');
    const good = await bench.snapshot();
    await bench.git.write('a.txt', 'later\n');
    await bench.git.write('extra.txt', 'extra\n');
    await symlink('a.txt', at('dir/link'));
    const later = await treeByGit(bench.path);
    await killAt(step, good);
    await bench.git.git('fsck', '--strict', '--no-dangling');
    const kept = (await bench.git.git('for-each-ref', '--format=%(refname)', 'refs/heads/auto/'))
      .trim()
      .split('\n');
    const trees = await Promise.all(kept.map(treeOf));
    expect(trees).toContain(later);
    expect((await bench.git.git('status', '--porcelain', '-uall')).includes('gitferry')).toBe(false);
    await restore(good);
    expect(await treeByGit(bench.path)).toBe(await treeOf(good));
  },
);

test('links are written as links, with exactly their target', async () => {
  await symlink('dir/b.txt', at('link'));
  const good = await bench.snapshot();
  await rm(at('link'));
  await bench.git.write('link', 'a file now\n');
  await restore(good);
  expect(await readlink(at('link'))).toBe('dir/b.txt');
  expect(await treeByGit(bench.path)).toBe(await treeOf(good));
});
