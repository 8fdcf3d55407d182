import { afterEach, expect, test } from 'vitest';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { countAhead, isAncestor, newObjects } from '../../../src/git/remote/history.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';

const LIMIT = 1_000;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function setUp(): Promise<{ repo: GitRepo; objects: ObjectStore; oid(name: string): Promise<string> }> {
  const repo = await createGitRepo();
  const objects = openObjects(await openRepository(repo.path), { fsync: false });
  cleanUps.push(() => objects.close(), repo.remove);
  return { repo, objects, oid: async (name) => (await repo.git('rev-parse', name)).trim() };
}

/** `at` is the commit's date in seconds: tests of clock skew need to set it. */
async function commit(repo: GitRepo, files: Record<string, string>, at?: number): Promise<string> {
  for (const [path, content] of Object.entries(files)) await repo.write(path, content);
  await repo.git('add', '--all');
  if (at === undefined) await repo.git('commit', '--quiet', '--allow-empty', '-m', 'change');
  else {
    const tree = (await repo.git('write-tree')).trim();
    const parent = (await repo.git('rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '')).trim();
    const lines = [
      `tree ${tree}`,
      ...(parent === '' ? [] : [`parent ${parent}`]),
      `author A <a@example.com> ${at} +0000`,
      `committer A <a@example.com> ${at} +0000`,
      '',
      'dated',
      '',
    ];
    const oid = (await repo.gitBytes(['hash-object', '-t', 'commit', '-w', '--stdin'], lines.join('\n')))
      .toString()
      .trim();
    await repo.git('update-ref', 'HEAD', oid);
  }
  return (await repo.git('rev-parse', 'HEAD')).trim();
}

/** A history with two branches, three merges (one of three parents) and a side root. */
async function buildGraph(repo: GitRepo): Promise<void> {
  await commit(repo, { 'a.txt': '1', 'deep/er/b.txt': '1' });
  await repo.git('tag', 'start');
  await repo.git('switch', '--quiet', '-c', 'side');
  await commit(repo, { 'side.txt': '1' });
  await commit(repo, { 'deep/side.txt': '1' });
  await repo.git('switch', '--quiet', 'main');
  await commit(repo, { 'a.txt': '2' });
  await repo.git('merge', '--quiet', '--no-ff', '-m', 'first merge', 'side');
  await repo.git('switch', '--quiet', '-c', 'other', 'start');
  await commit(repo, { 'other.txt': '1' });
  await repo.git('switch', '--quiet', 'side');
  await commit(repo, { 'side.txt': '2', 'deep/er/b.txt': '2' });
  await repo.git('switch', '--quiet', 'main');
  await repo.git('merge', '--quiet', '--no-ff', '-m', 'octopus', 'side', 'other');
  await repo.git('switch', '--quiet', '--orphan', 'root2');
  await commit(repo, { 'unrelated.txt': '1' });
  await repo.git('switch', '--quiet', 'main');
  await repo.git('merge', '--quiet', '--no-ff', '--allow-unrelated-histories', '-m', 'joined', 'root2');
  await commit(repo, { 'a.txt': '3' });
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test('countAhead(), isAncestor() and newObjects() agree with git for every pair of commits', async () => {
  const { repo, objects } = await setUp();
  await buildGraph(repo);
  const commits = lines(await repo.git('rev-list', '--all'));
  expect(commits).toHaveLength(11);
  for (const tip of commits) {
    for (const base of commits) {
      const expected = lines(await repo.git('rev-list', tip, `^${base}`));
      expect(await countAhead(objects, tip, base, LIMIT)).toEqual({ count: expected.length, exact: true });
      const bases = lines(await repo.git('merge-base', '--all', tip, base).catch(() => ''));
      expect(await isAncestor(objects, base, tip, LIMIT)).toBe(bases.includes(base) ? 'yes' : 'no');
      const wanted = lines(await repo.git('rev-list', '--objects', '--no-object-names', tip, `^${base}`));
      const found = await newObjects(objects, tip, [base], LIMIT);
      if (found === 'too-many') throw new Error('the limit is far away');
      expect(found.commits).toBe(expected.length);
      expect(new Set(found.oids).size).toBe(found.oids.length);
      expect(found.oids).toEqual(expect.arrayContaining(wanted));
    }
  }
});

test('newObjects() from nothing is everything that git lists, exactly', async () => {
  const { repo, objects, oid } = await setUp();
  await buildGraph(repo);
  await repo.git('gc', '--quiet');
  const wanted = lines(await repo.git('rev-list', '--objects', '--no-object-names', 'main'));
  const found = await newObjects(objects, await oid('main'), [], LIMIT);
  if (found === 'too-many') throw new Error('the limit is far away');
  expect([...found.oids].sort()).toEqual([...wanted].sort());
});

test('newObjects() leaves nothing out of a folder that went back to an earlier state', async () => {
  const { repo, objects, oid } = await setUp();
  await commit(repo, { 'dir/kept.txt': 'kept', 'dir/sub/kept.txt': 'kept too', 'dir/b.txt': '1' });
  await commit(repo, { 'dir/b.txt': '2' });
  await commit(repo, { 'dir/b.txt': '1' });
  const found = await newObjects(objects, await oid('HEAD'), [], LIMIT);
  const listed = (await repo.git('rev-list', '--objects', 'HEAD')).trimEnd().split('\n');
  expect(found).toMatchObject({ commits: 3 });
  expect(new Set(found === 'too-many' ? [] : found.oids)).toEqual(
    new Set(listed.map((line) => line.slice(0, 40))),
  );
});

test('newObjects() of one changed file is a commit, its folders and the file', async () => {
  const { repo, objects } = await setUp();
  const base = await commit(repo, { 'a/b/c.txt': '1', 'a/x.txt': '1', 'y/z.txt': '1' });
  const tip = await commit(repo, { 'a/b/c.txt': '2' });
  expect(await newObjects(objects, tip, [base], LIMIT)).toMatchObject({ commits: 1, oids: { length: 5 } });
});

test('newObjects() leaves out submodules and bases that are not here', async () => {
  const { repo, objects } = await setUp();
  await commit(repo, { 'a.txt': '1' });
  const foreign = 'c'.repeat(40);
  await repo.git('update-index', '--add', '--cacheinfo', `160000,${foreign},vendor`);
  await repo.git('commit', '--quiet', '-m', 'with a submodule');
  const tip = (await repo.git('rev-parse', 'HEAD')).trim();
  const found = await newObjects(objects, tip, ['d'.repeat(40)], LIMIT);
  if (found === 'too-many') throw new Error('the limit is far away');
  expect(found.commits).toBe(2);
  expect(found.oids).not.toContain(foreign);
});

test('newObjects() says too-many above either limit', async () => {
  const { repo, objects } = await setUp();
  const first = await commit(repo, { 'a.txt': '1' });
  await commit(repo, { 'a.txt': '2' });
  const tip = await commit(repo, { 'a.txt': '3' });
  expect(await newObjects(objects, tip, [first], 1)).toBe('too-many');
  expect(await newObjects(objects, tip, [first], LIMIT, 5)).toBe('too-many');
  expect(await newObjects(objects, tip, [first], LIMIT, 6)).toMatchObject({ commits: 2 });
});

test('a commit dated before its parent is not lost and not counted twice', async () => {
  const { repo, objects } = await setUp();
  const base = await commit(repo, { 'a.txt': '1' }, 2_000_000_000);
  await commit(repo, { 'a.txt': '2' }, 1_000);
  const tip = await commit(repo, { 'a.txt': '3' }, 1_500_000_000);
  expect(await isAncestor(objects, base, tip, LIMIT)).toBe('yes');
  expect(await isAncestor(objects, tip, base, LIMIT)).toBe('no');
  expect(await countAhead(objects, tip, base, LIMIT)).toEqual({ count: 2, exact: true });
  expect(await countAhead(objects, base, tip, LIMIT)).toEqual({ count: 0, exact: true });
  const found = await newObjects(objects, tip, [base], LIMIT);
  expect(found).toMatchObject({ commits: 2, oids: { length: 6 } });
});

test('countAhead() says that it is not exact at its limit and without the base', async () => {
  const { repo, objects } = await setUp();
  const first = await commit(repo, { 'a.txt': '1' });
  for (let n = 2; n <= 5; n += 1) await commit(repo, { 'a.txt': String(n) });
  const tip = await commit(repo, { 'a.txt': '6' });
  expect(await countAhead(objects, tip, null, LIMIT)).toEqual({ count: 6, exact: true });
  expect(await countAhead(objects, tip, first, 2)).toMatchObject({ exact: false });
  expect(await countAhead(objects, tip, 'd'.repeat(40), LIMIT)).toEqual({ count: 6, exact: false });
});

test('isAncestor() does not guess', async () => {
  const { repo, objects, oid } = await setUp();
  const first = await commit(repo, { 'a.txt': '1' });
  await commit(repo, { 'a.txt': '2' });
  const tip = await commit(repo, { 'a.txt': '3' });
  expect(await isAncestor(objects, tip, tip, LIMIT)).toBe('yes');
  expect(await isAncestor(objects, 'd'.repeat(40), tip, LIMIT)).toBe('unknown');
  expect(await isAncestor(objects, first, tip, 1)).toBe('unknown');
  // A shallow clone knows of parents that it does not have.
  const shallow = await createGitRepo();
  cleanUps.push(shallow.remove);
  await shallow.git('fetch', '--quiet', '--depth=2', `file://${repo.path}`, 'main');
  const cut = openObjects(await openRepository(shallow.path), { fsync: false });
  cleanUps.push(() => cut.close());
  expect(await isAncestor(cut, first, tip, LIMIT)).toBe('unknown');
  expect(await isAncestor(cut, await oid('main~1'), tip, LIMIT)).toBe('yes');
  await expect(newObjects(cut, tip, [], LIMIT)).rejects.toMatchObject({ code: 'object-missing' });
});

test('newObjects() reads no older commits than the known one, however long the history behind it', async () => {
  const { repo, objects } = await setUp();
  for (let n = 0; n < 8; n++) await commit(repo, { 'a.txt': `${n}` }, 1_700_000_000 + n);
  const known = await commit(repo, { 'a.txt': 'known' }, 1_700_000_010);
  await commit(repo, { 'a.txt': 'ahead' }, 1_700_000_020);
  const tip = await commit(repo, { 'a.txt': 'tip' }, 1_700_000_030);
  const read: string[] = [];
  const watched = {
    ...objects,
    read(oid: string) {
      read.push(oid);
      return objects.read(oid);
    },
  };
  const found = await newObjects(watched, tip, [known], LIMIT);
  expect(found).toMatchObject({ commits: 2 });
  const commits = (await repo.git('rev-list', 'HEAD')).trim().split('\n');
  expect(new Set(read.filter((oid) => commits.includes(oid)))).toEqual(new Set(commits.slice(0, 3)));
});
