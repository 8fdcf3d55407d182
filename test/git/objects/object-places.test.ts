import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { alternateFolders } from '../../../src/git/objects/alternates.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { ObjectStore } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function newRepo(options: Parameters<typeof createGitRepo>[0] = {}): Promise<GitRepo> {
  const git = await createGitRepo(options);
  cleanUps.push(git.remove);
  return git;
}

async function storeOf(git: GitRepo): Promise<ObjectStore> {
  const objects = openObjects(await openRepository(git.path), { fsync: false });
  cleanUps.push(() => objects.close());
  return objects;
}

/** Every object as git has it, by its id. */
async function everyObject(git: GitRepo): Promise<Map<string, string>> {
  const lines = await git.git('cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objecttype)');
  const found = new Map<string, string>();
  for (const line of lines.trim().split('\n')) {
    const [oid = '', type = ''] = line.split(' ');
    found.set(oid, (await git.gitBytes(['cat-file', type, oid])).toString('latin1'));
  }
  return found;
}

async function commitAll(git: GitRepo, message: string): Promise<void> {
  await git.git('add', '-A');
  await git.git('commit', '-qm', message);
}

async function expectAllRead(all: ReadonlyMap<string, string>, objects: ObjectStore): Promise<void> {
  expect(all.size).toBeGreaterThan(0);
  for (const [oid, content] of all) {
    expect((await objects.read(oid)).content.toString('latin1') === content, oid).toBe(true);
    expect(await objects.has(oid)).toBe(true);
  }
}

test('openObjects() reads what a repository borrows, loose and packed, through several levels', async () => {
  const first = await newRepo();
  await first.write('first.txt', 'first');
  await commitAll(first, 'first');
  await first.git('gc', '-q');
  await first.write('loose.txt', 'loose');
  await commitAll(first, 'loose');
  const second = await newRepo();
  await writeFile(join(second.path, '.git/objects/info/alternates'), `${first.path}/.git/objects\n`);
  await second.git('reset', '-q', '--hard', (await first.git('rev-parse', 'HEAD')).trim());
  await second.write('second.txt', 'second');
  await commitAll(second, 'second');
  const third = await newRepo();
  const lines = `# a comment\n\n"${second.path}/.git/\\157bjects"\n/nowhere/at/all\n`;
  await writeFile(join(third.path, '.git/objects/info/alternates'), lines);
  await third.git('reset', '-q', '--hard', (await second.git('rev-parse', 'HEAD')).trim());

  const objects = await storeOf(third);
  await expectAllRead(await everyObject(third), objects);
  // What it writes goes into its own folder, also what a lender has: a lender may take it away.
  const oid = await objects.write('blob', Buffer.from('first'));
  expect(await readdir(join(third.path, '.git/objects', oid.slice(0, 2)))).toContain(oid.slice(2));
  expect(await objects.has('1'.repeat(40))).toBe(false);
  await expect(objects.read('1'.repeat(40))).rejects.toMatchObject({ code: 'object-missing' });
});

test('alternateFolders() goes as deep as git, takes relative paths, and ends in circles', async () => {
  const repo = await newRepo();
  const folder = (level: number) => join(repo.path, `level-${level}/objects`);
  for (let level = 0; level < 9; level++) {
    await mkdir(join(folder(level), 'info'), { recursive: true });
    await writeFile(join(folder(level), 'info/alternates'), `../../level-${level + 1}/objects`);
  }
  const levels = [1, 2, 3, 4, 5, 6].map(folder);
  expect(await alternateFolders(folder(0))).toEqual(levels);
  await writeFile(join(folder(2), 'info/alternates'), `${folder(0)}\n${folder(1)}\n`);
  expect(await alternateFolders(folder(0))).toEqual([folder(1), folder(2)]);
});

test('openObjects() reads packs whose own indexes gave way to a multi-pack index', async () => {
  const git = await newRepo();
  const text = Array.from({ length: 300 }, (_, i) => `line ${i}`);
  for (let round = 0; round < 4; round++) {
    text[round * 50] = `changed ${round}`;
    await git.write('a.txt', text.join('\n'));
    await git.write(`dir/${round}.bin`, randomBytes(3000));
    await commitAll(git, `round ${round}`);
    await git.git('repack', '-dq');
  }
  // The same objects again in one more pack, with deltas that name their bases.
  const all = await everyObject(git);
  await git.gitBytes(['pack-objects', '-q', '.git/objects/pack/pack'], `${[...all.keys()].join('\n')}\n`);
  await git.git('multi-pack-index', 'write');
  const packDir = join(git.path, '.git/objects/pack');
  const aside = join(git.path, 'aside');
  await mkdir(aside);
  const indexes = (await readdir(packDir)).filter((name) => name.endsWith('.idx'));
  expect(indexes).toHaveLength(5);
  for (const name of indexes) await rename(join(packDir, name), join(aside, name));
  const objects = await storeOf(git);
  await expectAllRead(all, objects);

  // One own index is back, and the multi-pack index goes while the store is open.
  await rename(join(aside, indexes[0] ?? ''), join(packDir, indexes[0] ?? ''));
  await objects.close();
  await expectAllRead(all, objects);
});

