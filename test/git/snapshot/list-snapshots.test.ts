import { afterEach, beforeEach, expect, test } from 'vitest';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { type ListInput, listSnapshots } from '../../../src/git/snapshot/list-snapshots.ts';
import { type Bench, createBench } from './bench.ts';

const HOUR = 3_600_000;
const POLICY = { allForMs: 24 * HOUR, hourlyForMs: 7 * 24 * HOUR, dailyForMs: 30 * 24 * HOUR };

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
});
afterEach(() => bench.git.remove());

async function list(more: Partial<ListInput> = {}) {
  const repo = await openRepository(bench.path);
  const objects = openObjects(repo, { fsync: false });
  try {
    const now = bench.clock.now();
    return await listSnapshots({ repo, objects, policy: null, now, limit: 100, cursor: null, ...more });
  } finally {
    await objects.close();
  }
}
const idsOf = async (more: Partial<ListInput> = {}) => (await list(more)).snapshots.map(({ id }) => id);
async function snapshotOf(text: string): Promise<string> {
  await bench.git.write('a.txt', text);
  return bench.snapshot();
}

test('listSnapshots() shows snapshots of all branches and months by time, and nothing of a person', async () => {
  expect(await list()).toEqual({ snapshots: [], nextCursor: null });
  const first = await snapshotOf('1');
  await bench.git.git('add', '-A');
  await bench.git.git('commit', '-qm', 'by hand');
  await bench.git.git('branch', 'auto/of-a-person');
  bench.clock.set(bench.clock.now() + 2_000);
  await bench.git.git('switch', '-qc', 'topic');
  const second = await snapshotOf('2');
  await bench.git.git('checkout', '-q', '.');
  await bench.git.git('switch', '-q', 'main');
  bench.clock.set(bench.clock.now() + 40 * 24 * HOUR);
  const third = await snapshotOf('3');
  expect(await idsOf()).toEqual([third, second, first]);
  expect(await idsOf({ branch: 'topic' })).toEqual([second]);
  expect((await list()).snapshots[0]).toMatchObject({ branch: 'main', machine: 'laptop', filesChanged: 1 });
});

test('listSnapshots() gives every snapshot once over its pages, also within one second', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 7; n++) {
    ids.unshift(await snapshotOf(`${n}`));
    if (n % 3 === 0) bench.clock.set(bench.clock.now() + 1_000);
  }
  const seen: string[] = [];
  for (let cursor: string | null = null, pages = 0; pages < 10; pages++) {
    const page = await list({ limit: 2, cursor });
    seen.push(...page.snapshots.map(({ id }) => id));
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  expect(seen).toEqual(ids);
  await expect(list({ cursor: 'bm9uZQ' })).rejects.toMatchObject({ code: 'invalid-request' });
});

test('listSnapshots() offers what the policy keeps', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) {
    ids.push(await snapshotOf(`${n}`));
    bench.clock.set(bench.clock.now() + HOUR / 4);
  }
  expect(await idsOf({ policy: POLICY })).toEqual([...ids].reverse());
  bench.clock.set(bench.clock.now() + 25 * HOUR);
  expect(await idsOf({ policy: POLICY })).toEqual([ids[3]]);
  expect(await idsOf()).toHaveLength(4);
});
