import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mergeBases } from '../../../src/git/integrate/merge-bases.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { pick, seededRandom } from '../../support/random-trees.ts';

let git: GitRepo;
let objects: ObjectStore;
const BUSY_MACHINE_MS = 120_000;

beforeAll(async () => {
  git = await createGitRepo();
  objects = openObjects(await openRepository(git.path), { fsync: false });
});
afterAll(async () => {
  await objects.close();
  await git.remove();
});

/** A commit with the empty tree. */
async function commit(parents: readonly string[], time: number): Promise<string> {
  const tree = (await git.gitBytes(['hash-object', '-t', 'tree', '-w', '--stdin'])).toString().trim();
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author T <t@example.com> ${time} +0000`,
    `committer T <t@example.com> ${time} +0000`,
    '',
    `${time}\n`,
  ];
  return objects.write('commit', Buffer.from(lines.join('\n')));
}

test(
  'mergeBases() finds what git merge-base --all finds, also where clocks were wrong and merges crossed',
  async () => {
    const random = seededRandom(11);
    const commits: string[] = [];
    for (let n = 0; n < 120; n++) {
      const near = commits.slice(-8);
      const parents = n === 0 || random() < 0.03 ? [] : [pick(random, near)];
      if (n > 0 && random() < 0.4) parents.push(pick(random, near));
      const wrong = random() < 0.1 ? -50_000 : 0;
      commits.push(await commit([...new Set(parents)], 1_700_000_000 + n * 10 + wrong));
    }
    let crossed = 0;
    for (let n = 0; n < 150; n++) {
      const [a, b] = [pick(random, commits), pick(random, commits)];
      const out = await git.git('merge-base', '--all', a, b).catch(() => '');
      const expected = out.split('\n').filter((line) => line !== '');
      expect([a, b, (await mergeBases(objects, a, b)).sort()]).toEqual([a, b, expected.sort()]);
      if (expected.length > 1) crossed++;
    }
    expect(crossed).toBeGreaterThan(3);
  },
  BUSY_MACHINE_MS,
);

test('mergeBases() works at the edge of a shallow clone, and says when the history does not reach', async () => {
  const root = await commit([], 1);
  const edge = await commit([root], 2);
  const [a, b] = [await commit([edge], 3), await commit([edge], 4)];
  const other = await commit([root], 5);
  await objects.close();
  await rm(`${git.path}/.git/objects/${root.slice(0, 2)}/${root.slice(2)}`);
  expect(await mergeBases(objects, a, b)).toEqual([edge]);
  await expect(mergeBases(objects, a, other)).rejects.toMatchObject({ code: 'history-incomplete' });
});
