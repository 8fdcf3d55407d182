import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeLock } from '../../src/host/lock-file.ts';
import { processStart } from '../../src/host/process-start.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A living process that does nothing until it is killed. */
function sleeper() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return {
    pid: child.pid as number,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

test('takeLock() is refused while its holder lives, and taken over when it is dead', async () => {
  const path = join(folder, 'a.lock');
  const other = sleeper();
  expect((await takeLock(path, other.pid)).kind).toBe('held');
  expect(await takeLock(path, process.pid)).toEqual({ kind: 'taken', pid: other.pid });
  await other.kill();
  expect((await takeLock(path, process.pid)).kind).toBe('held');
  expect(await readdir(folder)).toEqual(['a.lock']);
});

test('takeLock() does not take another process with the same number for the holder', async () => {
  const path = join(folder, 'a.lock');
  await writeFile(path, JSON.stringify({ pid: process.pid, start: 'ticks:1' }));
  const answer = await takeLock(path, process.pid);
  expect(answer.kind).toBe('held');
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
    pid: process.pid,
    start: await processStart(process.pid),
  });
});

test('takeLock() takes over a file that a power cut left empty', async () => {
  const path = join(folder, 'a.lock');
  await writeFile(path, '');
  expect((await takeLock(path, process.pid)).kind).toBe('held');
});

test('release() leaves nothing behind, and another holder alone', async () => {
  const path = join(folder, 'deep', 'a.lock');
  const answer = await takeLock(path, process.pid);
  if (answer.kind !== 'held') throw new Error('not held');
  await answer.lock.release();
  expect(await readdir(join(folder, 'deep'))).toEqual([]);

  const again = await takeLock(path, process.pid);
  if (again.kind !== 'held') throw new Error('not held');
  await writeFile(path, JSON.stringify({ pid: 1, start: 'ticks:0' }));
  await again.lock.release();
  expect(await readdir(join(folder, 'deep'))).toEqual(['a.lock']);
});

test('of twenty takers of a stale lock exactly one gets it', async () => {
  const path = join(folder, 'a.lock');
  const others = Array.from({ length: 20 }, sleeper);
  await writeFile(path, JSON.stringify({ pid: 2 ** 22 - 1, start: 'ticks:1' }));
  const answers = await Promise.all(others.map(({ pid }) => takeLock(path, pid)));
  expect(answers.filter((answer) => answer.kind === 'held')).toHaveLength(1);
  await Promise.all(others.map((other) => other.kill()));
});

test('takeLock() clears away what killed takers left beside the lock', async () => {
  const path = join(folder, 'a.lock');
  const other = sleeper();
  await other.kill();
  const dead = JSON.stringify({ pid: other.pid, start: 'ticks:1' });
  await writeFile(`${path}.${other.pid}.1`, dead);
  await writeFile(`${path}.takeover.${other.pid}`, dead);
  await writeFile(`${path}.${other.pid}.2`, dead.slice(0, 5));
  const living = JSON.stringify({ pid: process.pid, start: await processStart(process.pid) });
  await writeFile(`${path}.${process.pid}.takeover`, living);
  await writeFile(join(folder, 'a.locked'), dead);
  expect((await takeLock(path, process.pid)).kind).toBe('held');
  expect((await readdir(folder)).sort()).toEqual(['a.lock', `a.lock.${process.pid}.takeover`, 'a.locked']);
});

// In a container every start may have the same process number.
test('takeLock() takes over from a dead process that had the number of this one, killed at any step', async () => {
  const path = join(folder, 'a.lock');
  const dead = JSON.stringify({ pid: process.pid, start: 'ticks:1' });
  for (let round = 0; round < 3; round++) {
    await writeFile(path, dead);
    // Names that this process is going to use: files of the dead one, and other names of its lock.
    for (let next = 1; next < 60; next++) await link(path, `${path}.${process.pid}.${next}`);
    await writeFile(`${path}.takeover.${process.pid}`, dead);
    const answer = await takeLock(path, process.pid);
    expect(answer.kind).toBe('held');
    if (answer.kind === 'held') await answer.lock.release();
    expect(await readdir(folder)).toEqual([]);
  }
});

test('takeLock() answers "taken" when a living process stands still while it takes a dead one over', async () => {
  const path = join(folder, 'a.lock');
  const dead = sleeper();
  await takeLock(path, dead.pid);
  await dead.kill();
  const frozen = sleeper();
  const start = await processStart(frozen.pid);
  await writeFile(`${path}.takeover.${frozen.pid}`, JSON.stringify({ pid: frozen.pid, start }));
  expect(await takeLock(path, process.pid)).toEqual({ kind: 'taken', pid: frozen.pid });
  await frozen.kill();
  expect((await takeLock(path, process.pid)).kind).toBe('held');
});
