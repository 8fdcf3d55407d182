import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readFailure, writeFailure } from '../../../src/git/io-failure.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo, type GitRepoOptions } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeStore(options?: GitRepoOptions): Promise<{ git: GitRepo; objects: ObjectStore }> {
  const git = await createGitRepo(options);
  const objects = openObjects(await openRepository(git.path), { fsync: true });
  cleanUps.push(git.remove, () => objects.close());
  return { git, objects };
}

const looseFile = (git: GitRepo, oid: string) =>
  join(git.path, '.git/objects', oid.slice(0, 2), oid.slice(2));
const ofCode = (code: string) => expect.objectContaining({ name: 'Failure', code });

test('write() makes loose objects that git reads and takes for its own', async () => {
  const { git, objects } = await makeStore();
  const large = randomBytes(200_000);
  for (const content of [Buffer.alloc(0), Buffer.from('hello\n'), large]) {
    const oid = await objects.write('blob', content);
    expect(oid).toBe((await git.gitBytes(['hash-object', '--stdin'], content)).toString().trim());
    expect((await git.gitBytes(['cat-file', 'blob', oid])).equals(content)).toBe(true);
    expect((await stat(looseFile(git, oid))).mode & 0o777).toBe(0o444);
    expect(await objects.read(oid)).toEqual({ type: 'blob', content });
  }
  expect(await readdir(join(git.path, '.git/objects'))).not.toContainEqual(
    expect.stringContaining('tmp_obj'),
  );
});

test('write() replaces object files that a crash left empty or cut short', async () => {
  const { git, objects } = await makeStore();
  const content = randomBytes(5000);
  const oid = await objects.write('blob', content);
  for (const length of [0, 40, 4000]) {
    await rm(looseFile(git, oid), { force: true });
    await git.gitBytes(['hash-object', '-w', '--stdin'], content);
    await truncate(looseFile(git, oid), length);
    await expect(objects.read(oid)).rejects.toEqual(ofCode('object-corrupt'));
    await objects.write('blob', content);
    expect((await objects.read(oid)).content.equals(content)).toBe(true);
  }
});

test('write() makes an object young again that git gc --prune=now would take away', async () => {
  const { git, objects } = await makeStore();
  const oid = await objects.write('blob', Buffer.from('kept'));
  await utimes(looseFile(git, oid), 1000, 1000);
  await objects.write('blob', Buffer.from('kept'));
  await git.git('prune', '--expire=1.hour.ago');
  expect(await git.git('cat-file', 'blob', oid)).toBe('kept');
});

test('write() adds no file for what a pack holds, and makes that pack young', async () => {
  const { git, objects } = await makeStore();
  await git.write('a.txt', 'packed');
  await git.git('add', '.');
  await git.git('commit', '-qm', 'one');
  await git.git('gc', '-q');
  const folder = join(git.path, '.git/objects/pack');
  const pack = join(folder, (await readdir(folder)).find((name) => name.endsWith('.pack')) ?? '');
  await utimes(pack, 1000, 1000);
  const oid = await objects.write('blob', Buffer.from('packed'));
  await expect(stat(looseFile(git, oid))).rejects.toThrow('ENOENT');
  expect((await stat(pack)).mtimeMs).toBeGreaterThan(1_600_000_000_000);
});

test('write() writes again what only a pack held that gc has deleted meanwhile', async () => {
  const { git, objects } = await makeStore();
  const oid = (await git.gitBytes(['hash-object', '-w', '--stdin'], 'lost')).toString().trim();
  await git.gitBytes(['pack-objects', '-q', '.git/objects/pack/pack'], `${oid}\n`);
  await git.git('prune-packed');
  expect((await objects.read(oid)).content.toString()).toBe('lost');
  await rm(join(git.path, '.git/objects/pack'), { recursive: true });
  await objects.write('blob', Buffer.from('lost'));
  expect(await git.git('cat-file', 'blob', oid)).toBe('lost');
});

