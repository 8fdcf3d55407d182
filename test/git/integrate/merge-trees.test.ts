import { afterAll, beforeAll, expect, test } from 'vitest';
import { mergeCommits } from '../../../src/git/integrate/merge-commits.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import {
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

const commit = (files: Files, ...parents: string[]) => commitFiles(git, files, parents, time++);
const merge = (ours: string, theirs: string) =>
  mergeCommits({ objects, ours, theirs, attributes: [], signal });

/** What git makes of it: the tree, the paths in conflict, and what kinds of conflict it names. */
async function mergeByGit(ours: string, theirs: string) {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', ours, theirs];
  const out = await git.gitBytes(args).catch(async (error: Error) => {
    if (!error.message.includes('ended with 1:')) throw error;
    // Conflicts end with 1; the answer is on standard output all the same.
    const script = 'git "$@"; test $? -le 1';
    return git.gitBytes(['-c', `alias.quiet=!sh -c '${script}' --`, 'quiet', ...args]);
  });
  const [tree = '', ...names] = out.toString('utf8').split('\0');
  const end = names.indexOf('');
  const kinds = [...out.toString('utf8').matchAll(/CONFLICT \(([^)]*)\)/g)].map(([, kind]) => kind ?? '');
  return { tree, conflicts: new Set(end < 0 ? names : names.slice(0, end)), kinds };
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

test(
  'mergeCommits() merges texts exactly as git does, or calls them a conflict',
  async () => {
    const figures = { merged: 0, careful: 0, conflicts: 0 };
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const [base, ours, theirs]: Files[] = [new Map(), new Map(), new Map()];
      for (let at = 0; at < 120; at++) {
        const kinds = 2 + Math.floor(random() * 12);
        const lines = randomLines(random, 30, kinds);
        const edit = () => file(textOf(random, editLines(random, lines, kinds, 3)));
        base?.set(`f${at}`, file(textOf(random, lines)));
        ours?.set(`f${at}`, edit());
        theirs?.set(`f${at}`, edit());
      }
      const root = await commit(base as Files);
      const mine = await commit(ours as Files, root);
      const other = await commit(theirs as Files, root);
      const expected = await mergeByGit(mine, other);
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
    for (let seed = 1; seed <= 250; seed++) {
      const random = seededRandom(seed * 7919);
      const base = randomFiles(random);
      const root = await commit(base);
      const mine = await commit(editFiles(random, base), root);
      const other = await commit(editFiles(random, base), root);
      const answer = await merge(mine, other);
      const expected = await mergeByGit(mine, other);
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
  const expected = await mergeByGit(ab, ba);
  // Touching lines: git calls it a conflict, and so it is here.
  expect(answer.kind).toBe(expected.conflicts.size === 0 ? 'clean' : 'conflict');
  const far = await commit(new Map([['f', lines('A', '2', '3', '4', 'far', '6', 'B')]]), b, a);
  const near = await commit(new Map([['f', lines('A', 'near', '3', '4', '5', '6', 'B')]]), a, b);
  expect(await merge(near, far)).toEqual({ kind: 'clean', tree: (await mergeByGit(near, far)).tree });
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
