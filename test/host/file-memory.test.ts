import { mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileMemory } from '../../src/host/file-memory.ts';
import { changeUnseen } from '../support/unseen-change.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-file-memory-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Files made in a test are young: here they are an hour old at once. */
const later = { now: () => Date.now() + 3_600_000 };
const statOf = (path: string) => stat(path, { bigint: true });

async function kept(memory: FileMemory<string>, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  memory.keep(path, await statOf(path), memory.now(), await readFile(path, 'utf8'));
  return path;
}

test('FileMemory answers what a file said while its stat data is the same', async () => {
  const memory = new FileMemory<string>({ clock: later });
  const path = await kept(memory, 'a', 'one');
  expect(memory.find(path, await statOf(path))).toBe('one');
  expect(memory.find(`${path}.other`, await statOf(path))).toBeUndefined();
});

test('FileMemory notices another file of the same size and time in its place', async () => {
  const memory = new FileMemory<string>({ clock: later });
  const path = await kept(memory, 'a', 'one');
  const { atime, mtime } = await stat(path);
  await writeFile(`${path}.new`, 'two');
  await utimes(`${path}.new`, atime, mtime);
  await rename(`${path}.new`, path);
  expect(memory.find(path, await statOf(path))).toBeUndefined();
});

test('FileMemory notices a change whose time of change was set back', async () => {
  const memory = new FileMemory<string>({ clock: later });
  const path = await kept(memory, 'a', 'one');
  await changeUnseen(path, 'two');
  expect(memory.find(path, await statOf(path))).toBeUndefined();
});

test('FileMemory keeps nothing of a file that changed a moment ago, and nothing of what is no file', async () => {
  const memory = new FileMemory<string>();
  const path = await kept(memory, 'a', 'one');
  expect(memory.find(path, await statOf(path))).toBeUndefined();
  const settled = new FileMemory<string>({ clock: later });
  settled.keep(folder, await statOf(folder), settled.now(), 'a folder');
  expect(settled.find(folder, await statOf(folder))).toBeUndefined();
});

test('FileMemory keeps nothing of a file that was young when it was looked at, however long it took to read', async () => {
  const path = join(folder, 'a');
  await writeFile(path, 'one');
  const stats = await statOf(path);
  let at = Number(stats.mtimeNs / 1_000_000n) + 1_900;
  const memory = new FileMemory<string>({ clock: { now: () => at } });
  const lookedAt = memory.now();
  at += 60_000;
  memory.keep(path, stats, lookedAt, 'one');
  expect(memory.find(path, stats)).toBeUndefined();
});

test('FileMemory lets go of the files that nobody asked for longest', async () => {
  const memory = new FileMemory<string>({ clock: later, most: 2 });
  const [a, b] = [await kept(memory, 'a', '1'), await kept(memory, 'b', '2')];
  expect(memory.find(a, await statOf(a))).toBe('1');
  const c = await kept(memory, 'c', '3');
  const found = await Promise.all([a, b, c].map(async (path) => memory.find(path, await statOf(path))));
  expect(found).toEqual(['1', undefined, '3']);
});
