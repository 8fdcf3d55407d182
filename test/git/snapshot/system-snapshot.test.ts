// Snapshots where only the system's git understands the repository: what is stored and what comes back is compared
// with what git itself makes of it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toRepoPath } from '../../../src/git/paths.ts';
import { protect } from '../../../src/git/snapshot/protect.ts';
import { restoreSnapshot } from '../../../src/git/snapshot/restore.ts';
import { createGitRepo } from '../../support/git-repo.ts';
import { moduleArgs } from '../../support/module-args.ts';
import { type Bench, createBench, everythingElse, treeByGit } from './bench.ts';

/** Comes with ssh. */
const KEYGEN = 'ssh-keygen';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
  await bench.git.write('.gitattributes', '*.txt text eol=crlf\n');
  await bench.git.write('a.txt', 'one\r\ntwo\r\n');
  await bench.git.write('plain.bin', 'as it is\r\n');
  await bench.git.git('add', '-A');
  await bench.git.git('commit', '-qm', 'first');
});
afterEach(() => bench.git.remove());

const git = (...args: string[]) => bench.git.git(...args);
const at = (name: string) => join(bench.path, name);
const read = (name: string) => readFile(at(name), 'latin1');
const treeOf = async (id: string) => (await git('rev-parse', `${id}^{tree}`)).trim();
const restore = (snapshot: string, paths: string[] | 'all' = 'all') =>
  restoreSnapshot(
    { ...bench.input, snapshot, paths: paths === 'all' ? paths : paths.map(toRepoPath) },
    bench.ports,
  );

test('protect() stores contents as git does, and changes neither index nor work tree', async () => {
  await bench.git.write('a.txt', 'one\r\nedited\r\n');
  await bench.git.write('new dir/ü.txt', 'new\r\n');
  await bench.git.write('run.sh', 'x\n', 0o755);
  await symlink('a.txt', at('link'));
  await rm(at('plain.bin'));
  await bench.git.write('key.secret', 'hunter2\n');
  await git('add', 'a.txt');
  const before = await everythingElse(bench.path);
  const answer = await protect(bench.input, bench.ports);
  expect(answer).toMatchObject({ kind: 'taken', engine: { name: 'git' }, held: [{ path: 'key.secret' }] });
  expect(await everythingElse(bench.path)).toEqual(before);
  await rm(at('key.secret'));
  expect(await treeOf('auto/main')).toBe(await treeByGit(bench.path));
  expect(await git('show', 'auto/main:a.txt')).toBe('one\nedited\n');
  await git('fsck', '--strict', '--no-dangling');
});

test('protect() keeps a conflict as it lies, files taken out of the index, and no ignored ones', async () => {
  await bench.git.write('kept.txt', '1\r\n');
  await bench.git.write('private.txt', '1\r\n');
  await git('add', '-A');
  await git('commit', '-qm', 'more');
  await git('switch', '-qc', 'other');
  await bench.git.write('a.txt', 'THEIRS\r\n');
  await bench.git.write('theirs.txt', 'theirs\r\n');
  await git('add', '-A');
  await git('commit', '-qm', 'theirs');
  await git('switch', '-q', 'main');
  await bench.git.write('a.txt', 'OURS\r\n');
  await git('commit', '-qam', 'ours');
  await expect(git('merge', 'other')).rejects.toThrow();
  await git('rm', '-q', '--cached', 'kept.txt', 'private.txt');
  await bench.git.write('kept.txt', '2\r\n');
  await bench.git.write('private.txt', 'for nobody\r\n');
  await bench.git.write('forced.log', 'forced\n');
  await bench.git.write('.gitignore', 'private.txt\n*.log\n');
  await bench.git.write('ignored.log', 'stays\n');
  await git('add', '-f', 'forced.log');
  const before = await everythingElse(bench.path);
  const id = await bench.snapshot();
  expect(await everythingElse(bench.path)).toEqual(before);
  expect(await git('show', `${id}:a.txt`)).toContain('<<<<<<< HEAD\nOURS\n=======\nTHEIRS\n');
  expect(await git('show', `${id}:theirs.txt`)).toBe('theirs\n');
  expect(await git('show', `${id}:kept.txt`)).toBe('2\n');
  expect(await git('show', `${id}:private.txt`)).toBe('1\n');
  expect(await git('show', `${id}:forced.log`)).toBe('forced\n');
  expect(await git('ls-tree', '-r', '--name-only', id)).not.toContain('ignored.log');
  await git('fsck', '--strict', '--no-dangling');
});

