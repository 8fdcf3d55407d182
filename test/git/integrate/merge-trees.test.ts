import { afterAll, beforeAll, expect, test } from 'vitest';
import { mergeCommits } from '../../../src/git/integrate/merge-commits.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import {
  type CommitPlan,
  commitFiles,
  editFiles,
  editLines,
  type Files,
  randomFiles,
  randomLines,
  seededRandom,
  textOf,
} from '../../support/random-trees.ts';

let git: GitRepo;
let objects: ObjectStore;
const BUSY_MACHINE_MS = 300_000;
const signal = new AbortController().signal;
let time = 1_700_000_000;

beforeAll(async () => {
  git = await createGitRepo();
  objects = openObjects(await openRepository(git.path), { fsync: false });
});
afterAll(async () => {
  await objects.close();
  await git.remove();
});

async function commitAll(plans: readonly CommitPlan[]): Promise<string[]> {
  const ids = await commitFiles(git, plans, time);
  time += plans.length;
  return ids;
}

const commit = async (files: Files, ...parents: string[]) =>
  (await commitAll([{ files, parents }]))[0] as string;
const merge = (ours: string, theirs: string) =>
  mergeCommits({ objects, ours, theirs, attributes: [], signal });

type Sides = { mine: string; other: string };

/** A base and two versions of it each: one git command for all. */
async function commitSides(trees: readonly { base: Files; ours: Files; theirs: Files }[]): Promise<Sides[]> {
  const plans = trees.flatMap(({ base, ours, theirs }, at) => [
    { files: base, parents: [] },
    { files: ours, parents: [`:${at * 3 + 1}`] },
    { files: theirs, parents: [`:${at * 3 + 1}`] },
  ]);
  const ids = await commitAll(plans);
  return trees.map((_, at) => ({ mine: ids[at * 3 + 1] as string, other: ids[at * 3 + 2] as string }));
}

type ByGit = { tree: string; conflicts: Set<string>; kinds: string[] };

/** What git makes of each pair: the tree, the paths in conflict, and what kinds of conflict it names. */
async function mergeByGit(pairs: readonly Sides[]): Promise<ByGit[]> {
  const lines = pairs.map(({ mine, other }) => `${mine} ${other}\n`).join('');
  const out = await git.gitBytes(['merge-tree', '--write-tree', '-z', '--name-only', '--stdin'], lines);
  const words = out.toString('utf8').split('\0');
  const next = () => words.shift() as string;
  const untilEmpty = () => words.splice(0, words.indexOf('') + 1).slice(0, -1);
  return pairs.map(() => {
    const isClean = next() === '1';
    const tree = next();
    const conflicts = new Set(untilEmpty());
    const kinds: string[] = [];
    if (isClean) return { tree, conflicts, kinds };
    for (let count = next(); count !== ''; count = next()) {
      words.splice(0, Number(count));
      const text = `${next()} ${next()}`;
      kinds.push(...[...text.matchAll(/CONFLICT \(([^)]*)\)/g)].map(([, kind]) => kind ?? ''));
    }
    return { tree, conflicts, kinds };
  });
}

async function blobsOf(tree: string): Promise<Map<string, string>> {
  const out = await git.git('ls-tree', '-r', '-z', tree);
  return new Map(
    out
      .split('\0')
      .filter((line) => line !== '')
      .map((line): [string, string] => [
        line.slice(line.indexOf('\t') + 1),
        line.slice(0, line.indexOf('\t')),
      ]),
  );
}

const file = (content: string, mode: '100644' | '100755' = '100644') => ({ mode, content });

/** 120 texts, each edited on both sides. */
function randomTexts(seed: number): { base: Files; ours: Files; theirs: Files } {
  const random = seededRandom(seed);
  const [base, ours, theirs]: [Files, Files, Files] = [new Map(), new Map(), new Map()];
  for (let at = 0; at < 120; at++) {
    const kinds = 2 + Math.floor(random() * 12);
    const lines = randomLines(random, 30, kinds);
    const edit = () => file(textOf(random, editLines(random, lines, kinds, 3)));
    base.set(`f${at}`, file(textOf(random, lines)));
    ours.set(`f${at}`, edit());
    theirs.set(`f${at}`, edit());
  }
  return { base, ours, theirs };
}

test(
  'mergeCommits() merges texts exactly as git does, or calls them a conflict',
  async () => {
    const figures = { merged: 0, careful: 0, conflicts: 0 };
    const seeds = Array.from({ length: 30 }, (_, at) => at + 1);
    const sides = await commitSides(seeds.map(randomTexts));
    const byGitAll = await mergeByGit(sides);
    for (const [at, seed] of seeds.entries()) {
      const { mine, other } = sides[at] as Sides;
      const expected = byGitAll[at] as ByGit;
      const answer = await merge(mine, other);
      if (answer.kind !== 'conflict') throw new Error(`${answer.kind}: no conflict in 120 files`);
      const conflicts = new Set(answer.conflicts.map(({ path }) => path as string));
      const { tree } = await objects.readCommit(mine);
      const built = new Map(await blobsOf(tree));
      for (const change of answer.changes) {
        built.set(change.path, `${change.file?.mode.toString(8)} blob ${change.file?.oid}`);
      }
      const byGit = await blobsOf(expected.tree);
      for (const path of built.keys()) {
        if (conflicts.has(path)) figures[expected.conflicts.has(path) ? 'conflicts' : 'careful']++;
        else {
          expect([seed, path, expected.conflicts.has(path)]).toEqual([seed, path, false]);
          expect([seed, path, built.get(path)]).toEqual([seed, path, byGit.get(path)]);
          figures.merged++;
        }
      }
    }
    expect(figures.merged).toBeGreaterThan(500);
    expect(figures.careful / (figures.merged + figures.careful)).toBeLessThan(0.02);
  },
  BUSY_MACHINE_MS,
);

