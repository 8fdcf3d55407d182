import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFile } from '../../src/host/open-file.ts';
import { lstat, readdir, readFile, rename, stat, writeFile } from '../../src/host/small-files.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-small-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('small files are written, looked at, renamed and read as by node:fs/promises', async () => {
  const path = join(folder, 'small');
  await writeFile(path, 'text', { flag: 'wx', mode: 0o600 });
  await rename(path, `${path}-renamed`);
  expect(await readFile(`${path}-renamed`, 'utf8')).toBe('text');
  expect([...(await readFile(`${path}-renamed`))]).toEqual([...Buffer.from('text')]);
  expect((await stat(`${path}-renamed`, { bigint: true })).size).toBe(4n);
  expect((await readdir(folder, { withFileTypes: true })).map((entry) => entry.isFile())).toEqual([true]);
});

test('what the system refuses is a rejection with its code, and nothing is thrown', async () => {
  const missing = join(folder, 'missing');
  for (const asked of [readFile(missing), lstat(missing), readdir(missing), openFile(missing)]) {
    await expect(asked).rejects.toMatchObject({ code: 'ENOENT' });
  }
});

test('a loop over many small files lets timers have their turn', async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const begin = performance.now();
  while (performance.now() - begin < 200) await stat(folder);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(2);
});

test.skipIf(process.platform === 'win32')(
  'a named pipe in the place of a file is not waited for',
  async () => {
    const pipe = join(folder, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    expect(await readFile(pipe, 'utf8')).toBe('');
  },
);

test('openFile() reads and writes little and much alike', async () => {
  for (const sizeBytes of [10, 300_000]) {
    const path = join(folder, `open-${sizeBytes}`);
    const content = Buffer.alloc(sizeBytes, 'abc');
    const written = await openFile(path, 'wx', 0o600);
    await written.writeFile(Buffer.alloc(sizeBytes + 5, 'x'));
    await written.close();
    const again = await openFile(path, 'r+');
    await again.truncate(0);
    await again.writeFile(content);
    await again.sync();
    await again.close();
    const file = await openFile(path);
    const buffer = Buffer.alloc(sizeBytes);
    expect(await file.read(buffer, 0, sizeBytes, 0)).toEqual({ bytesRead: sizeBytes });
    expect(buffer.equals(content)).toBe(true);
    expect((await file.readFile()).equals(content)).toBe(true);
    // All is read: from here on there is nothing.
    expect(await file.read(buffer, 0, sizeBytes, null)).toEqual({ bytesRead: 0 });
    expect((await file.stat()).size).toBe(BigInt(sizeBytes));
    await file.close();
  }
});

test('openFile() tells of a disk that is full', async () => {
  const file = await openFile('/dev/full', 'r+');
  for (const sizeBytes of [10, 300_000]) {
    await expect(file.writeFile(Buffer.alloc(sizeBytes))).rejects.toMatchObject({ code: 'ENOSPC' });
  }
  await file.close();
});

test('a file that is closed twice, or used once more, touches no other that has its number by now', async () => {
  const path = join(folder, 'mine');
  await writeFile(path, 'mine');
  const closed = await openFile(path);
  await closed.close();
  // The system gives the lowest number that is free.
  const theirs = await openFile(join(folder, 'theirs'), 'wx+');
  await closed.close();
  await expect(closed.writeFile('x')).rejects.toMatchObject({ code: 'EBADF' });
  await expect(closed.readFile()).rejects.toMatchObject({ code: 'EBADF' });
  await theirs.writeFile('theirs');
  await theirs.close();
  expect(await readFile(join(folder, 'theirs'), 'utf8')).toBe('theirs');
});

test('a file is closed only when what was begun with it is done', async () => {
  const path = join(folder, 'much');
  const file = await openFile(path, 'wx');
  const writing = file.writeFile(Buffer.alloc(8_000_000, 'abc'));
  await file.close();
  expect((await stat(path)).size).toBe(8_000_000);
  await writing;
});