test('read() finds what gc moved into a new pack after the folder was listed', async () => {
  const { git, objects } = await makeStore();
  const oids: string[] = [];
  for (let i = 0; i < 5; i++) {
    await git.write(`file-${i}.txt`, `content ${i}`);
    await git.git('add', '.');
    await git.git('commit', '-qm', `commit ${i}`);
    if (i === 2) await git.git('gc', '-q');
    oids.push((await git.git('rev-parse', `HEAD:file-${i}.txt`)).trim());
    if (i === 3) expect((await objects.read(oids[0] ?? '')).content.toString()).toBe('content 0');
  }
  await git.git('gc', '-q', '--prune=now');
  for (const [i, oid] of oids.entries()) {
    expect(await objects.has(oid)).toBe(true);
    expect((await objects.read(oid)).content.toString()).toBe(`content ${i}`);
  }
});

test('read() takes the sound copy in a pack when the loose file is damaged', async () => {
  const { git, objects } = await makeStore();
  await git.write('a.txt', 'sound');
  await git.git('add', '.');
  await git.git('commit', '-qm', 'one');
  await git.git('gc', '-q');
  const oid = (await git.git('rev-parse', 'HEAD:a.txt')).trim();
  await mkdir(join(looseFile(git, oid), '..'), { recursive: true });
  await writeFile(looseFile(git, oid), 'garbage');
  expect((await objects.read(oid)).content.toString()).toBe('sound');
});

test('read() names a missing object, and a wrong kind of object', async () => {
  const { objects } = await makeStore();
  const absent = '1'.repeat(40);
  await expect(objects.read(absent)).rejects.toEqual(ofCode('object-missing'));
  expect(await objects.has(absent)).toBe(false);
  const blob = await objects.write('blob', Buffer.from('x'));
  await expect(objects.readTree(blob)).rejects.toEqual(ofCode('object-corrupt'));
  await expect(objects.readCommit(blob)).rejects.toEqual(ofCode('object-corrupt'));
});

test('writeBlobFile() takes a file of 95 MB with little memory', async () => {
  const { git, objects } = await makeStore();
  const path = join(git.path, 'large.bin');
  const sizeBytes = 95_000_000;
  const file = await open(path, 'w');
  const block = randomBytes(1_000_000);
  for (let written = 0; written < sizeBytes; written += block.length) await file.write(block);
  await file.close();
  const before = process.resourceUsage().maxRSS;
  const oid = await objects.writeBlobFile({ path, name: 'large.bin', sizeBytes });
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(60);
  expect(oid).toBe((await git.git('hash-object', 'large.bin')).trim());
  expect((await git.git('cat-file', '-s', oid)).trim()).toBe(`${sizeBytes}`);
});

test('writeBlobFile() refuses a file that is longer, shorter or other than expected and leaves nothing', async () => {
  const { git, objects } = await makeStore();
  await git.write('a.bin', Buffer.alloc(300_000, 1));
  const file = { path: join(git.path, 'a.bin'), name: 'a.bin' };
  for (const wrong of [
    { sizeBytes: 299_999 },
    { sizeBytes: 300_001 },
    { sizeBytes: 300_000, oid: '2'.repeat(40) },
  ]) {
    await expect(objects.writeBlobFile({ ...file, ...wrong })).rejects.toEqual(ofCode('file-changing'));
  }
  await expect(
    objects.writeBlobFile({ ...file, path: join(git.path, 'gone'), sizeBytes: 1 }),
  ).rejects.toEqual(ofCode('file-changing'));
  expect((await readdir(join(git.path, '.git/objects'))).sort()).toEqual(['info', 'pack']);
});

test('writeBlobFile() only hashes what a pack already holds', async () => {
  const { git, objects } = await makeStore();
  await git.write('a.bin', Buffer.alloc(300_000, 1));
  await git.git('add', '.');
  await git.git('commit', '-qm', 'one');
  await git.git('gc', '-q');
  const oid = (await git.git('rev-parse', 'HEAD:a.bin')).trim();
  const file = { path: join(git.path, 'a.bin'), name: 'a.bin', sizeBytes: 300_000, oid };
  expect(await objects.writeBlobFile(file)).toBe(oid);
  await expect(stat(looseFile(git, oid))).rejects.toThrow('ENOENT');
  await git.write('a.bin', Buffer.alloc(300_000, 2));
  await expect(objects.writeBlobFile(file)).rejects.toEqual(ofCode('file-changing'));
});