test('openObjects() finds the base that a multi-pack index names in another pack', async () => {
  const git = await newRepo();
  const text = Array.from({ length: 500 }, (_, i) => `line ${i} ${(i * 7919) % 1013}`);
  await git.write('a.txt', text.join('\n'));
  await commitAll(git, 'one');
  text[250] = 'changed';
  await git.write('a.txt', text.join('\n'));
  await commitAll(git, 'two');
  // Deltas by id: without the offset option git writes the base's name.
  const all = await everyObject(git);
  const oids = `${[...all.keys()].join('\n')}\n`;
  await git.gitBytes(['pack-objects', '-q', '.git/objects/pack/pack'], oids);
  await git.git('prune-packed');
  // A newer pack with all bases: of two packs with the same object the newer one is named.
  await git.gitBytes(['pack-objects', '-q', '--window=0', '.git/objects/pack/other'], oids);
  const packDir = join(git.path, '.git/objects/pack');
  for (const preferred of (await readdir(packDir)).filter((name) => name.endsWith('.pack'))) {
    await git.git('multi-pack-index', 'write', `--preferred-pack=${preferred}`);
    const aside = new Map<string, string>();
    for (const name of await readdir(packDir)) {
      if (!name.endsWith('.idx')) continue;
      aside.set(join(packDir, name), join(git.path, name));
      await rename(join(packDir, name), join(git.path, name));
    }
    const objects = await storeOf(git);
    await expectAllRead(all, objects);
    await objects.close();
    for (const [from, to] of aside) await rename(to, from);
  }
});

test('openObjects() names a damaged multi-pack index, and does without one', async () => {
  const git = await newRepo();
  await git.write('a.txt', 'a');
  await commitAll(git, 'one');
  await git.git('repack', '-adq');
  await git.git('multi-pack-index', 'write');
  const packDir = join(git.path, '.git/objects/pack');
  for (const name of await readdir(packDir)) if (name.endsWith('.idx')) await rm(join(packDir, name));
  const head = (await git.git('rev-parse', 'HEAD')).trim();
  const index = join(packDir, 'multi-pack-index');
  await rm(index, { force: true });
  await writeFile(index, 'no index at all, but long enough to be one');
  await expect((await storeOf(git)).read(head)).rejects.toMatchObject({ code: 'object-corrupt' });
  await rm(index);
  await expect((await storeOf(git)).read(head)).rejects.toMatchObject({ code: 'object-missing' });
});

test('open() gives contents piece by piece, wherever they lie', async () => {
  const git = await newRepo();
  const large = Buffer.concat([randomBytes(1_500_000), Buffer.alloc(1_500_000)]);
  const objects = await storeOf(git);
  const oid = await objects.write('blob', large);
  const small = await objects.write('blob', Buffer.from('small'));
  const collect = async (id: string) => {
    const { type, sizeBytes, chunks } = await objects.open(id);
    const pieces: Uint8Array[] = [];
    for await (const piece of chunks) pieces.push(piece);
    return { type, sizeBytes, count: pieces.length, content: Buffer.concat(pieces) };
  };
  const expectBoth = async () => {
    const found = await collect(oid);
    expect(found).toMatchObject({ type: 'blob', sizeBytes: large.length });
    expect(found.count).toBeGreaterThan(5);
    expect(found.content.equals(large)).toBe(true);
    expect(await collect(small)).toMatchObject({ count: 1, content: Buffer.from('small') });
  };
  await expectBoth();
  const partly = await objects.open(oid);
  for await (const piece of partly.chunks) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
  await runGit(['pack-objects', '-q', '.git/objects/pack/pack'], {
    cwd: git.path,
    input: `${oid}\n${small}\n`,
  });
  await git.git('prune-packed');
  await expectBoth();
  await expect(objects.open('1'.repeat(40))).rejects.toMatchObject({ code: 'object-missing' });
});
