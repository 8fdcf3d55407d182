import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { type ThinInput, thin } from '../../../src/git/snapshot/thin.ts';
import { clearAfterKill } from '../../../src/git/sync/repository-lock.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { moduleArgs } from '../../support/module-args.ts';
import { type Bench, createBench, everythingElse } from './bench.ts';

const DAY = 86_400_000;
const POLICY = { allForMs: DAY, hourlyForMs: 7 * DAY, dailyForMs: 30 * DAY };
const JANUARY = 'refs/heads/auto/main';
const MARCH = 'refs/heads/auto/main@2026-03';

let bench: Bench;
let old: string;
beforeEach(async () => {
  bench = await createBench();
  await bench.git.write('a.txt', 'first\n');
  await bench.git.git('add', '-A');
  await bench.git.git('commit', '-qm', 'first');
  await bench.git.git('tag', '-a', 'v1', '-m', 'a tag, whose packed line has a second one');
  await bench.git.write('a.txt', 'january\n');
  old = await bench.snapshot();
  bench.clock.set(Date.UTC(2026, 2, 5));
  await bench.git.write('a.txt', 'march\n');
  await bench.snapshot();
  await bench.git.git('update-ref', 'refs/remotes/origin/auto/main', old);
});
afterEach(() => bench.git.remove());

async function run(more: Partial<ThinInput> = {}): Promise<string[]> {
  const repo = await openRepository(bench.path);
  const objects = openObjects(repo, { fsync: false });
  const fixed = { repo, objects, policy: POLICY, remote: 'origin', clock: systemClock, random: () => 0.5 };
  try {
    return await thin({ ...fixed, now: bench.clock.now(), remoteTips: { 'auto/main': old }, ...more });
  } finally {
    await objects.close();
  }
}
const refs = async () => (await bench.git.git('for-each-ref', '--format=%(refname)')).trim().split('\n');

test.each([['loose'], ['packed'], ['packed and loose']])(
  'thin() lets an old month go that the remote has, %s, and git can free its objects',
  async (how) => {
    if (how !== 'loose') await bench.git.git('pack-refs', '--all');
    if (how === 'packed and loose') await bench.git.git('update-ref', JANUARY, old);
    const before = await everythingElse(bench.path);
    expect(await run()).toEqual([JANUARY]);
    expect(await refs()).toEqual([MARCH, 'refs/heads/main', 'refs/tags/v1']);
    expect((await bench.git.git('rev-parse', 'v1^{commit}', 'main')).split('\n').slice(0, 2)).toHaveLength(2);
    const { refs: _refs, ...files } = await everythingElse(bench.path);
    expect(files).toEqual(Object.fromEntries(Object.entries(before).filter(([key]) => key !== 'refs')));
    await bench.git.git('fsck', '--strict');
    await bench.git.git('prune', '--expire=now');
    await expect(bench.git.git('cat-file', '-e', old)).rejects.toThrow();
    const names = await readdir(join(bench.path, '.git'), { recursive: true });
    expect(names.filter((name) => name.endsWith('.lock'))).toEqual([]);
    expect(await run()).toEqual([]);
  },
);

test('thin() keeps what is young, what the remote lacks, what is checked out, and the newest in any case', async () => {
  expect(await run({ remoteTips: {} })).toEqual([]);
  expect(await run({ remoteTips: { 'auto/main': 'f'.repeat(40) } })).toEqual([]);
  expect(await run({ now: Date.UTC(2026, 0, 20) })).toEqual([]);
  const march = (await bench.git.git('rev-parse', MARCH)).trim();
  const both = { 'auto/main': old, 'auto/main@2026-03': march };
  await bench.git.git('switch', '-q', '--discard-changes', 'auto/main');
  expect(await run({ remoteTips: both, now: Date.UTC(2028, 0, 1) })).toEqual([]);
  await bench.git.git('switch', '-q', 'main');
  expect(await run({ remoteTips: both, now: Date.UTC(2028, 0, 1) })).toEqual([JANUARY]);
  expect(await refs()).toContain(MARCH);
});

const WORKER = fileURLToPath(new URL('../../support/snapshot-crash-worker.ts', import.meta.url));

test.each(['ref-locked', 'packed-locked', 'unpacked', 'loose-removed'])(
  'thin() that is killed at %s leaves a healthy repository without locks, and the next one finishes it',
  async (step) => {
    await bench.git.git('pack-refs', '--all');
    const args = [...moduleArgs(WORKER), bench.path, step, 'thin', old, String(bench.clock.now())];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGKILL');
    await bench.git.git('fsck', '--strict', '--no-dangling');
    await clearAfterKill(bench.path, { pid: process.pid, clock: systemClock, random: () => 0.5 });
    const names = await readdir(join(bench.path, '.git'), { recursive: true });
    expect(names.filter((name) => name.endsWith('.lock') && !name.includes('gitferry'))).toEqual([]);
    await run();
    expect(await refs()).toEqual([MARCH, 'refs/heads/main', 'refs/tags/v1']);
    await bench.git.git('pack-refs', '--all');
    await bench.git.git('fsck', '--strict', '--no-dangling');
  },
);
