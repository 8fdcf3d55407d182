import { afterEach, expect, test } from 'vitest';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { buildTree, diffTrees, lookUp, type TreeChange } from '../../../src/git/objects/trees.ts';
import { type RepoPath, toRepoPath } from '../../../src/git/paths.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { FILE_MODE, type ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
const put = (path: string, mode = FILE_MODE.file, oid = BLOB): TreeChange => ({
  path: toRepoPath(path),
  file: { mode, oid },
});
const drop = (path: string): TreeChange => ({ path: toRepoPath(path), file: null });

async function makeBench(): Promise<{ git: GitRepo; objects: ObjectStore }> {
  const git = await createGitRepo();
  const objects = openObjects(await openRepository(git.path), { fsync: false });
  cleanUps.push(git.remove, () => objects.close());
  await objects.write('blob', Buffer.alloc(0));
  return { git, objects };
}

/** The tree that git makes of these files. */
async function treeByGit(
  git: GitRepo,
  files: ReadonlyMap<string, { mode: number; oid: string }>,
): Promise<string> {
  await git.git('read-tree', '--empty');
  const lines = [...files].map(([path, { mode, oid }]) => `${mode.toString(8)} ${oid}\t${path}\0`);
  await git.gitBytes(['update-index', '-z', '--index-info'], Buffer.from(lines.join(''), 'latin1'));
  return (await git.git('write-tree')).trim();
}

const names = async (git: GitRepo, tree: string) =>
  (await git.git('ls-tree', '-r', '--name-only', tree)).split('\n').filter((name) => name !== '');

test('buildTree() writes trees in git order and drops folders left empty', async () => {
  const { git, objects } = await makeBench();
  const paths = ['a', 'a.txt', 'a-b/x', 'a0', 'b/c/d/e', 'b/c.x', 'run'];
  const one = await buildTree(
    objects,
    null,
    paths.map((path) => put(path)),
  );
  expect(await names(git, one)).toEqual([...paths].sort());
  await git.git('fsck', '--strict');
  const two = await buildTree(objects, one, [
    drop('b/c/d/e'),
    put('run', FILE_MODE.executable),
    drop('absent/x'),
  ]);
  expect(await names(git, two)).toEqual(['a', 'a-b/x', 'a.txt', 'a0', 'b/c.x', 'run']);
  const three = await buildTree(objects, two, (await names(git, two)).map(drop));
  expect(three).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  expect(await buildTree(objects, two, [put('a')])).toBe(two);
});

test('buildTree() puts files in the place of folders and the reverse, in either order', async () => {
  const { git, objects } = await makeBench();
  const one = await buildTree(objects, null, [put('a/x'), put('a/y/z'), put('b'), put('c')]);
  const changes = [put('a'), drop('a/x'), drop('a/y/z'), drop('b'), put('b/new/file')];
  for (const order of [changes, [...changes].reverse()]) {
    expect(await names(git, await buildTree(objects, one, order))).toEqual(['a', 'b/new/file', 'c']);
  }
  // The file `a` is gone, says the index; HEAD has a folder of that name, which is another matter.
  expect(await buildTree(objects, one, [drop('a')])).toBe(one);
});

test('buildTree() writes only the trees that changed', async () => {
  const { git, objects } = await makeBench();
  const one = await buildTree(objects, null, [put('a/b/c'), put('d/e/f'), put('g')]);
  const written: string[] = [];
  const counting: ObjectStore = {
    ...objects,
    write(type, content) {
      written.push(type);
      return objects.write(type, content);
    },
  };
  const two = await buildTree(counting, one, [put('a/b/new')]);
  expect(written).toEqual(['tree', 'tree', 'tree']);
  expect(await names(git, two)).toEqual(['a/b/c', 'a/b/new', 'd/e/f', 'g']);
});

test('lookUp() finds files and folders, and nothing below a file', async () => {
  const { objects } = await makeBench();
  const root = await buildTree(objects, null, [put('a/b/c', FILE_MODE.symlink), put('ü')]);
  const at = (path: string) => lookUp(objects, root, toRepoPath(path));
  expect(await at('a/b/c')).toEqual({ mode: FILE_MODE.symlink, oid: BLOB });
  expect((await at('a/b'))?.mode).toBe(FILE_MODE.tree);
  expect(await at('ü')).toEqual({ mode: FILE_MODE.file, oid: BLOB });
  for (const path of ['a/b/c/d', 'a/x', 'x/y', 'b']) expect(await at(path)).toBeNull();
  expect(await lookUp(objects, null, toRepoPath('a'))).toBeNull();
});

test('buildTree() and diffTrees() agree with git over random trees', async () => {
  const { git, objects } = await makeBench();
  const oids = [
    BLOB,
    await objects.write('blob', Buffer.from('1')),
    await objects.write('blob', Buffer.from('2')),
  ];
  let state = 7;
  const below = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * limit);
  };
  const parts = ['a', 'b', 'a.b', 'a-', 'ü', 'c\xff'];
  const modes = [FILE_MODE.file, FILE_MODE.executable, FILE_MODE.symlink];
  const files = new Map<string, { mode: number; oid: string }>();
  let tree: string | null = null;
  for (let round = 0; round < 60; round++) {
    const before = new Map(files);
    for (let step = 0; step <= below(6); step++) {
      const path = Array.from({ length: 1 + below(3) }, () => parts[below(parts.length)]).join('/');
      if (below(3) === 0) {
        files.delete(path);
        continue;
      }
      for (const other of [...files.keys()]) {
        if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) files.delete(other);
      }
      files.set(path, { mode: modes[below(3)] ?? FILE_MODE.file, oid: oids[below(3)] ?? BLOB });
    }
    const changes: TreeChange[] = [];
    for (const path of before.keys())
      if (!files.has(path)) changes.push({ path: path as RepoPath, file: null });
    for (const [path, file] of files) changes.push({ path: path as RepoPath, file });
    const next: string = await buildTree(objects, tree, changes);
    expect(next).toBe(await treeByGit(git, files));
    const differences = new Map<string, unknown>();
    for await (const { path, ...rest } of diffTrees(objects, tree, next)) differences.set(path, rest);
    const wanted = new Map<string, unknown>();
    for (const path of new Set([...before.keys(), ...files.keys()])) {
      const [was, is] = [before.get(path) ?? null, files.get(path) ?? null];
      if (was?.oid !== is?.oid || was?.mode !== is?.mode) wanted.set(path, { before: was, after: is });
    }
    expect(differences).toEqual(wanted);
    tree = next;
  }
  await git.git('fsck', '--strict');
});

test('diffTrees() reads no folder that both trees share', async () => {
  const { objects } = await makeBench();
  const one = await buildTree(objects, null, [put('same/deep/x'), put('other/y'), put('z')]);
  const two = await buildTree(objects, one, [put('other/new')]);
  const read: string[] = [];
  const watching: ObjectStore = {
    ...objects,
    readTree(oid) {
      read.push(oid);
      return objects.readTree(oid);
    },
  };
  const found = [];
  for await (const difference of diffTrees(watching, one, two)) found.push(difference);
  expect(found).toEqual([{ path: 'other/new', before: null, after: { mode: FILE_MODE.file, oid: BLOB } }]);
  expect(read).toHaveLength(4);
});
