import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { replaceFile } from '../../src/host/replace-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-replace-'));
});
afterEach(() => rm(folder, { recursive: true }));

const OPEN = '/proc/self/fd';
const isLinux = process.platform === 'linux';

/** What this process has open in the folder. */
async function openThere(): Promise<string[]> {
  const links = (await readdir(OPEN)).map((name) => readlink(join(OPEN, name)).catch(() => ''));
  return (await Promise.all(links)).filter((path) => path.startsWith(folder));
}

test.each([10, 100_000])('replaceFile() puts a file of %d bytes in the place of another', async (size) => {
  const [from, to] = [join(folder, 'new'), join(folder, 'there')];
  await writeFile(to, 'old '.repeat(size));
  await writeFile(from, Buffer.alloc(size, 'n'));
  replaceFile(from, to, BigInt(size));
  expect(await readFile(to, 'latin1')).toBe('n'.repeat(size));
  expect(await readdir(folder)).toEqual(['there']);
  if (isLinux) await vi.waitFor(async () => expect(await openThere()).toEqual([]));
});

test('replaceFile() needs no other file there', async () => {
  await writeFile(join(folder, 'new'), 'new');
  replaceFile(join(folder, 'new'), join(folder, 'there'), 1_000_000n);
  expect(await readdir(folder)).toEqual(['there']);
});

test('replaceFile() throws what the system says, and holds on to nothing', async () => {
  await writeFile(join(folder, 'there'), 'old');
  expect(() => replaceFile(join(folder, 'gone'), join(folder, 'there'), 1_000_000n)).toThrow('ENOENT');
  expect(await readFile(join(folder, 'there'), 'utf8')).toBe('old');
  if (isLinux) await vi.waitFor(async () => expect(await openThere()).toEqual([]));
});