test('close() leaves a store that can be used again', async () => {
  const { git, objects } = await makeStore();
  await git.write('a.txt', 'again');
  await git.git('add', '.');
  await git.git('commit', '-qm', 'one');
  await git.git('gc', '-q');
  const oid = (await git.git('rev-parse', 'HEAD:a.txt')).trim();
  await objects.read(oid);
  await objects.close();
  expect((await objects.read(oid)).content.toString()).toBe('again');
});

test('openRepository() finds the parts of plain repositories, worktrees and submodule-like folders', async () => {
  const { git } = await makeStore();
  await git.write('a.txt', 'x');
  await git.git('add', '.');
  await git.git('commit', '-qm', 'one');
  const linked = `${git.path}-linked`;
  cleanUps.push(() => rm(linked, { recursive: true, force: true }));
  await git.git('worktree', 'add', '-q', linked);
  const main = join(git.path, '.git');
  expect(await openRepository(git.path)).toEqual({ worktree: git.path, gitDir: main, commonDir: main });
  const repo = await openRepository(linked);
  expect(repo.commonDir).toBe(main);
  expect(repo.gitDir).toBe((await git.git('-C', linked, 'rev-parse', '--absolute-git-dir')).trim());
  expect((await readFile(join(repo.gitDir, 'HEAD'), 'utf8')).startsWith('ref: ')).toBe(true);
});

test('openRepository() names what is wrong with a folder', async () => {
  const { git } = await makeStore();
  const { git: bare } = await makeStore().then(async () => {
    const made = await createGitRepo({ bare: true });
    cleanUps.push(made.remove);
    return { git: made };
  });
  await git.write('sub/file', 'x');
  await git.write('broken/.git', 'gitdir: nowhere\n');
  await expect(openRepository(join(git.path, 'absent'))).rejects.toEqual(ofCode('folder-missing'));
  for (const path of ['sub', 'sub/file', 'broken']) {
    await expect(openRepository(join(git.path, path))).rejects.toEqual(ofCode('not-a-repository'));
  }
  await expect(openRepository(bare.path)).rejects.toEqual(ofCode('bare-repository'));
});

test('writeFailure() and readFailure() translate what the system says', () => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ['ENOSPC', 'EDQUOT'])
    expect(writeFailure(system(code), 'x')).toEqual(ofCode('disk-full'));
  for (const code of ['EACCES', 'EPERM', 'EROFS']) {
    expect(writeFailure(system(code), 'x')).toEqual(ofCode('write-refused'));
    expect(readFailure(system(code), 'x')).toEqual(ofCode('file-unreadable'));
  }
  expect(readFailure(system('ENOENT'), 'x')).toEqual(ofCode('file-changing'));
  const other = system('EIO');
  expect(writeFailure(other, 'x')).toBe(other);
});

test('read() of a store opened later recalls trees; has(), open(), commits and contents ask the disk', async () => {
  const { git, objects } = await makeStore();
  await git.write('a.txt', 'a\n');
  await git.git('add', '--all');
  await git.git('commit', '--quiet', '--message', 'a');
  const names = ['HEAD', 'HEAD^{tree}', 'HEAD:a.txt'];
  const oids = (await git.git('rev-parse', ...names)).trim().split('\n') as [string, string, string];
  for (const oid of oids) await objects.read(oid);
  for (const oid of oids) await rm(looseFile(git, oid), { force: true });
  const later = openObjects(await openRepository(git.path), { fsync: false });
  cleanUps.push(() => later.close());
  const [commit, tree, blob] = oids;
  expect((await later.readTree(tree)).map(({ name }) => name)).toEqual(['a.txt']);
  expect(await Promise.all(oids.map((oid) => later.has(oid)))).toEqual([false, false, false]);
  await expect(later.open(tree)).rejects.toEqual(ofCode('object-missing'));
  for (const oid of [commit, blob]) {
    await expect(later.read(oid)).rejects.toEqual(ofCode('object-missing'));
  }
});