test('restoreSnapshot() writes files as git would, and takes a snapshot of now first', async () => {
  await bench.git.write('run.sh', 'x\n', 0o755);
  await bench.git.write('sub/b.txt', 'b\r\n');
  await symlink('a.txt', at('link'));
  const good = await bench.snapshot();
  await bench.git.write('a.txt', 'ruined\r\n');
  await chmod(at('run.sh'), 0o644);
  await rm(at('sub'), { recursive: true });
  await bench.git.write('sub', 'a file now\n');
  await rm(at('link'));
  await bench.git.write('extra.txt', 'extra\r\n');
  const ruined = await treeByGit(bench.path);
  const before = await everythingElse(bench.path);
  const answer = await restore(good);
  expect(answer.skipped).toEqual([]);
  expect(await read('a.txt')).toBe('one\r\ntwo\r\n');
  expect(await read('sub/b.txt')).toBe('b\r\n');
  expect((await stat(at('run.sh'))).mode & 0o111).not.toBe(0);
  expect(await treeByGit(bench.path)).toBe(await treeOf(good));
  expect(await treeOf(answer.before)).toBe(ruined);
  const after = await everythingElse(bench.path);
  for (const key of ['.git/index', '.git/HEAD', 'refs']) expect(after[key]).toBe(before[key]);
  expect((await restore(good)).restored).toEqual([]);
  expect((await restore(answer.before, ['a.txt'])).restored).toEqual(['a.txt']);
  expect(await read('a.txt')).toBe('ruined\r\n');
});

test('restoreSnapshot() writes names that are not UTF-8, and none over what was saved this moment', async () => {
  const odd = Buffer.concat([
    Buffer.from(`${bench.path}/`),
    Buffer.from([0x66, 0xff, 0x2e, 0x74, 0x78, 0x74]),
  ]);
  await writeFile(odd, 'odd\r\n');
  await bench.git.write('new\nline.txt', 'n\r\n');
  const good = await bench.snapshot();
  await rm(odd);
  await rm(at('new\nline.txt'));
  await bench.git.write('a.txt', 'bad\r\n');
  let isDone = false;
  const answer = await restoreSnapshot(
    {
      ...{ ...bench.input, snapshot: good, paths: 'all' },
      faultPoint: async (name) => {
        if (name !== 'file-written' || isDone) return;
        isDone = true;
        await writeFile(at('a.txt'), 'saved just now\r\n');
      },
    },
    bench.ports,
  );
  expect(answer.skipped.map(({ path }) => path)).toEqual(['a.txt']);
  expect(await read('a.txt')).toBe('saved just now\r\n');
  expect(await readFile(odd, 'latin1')).toBe('odd\r\n');
  expect(await read('new\nline.txt')).toBe('n\r\n');
});

test('restoreSnapshot() brings LFS contents back, and names what a filter cannot write', async () => {
  await git('lfs', 'install', '--local');
  await bench.git.write('.gitattributes', '*.psd filter=lfs diff=lfs merge=lfs -text\n*.odd filter=odd\n');
  await git('config', 'filter.odd.clean', 'cat');
  await git('config', 'filter.odd.smudge', 'cat');
  await git('config', 'filter.odd.required', 'true');
  await bench.git.write('big.psd', 'layers\n');
  await bench.git.write('x.odd', 'odd\n');
  const good = await bench.snapshot();
  expect(await git('show', `${good}:big.psd`)).toContain('git-lfs.github.com/spec');
  await bench.git.write('big.psd', 'ruined\n');
  await bench.git.write('x.odd', 'ruined\n');
  await git('config', 'filter.odd.smudge', 'false');
  const answer = await restore(good);
  expect(answer.restored).toEqual(['big.psd']);
  expect(answer.skipped).toMatchObject([{ path: 'x.odd', reason: expect.stringContaining('smudge filter') }]);
  expect(await read('big.psd')).toBe('layers\n');
  expect(await read('x.odd')).toBe('ruined\n');
});

test('a restore that brings attributes back has git write the other files by them', async () => {
  const good = await bench.snapshot();
  await git('rm', '-q', '--cached', '.gitattributes');
  await rm(at('.gitattributes'));
  await git('commit', '-qm', 'without rules');
  await rm(at('a.txt'));
  const answer = await restore(good);
  expect(answer.skipped).toEqual([]);
  expect(await read('a.txt')).toBe('one\r\ntwo\r\n');
});