test(
  'mergeCommits() answers the same tree as git, or a conflict, for random trees',
  async () => {
    const figures = { same: 0, careful: 0, both: 0 };
    const seeds = Array.from({ length: 250 }, (_, at) => at + 1);
    const sides = await commitSides(
      seeds.map((seed) => {
        const random = seededRandom(seed * 7919);
        const base = randomFiles(random);
        return { base, ours: editFiles(random, base), theirs: editFiles(random, base) };
      }),
    );
    const byGit = await mergeByGit(sides);
    for (const [at, seed] of seeds.entries()) {
      const { mine, other } = sides[at] as Sides;
      const expected = byGit[at] as ByGit;
      const answer = await merge(mine, other);
      if (answer.kind === 'clean') {
        // Renames are not followed here, so what git calls a conflict because of one is none: all names stay.
        const isAboutRenames = expected.kinds.some((kind) => /rename|location/.test(kind));
        if (!isAboutRenames) expect([seed, expected.kinds]).toEqual([seed, []]);
        if (expected.conflicts.size === 0) expect([seed, expected.tree]).toEqual([seed, answer.tree]);
        figures.same++;
      } else if (expected.conflicts.size === 0) figures.careful++;
      else figures.both++;
    }
    expect(figures.same).toBeGreaterThan(80);
    expect(figures.both).toBeGreaterThan(30);
    expect(figures.careful).toBeLessThan(figures.same / 10);
  },
  BUSY_MACHINE_MS,
);

test('mergeCommits() merges over crossed merges with the merge of their bases', async () => {
  const lines = (...all: string[]) => file(`${all.join('\n')}\n`);
  const root = await commit(new Map([['f', lines('1', '2', '3', '4', '5', '6', '7')]]));
  const a = await commit(new Map([['f', lines('A', '2', '3', '4', '5', '6', '7')]]), root);
  const b = await commit(new Map([['f', lines('1', '2', '3', '4', '5', '6', 'B')]]), root);
  const ab = await commit(new Map([['f', lines('A', '2', '3', 'left', '5', '6', 'B')]]), a, b);
  const ba = await commit(new Map([['f', lines('A', 'right', '3', '4', '5', '6', 'B')]]), b, a);
  expect((await git.git('merge-base', '--all', ab, ba)).trim().split('\n').sort()).toEqual([a, b].sort());
  const answer = await merge(ab, ba);
  const [expected] = (await mergeByGit([{ mine: ab, other: ba }])) as [ByGit];
  // Touching lines: git calls it a conflict, and so it is here.
  expect(answer.kind).toBe(expected.conflicts.size === 0 ? 'clean' : 'conflict');
  const far = await commit(new Map([['f', lines('A', '2', '3', '4', 'far', '6', 'B')]]), b, a);
  const near = await commit(new Map([['f', lines('A', 'near', '3', '4', '5', '6', 'B')]]), a, b);
  const [byGit] = (await mergeByGit([{ mine: near, other: far }])) as [ByGit];
  expect(await merge(near, far)).toEqual({ kind: 'clean', tree: byGit.tree });
});

test('mergeCommits() calls every difference a conflict where crossed merges have no clean base', async () => {
  const root = await commit(
    new Map([
      ['f', file('base\n')],
      ['g', file('g\n')],
    ]),
  );
  const a = await commit(
    new Map([
      ['f', file('a\n')],
      ['g', file('g\n')],
    ]),
    root,
  );
  const b = await commit(
    new Map([
      ['f', file('b\n')],
      ['g', file('g\n')],
    ]),
    root,
  );
  const ab = await commit(
    new Map([
      ['f', file('a\n')],
      ['g', file('g1\n')],
    ]),
    a,
    b,
  );
  const ba = await commit(
    new Map([
      ['f', file('b\n')],
      ['g', file('g\n')],
    ]),
    b,
    a,
  );
  const answer = await merge(ab, ba);
  expect(answer).toMatchObject({ kind: 'conflict', conflicts: [{ path: 'f' }] });
});

test('mergeCommits() says that histories are unrelated', async () => {
  const one = await commit(new Map([['f', file('1\n')]]));
  const two = await commit(new Map([['f', file('2\n')]]));
  expect(await merge(one, two)).toEqual({ kind: 'unrelated' });
});

test('mergeCommits() never merges line by line what attributes keep whole', async () => {
  const text = (first: string, last: string) => file(`${first}\n2\n3\n4\n5\n6\n${last}\n`);
  const withRule = (rule: string, ...[first, last]: [string, string]): Files =>
    new Map([
      ['d/.gitattributes', file(`${rule}\n`)],
      ['d/f.txt', text(first, last)],
    ]);
  for (const [rule, kind] of [
    ['*.txt -merge', 'conflict'],
    ['*.txt binary', 'conflict'],
    ['*.txt merge=union', 'conflict'],
    ['*.txt diff=markdown', 'clean'],
    ['# merge nothing', 'clean'],
  ] as const) {
    const root = await commit(withRule(rule, '1', '7'));
    const mine = await commit(withRule(rule, 'mine', '7'), root);
    const other = await commit(withRule(rule, '1', 'theirs'), root);
    expect([rule, (await merge(mine, other)).kind]).toEqual([rule, kind]);
  }
});
