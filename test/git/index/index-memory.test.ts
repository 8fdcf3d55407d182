import { lstat, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type IndexFile, readIndex, rememberIndex } from '../../../src/git/index/index-file.ts';
import { type IndexMark, IndexMemory } from '../../../src/git/index/index-memory.ts';
import { patchIndex } from '../../../src/git/index/index-write.ts';
import { parseOwnIndex } from '../../../src/git/index/parse-index.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { Repository } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeBench(): Promise<{ git: GitRepo; repo: Repository; file: string }> {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  for (const path of ['a', 'b', 'c']) await git.write(path, `${path}\n`);
  await git.git('add', '.');
  return { git, repo: await openRepository(git.path), file: join(git.path, '.git/index') };
}

const pathsOf = (index: IndexFile) => [...index.entries()].map(({ path }) => path as string);
const oidOf = (index: IndexFile, path: string) =>
  [...index.entries()].find((entry) => entry.path === path)?.oid;

/** Gives the file the times of another, as if both had been written in one tick of the clock. */
async function atTheSameTick(file: string, seconds: number): Promise<void> {
  await utimes(file, seconds, seconds);
}

test('readIndex() takes an index that is still the same from memory', async () => {
  const { repo } = await makeBench();
  const first = await readIndex(repo);
  const second = await readIndex(repo);
  expect(second.raw).toBe(first.raw);
  expect(second.mtimeNs).toBe(first.mtimeNs);
});

test("readIndex() sees a person's `git add` within the same tick, also when the size stays the same", async () => {
  const { git, repo, file } = await makeBench();
  const tick = 1_700_000_000;
  await atTheSameTick(file, tick);
  const before = await readIndex(repo);
  await git.write('b', 'B\n');
  await git.git('add', 'b');
  await atTheSameTick(file, tick);
  const after = await readIndex(repo);
  expect(after.raw.length).toBe(before.raw.length);
  expect(after.mtimeNs).toBe(before.mtimeNs);
  expect(oidOf(after, 'b')).not.toBe(oidOf(before, 'b'));
  expect(oidOf(after, 'b')).toBe((await git.git('rev-parse', ':b')).trim());
});

test('readIndex() sees another index of the same size, time and inode', async () => {
  const { git, repo, file } = await makeBench();
  const tick = 1_700_000_000;
  const old = await readFile(file);
  await git.write('b', 'B\n');
  await git.git('add', 'b');
  const other = await readFile(file);
  expect(other.length).toBe(old.length);
  await writeFile(file, old);
  await atTheSameTick(file, tick);
  const { ino } = await lstat(file);
  const before = await readIndex(repo);
  await writeFile(file, other);
  await atTheSameTick(file, tick);
  expect((await lstat(file)).ino).toBe(ino);
  expect(oidOf(await readIndex(repo), 'b')).not.toBe(oidOf(before, 'b'));
});

test('readIndex() proves an index anew when its bytes were touched, and refuses a damaged one', async () => {
  const { repo, file } = await makeBench();
  await readIndex(repo);
  const bytes = await readFile(file);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await atTheSameTick(file, 1_700_000_000);
  await expect(readIndex(repo)).rejects.toMatchObject({ code: 'index-corrupt' });
});

test('readIndex() sees that an index was split, shrank, or went away', async () => {
  const { git, repo, file } = await makeBench();
  await readIndex(repo);
  await git.git('update-index', '--split-index');
  expect((await readIndex(repo)).extensions).toContain('link');
  await git.git('update-index', '--no-split-index');
  await git.git('rm', '-q', '--cached', 'c');
  expect(pathsOf(await readIndex(repo))).toEqual(['a', 'b']);
  await rename(file, `${file}.away`);
  expect((await readIndex(repo)).count).toBe(0);
  await writeFile(file, 'short');
  await expect(readIndex(repo)).rejects.toMatchObject({ code: 'index-corrupt' });
});

test('rememberIndex() spares reading what was written, in every version, and is right about it', async () => {
  const { git, repo, file } = await makeBench();
  for (const version of ['2', '4']) {
    await git.git('update-index', `--index-version=${version}`);
    const bytes = patchIndex(await readIndex(repo), { changes: [], unsure: [1] });
    await writeFile(`${file}.new`, bytes);
    rememberIndex(repo, { bytes, offsets: null, recent: null }, await lstat(`${file}.new`, { bigint: true }));
    await rename(`${file}.new`, file);
    const known = await readIndex(repo);
    expect((await readIndex(repo)).raw).toBe(known.raw);
    expect([...known.entries()].map(({ size }) => size)).toEqual([2, 0, 2]);
    await utimes(file, 1_700_000_000, 1_700_000_000);
    const read = await readIndex(repo);
    expect(read.raw).not.toBe(known.raw);
    expect(read.raw.equals(known.raw)).toBe(true);
  }
});

const EMPTY = Buffer.from('44495243000000020000000039d890139ee5356c7ef572216cebcd27aa41f9df', 'hex');
const mark = (n: number): IndexMark => ({ size: 32n, mtimeNs: 1n, ino: 1n, hash: Buffer.alloc(20, n) });

test('IndexMemory keeps the indexes used last, up to its bound', () => {
  const layout = parseOwnIndex(EMPTY);
  const weight = layout.raw.length + layout.offsets.byteLength;
  const memory = new IndexMemory({ clock: createManualClock(), limitBytes: weight * 2, idleMs: 1_000 });
  memory.keep('one', mark(1), layout);
  memory.keep('two', mark(2), layout);
  expect(memory.find('one', mark(1))).toBe(layout);
  memory.keep('three', mark(3), layout);
  expect(['one', 'two', 'three'].map((path) => memory.has(path))).toEqual([true, false, true]);
  expect(memory.weight).toBe(weight * 2);
  memory.keep('three', mark(4), layout);
  expect(memory.find('three', mark(3))).toBe(null);
  expect(memory.weight).toBe(weight * 2);
  const small = new IndexMemory({ clock: createManualClock(), limitBytes: weight - 1, idleMs: 1_000 });
  small.keep('one', mark(1), layout);
  expect(small.has('one')).toBe(false);
});

test('IndexMemory lets everything go when nothing was asked for a while, and no sooner', async () => {
  const clock = createManualClock();
  const layout = parseOwnIndex(EMPTY);
  const memory = new IndexMemory({ clock, limitBytes: 1_000, idleMs: 1_000 });
  memory.keep('one', mark(1), layout);
  await clock.advance(500);
  expect(memory.find('one', mark(1))).toBe(layout);
  await clock.advance(1_000);
  expect(memory.has('one')).toBe(true);
  await clock.advance(1_000);
  expect(memory.weight).toBe(0);
  expect(clock.nextTimerMs()).toBe(null);
});