test.each([
  ['a split index', async () => void (await git('update-index', '--split-index'))],
  ['a hook', async () => bench.git.write('.git/hooks/pre-commit', '#!/bin/sh\nexit 1\n', 0o755)],
  [
    'a sparse checkout',
    async () => {
      await bench.git.write('far/x.txt', 'far\r\n');
      await git('add', '-A');
      await git('commit', '-qm', 'far');
      await git('sparse-checkout', 'set', '--cone', '--sparse-index', 'near');
    },
  ],
])('snapshots work with %s', async (_name, prepare) => {
  await prepare();
  const whole = await git('ls-tree', '-r', '--name-only', 'HEAD');
  await bench.git.write('a.txt', 'edited\r\n');
  const before = await everythingElse(bench.path);
  const id = await bench.snapshot();
  expect(await everythingElse(bench.path)).toEqual(before);
  expect(await git('show', `${id}:a.txt`)).toBe('edited\n');
  expect(await git('ls-tree', '-r', '--name-only', id)).toBe(whole);
  await bench.git.write('a.txt', 'ruined\r\n');
  expect((await restore(id)).restored).toEqual(['a.txt']);
});

test('a file that is not here in a partial clone is fetched for the restore', async () => {
  await git('config', 'uploadpack.allowFilter', 'true');
  await git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  await bench.git.write('a.txt', 'two\r\n');
  const old = await bench.snapshot();
  const path = `${bench.path}-partial`;
  const clone = await createGitRepo({ path });
  try {
    await clone.git('remote', 'add', 'origin', `file://${bench.path}`);
    await clone.git('fetch', '-q', '--filter=blob:none', 'origin', 'main', 'auto/main:auto/main');
    await clone.git('config', 'user.name', 'Ada');
    await clone.git('config', 'user.email', 'ada@example.com');
    await clone.git('reset', '-q', '--hard', 'origin/main');
    const input = { ...bench.input, worktree: path };
    const answer = await restoreSnapshot({ ...input, snapshot: old, paths: 'all' }, bench.ports);
    expect(answer.restored).toEqual(['a.txt']);
    expect(await readFile(join(path, 'a.txt'), 'latin1')).toBe('two\r\n');
  } finally {
    await clone.remove();
  }
});

test('a snapshot is signed with a key that needs no question, and else taken without a signature', async () => {
  await mkdir(at('.git/keys'));
  const key = (name: string, word: string) =>
    spawn(KEYGEN, ['-q', '-t', 'ed25519', '-N', word, '-f', at(`.git/keys/${name}`)]);
  await once(key('open', ''), 'close');
  await once(key('shut', 'a word'), 'close');
  for (const [name, value] of [
    ['commit.gpgSign', 'true'],
    ['gpg.format', 'ssh'],
  ] as const) {
    await git('config', name, value);
  }
  await git('config', 'user.signingKey', at('.git/keys/open.pub'));
  await bench.git.write('a.txt', '1\r\n');
  const signed = await bench.snapshot();
  expect(await git('cat-file', 'commit', signed)).toContain('gpgsig -----BEGIN SSH SIGNATURE-----');
  await git('config', 'user.signingKey', at('.git/keys/shut.pub'));
  await bench.git.write('a.txt', '2\r\n');
  const unsigned = await bench.snapshot();
  expect(await git('cat-file', 'commit', unsigned)).not.toContain('gpgsig');
  expect((await git('log', '-1', '--format=%P', unsigned)).trim()).toBe(signed);
});

const WORKER = fileURLToPath(new URL('../../support/snapshot-crash-worker.ts', import.meta.url));

test.each([
  ['blobs-written', false],
  ['commit-written', false],
  ['before-taken', true],
  ['file-written', true],
  ['file-placed', true],
])(
  'killed at %s (restore: %s), the repository is healthy and the next try is whole',
  async (step, isRestore) => {
    const good = await bench.snapshot();
    await bench.git.write('a.txt', 'later\r\n');
    await bench.git.write('plain.bin', 'later\n');
    const args = [...moduleArgs(WORKER), bench.path, step, ...(isRestore ? [good] : [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGKILL');
    await git('fsck', '--strict', '--no-dangling');
    expect(await git('status', '--porcelain', '-uall')).not.toContain('gitferry');
    if (!isRestore) await protect({ ...bench.input, always: true }, bench.ports);
    else await restore(good);
    expect(await treeByGit(bench.path)).toBe(await treeOf(isRestore ? good : 'auto/main'));
  },
);
