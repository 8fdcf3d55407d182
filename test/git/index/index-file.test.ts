import { createHash } from 'node:crypto';
import { lstat, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { IndexFile, isRacy, matchesStat, readIndex } from '../../../src/git/index/index-file.ts';
import { draftIndex, type IndexChange, patchIndex, sealIndex } from '../../../src/git/index/index-write.ts';
import { parseIndex, parseOwnIndex } from '../../../src/git/index/parse-index.ts';
import { findRecent, findUnsureEntries } from '../../../src/git/index/unsure-entries.ts';
import { bytesOf, toRepoPath } from '../../../src/git/paths.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { Repository } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Bench = { git: GitRepo; repo: Repository; file: string };
const BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
const STAT = {
  ctimeNs: 5n,
  mtimeNs: -1n,
  dev: 1n,
  ino: 2n ** 40n + 7n,
  uid: 0n,
  gid: 0n,
  size: 2n ** 32n + 3n,
};
const ofCode = (code: string) => expect.objectContaining({ name: 'Failure', code });
const added = (path: string): IndexChange => ({
  path: toRepoPath(path),
  entry: { mode: 0o100644, oid: BLOB, stat: STAT },
});
const removed = (path: string): IndexChange => ({ path: toRepoPath(path), entry: null });

async function makeBench(...paths: string[]): Promise<Bench> {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  for (const path of paths) await git.write(path, '');
  if (paths.length > 0) await git.git('add', '.');
  return { git, repo: await openRepository(git.path), file: join(git.path, '.git/index') };
}

/** `mode oid stage path` of every entry, as `git ls-files --stage` gives them. */
async function stagedByGit({ git }: Bench): Promise<string[]> {
  const bytes = await git.gitBytes(['ls-files', '--stage', '-z']);
  return bytes.toString('latin1').split('\0').slice(0, -1);
}

const stagedByUs = (index: IndexFile) =>
  [...index.entries()].map(
    ({ mode, oid, stage, path }) => `${mode.toString(8).padStart(6, '0')} ${oid} ${stage}\t${path}`,
  );

function withHash(body: Buffer): Buffer {
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

test('readIndex() decodes what git wrote, names of any bytes and length included', async () => {
  const bench = await makeBench('a.txt', 'a/b', 'dir/ünï', 'run.sh');
  const { git, repo } = bench;
  await git.git('update-index', '--chmod=+x', 'run.sh');
  const odd = Buffer.concat([
    Buffer.from(`100644 ${BLOB}\t`),
    Buffer.from([0x66, 0xff, 0]),
    Buffer.from(`120000 ${BLOB}\t`),
  ]);
  const long = Buffer.from(`${'long/'.repeat(1000)}name\0`);
  await git.gitBytes(['update-index', '-z', '--index-info'], Buffer.concat([odd, long]));
  const index = await readIndex(repo);
  expect(stagedByUs(index)).toEqual(await stagedByGit(bench));
  expect(index).toMatchObject({ version: 2, count: 6, hasUnmerged: false, hashSkipped: false });
  for (const entry of index.entries()) expect(index.find(entry.path)).toEqual(entry);
  expect(index.find(toRepoPath('a'))).toBeNull();
  expect([...index.under(toRepoPath('a'))].map((entry) => entry.path)).toEqual(['a/b']);
  expect([...index.under(toRepoPath('a.txt'))]).toEqual([]);
});

test('readIndex() takes a missing file for an empty index', async () => {
  const { repo } = await makeBench();
  const index = await readIndex(repo);
  expect(index).toMatchObject({ version: 2, count: 0, mtimeNs: 0n, extensions: [] });
  expect(index.find(toRepoPath('a'))).toBeNull();
});

test('readIndex() reads the flags of version 3, and unmerged stages', async () => {
  const bench = await makeBench('skipped', 'assumed', 'plain');
  const { git, repo } = bench;
  await git.write('intended', 'x');
  await git.git('add', '-N', 'intended');
  await git.git('update-index', '--skip-worktree', 'skipped');
  await git.git('update-index', '--assume-unchanged', 'assumed');
  const index = await readIndex(repo);
  expect(index.version).toBe(3);
  const flags = [...index.entries()].map((e) => [e.path, e.assumeValid, e.skipWorktree, e.intentToAdd]);
  expect(flags).toEqual([
    ['assumed', true, false, false],
    ['intended', false, false, true],
    ['plain', false, false, false],
    ['skipped', false, true, false],
  ]);
  expect(stagedByUs(index)).toEqual(await stagedByGit(bench));
  await git.gitBytes(
    ['update-index', '--index-info'],
    `100644 ${BLOB} 1\tplain2\n100644 ${BLOB} 2\tplain2\n`,
  );
  const unmerged = await readIndex(repo);
  expect(unmerged.hasUnmerged).toBe(true);
  expect(unmerged.find(toRepoPath('plain2'))?.stage).toBe(1);
  expect(() => patchIndex(unmerged, { changes: [] })).toThrow(ofCode('unmerged-entries'));
});

test('readIndex() refuses damaged indexes and versions that it does not know', async () => {
  const { repo, file } = await makeBench('a', 'b/c');
  const good = await readFile(file);
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 0x41;
    expect(() => new IndexFile(bad, 0n), `byte ${at}`).toThrow(expect.objectContaining({ name: 'Failure' }));
  }
  const body = good.subarray(0, -20);
  for (let length = 12; length < body.length; length++) {
    // Cut between entries and extensions the rest may be sound; it never reads outside.
    const cut = withHash(body.subarray(0, length));
    const outcome = () => [...new IndexFile(cut, 0n).entries()];
    if (length < body.length - 40) expect(outcome, `length ${length}`).toThrow(ofCode('index-corrupt'));
  }
  await writeFile(file, '');
  await expect(readIndex(repo)).rejects.toEqual(ofCode('index-corrupt'));
  const next = Buffer.from(good.subarray(0, -20));
  next.writeUInt32BE(5, 4);
  await writeFile(file, withHash(next));
  await expect(readIndex(repo)).rejects.toEqual(ofCode('index-corrupt'));
});

test('readIndex() reads version 4 with its shortened names, flags and stages as git does', async () => {
  const paths = ['a', 'dir/one', 'dir/one.more', 'dir/two', `${'deep/'.repeat(60)}ünï`, 'z'];
  const bench = await makeBench(...paths);
  const { git, repo, file } = bench;
  await git.git('update-index', '--skip-worktree', 'dir/two');
  await git.gitBytes(['update-index', '--index-info'], `100755 ${BLOB}\t${'long/'.repeat(900)}name\n`);
  const before = await readIndex(repo);
  await git.git('update-index', '--index-version=4');
  const index = await readIndex(repo);
  expect(index.version).toBe(4);
  expect([...index.entries()]).toEqual([...before.entries()]);
  expect(stagedByUs(index)).toEqual(await stagedByGit(bench));
  expect(index.find(toRepoPath('dir/two'))?.skipWorktree).toBe(true);
  const good = await readFile(file);
  for (let length = 12; length < good.length - 20; length += 7) {
    const cut = withHash(good.subarray(0, length));
    expect(() => new IndexFile(cut, 0n), `length ${length}`).toThrow(ofCode('index-corrupt'));
  }
});

test('patchIndex() writes an index of version 4 as git itself would', async () => {
  const bench = await makeBench('a', 'b/c', 'b/d', 'b.x', 'dir/one', 'dir/one.more', 'z');
  const { git, repo, file } = bench;
  await git.git('update-index', '--skip-worktree', 'b/d');
  await git.git('update-index', '--index-version=4');
  const untouched = await readFile(file);
  expect(patchIndex(await readIndex(repo), { changes: [] }).equals(untouched)).toBe(true);
  const changes = [
    added('b/c'),
    removed('z'),
    added('dir/one/below'),
    added(`${'y'.repeat(200)}/1`),
    added('b-'),
  ];
  await writeFile(file, patchIndex(await readIndex(repo), { changes, unsure: [0] }));
  expect((await readFile(file)).readUInt32BE(4)).toBe(4);
  const after = await readIndex(repo);
  expect(stagedByUs(after)).toEqual(await stagedByGit(bench));
  expect(after.find(toRepoPath('b/d'))?.skipWorktree).toBe(true);
  expect([...after.entries()].map((entry) => entry.path)).toEqual([
    'a',
    'b-',
    'b.x',
    'b/c',
    'b/d',
    'dir/one.more',
    'dir/one/below',
    `${'y'.repeat(200)}/1`,
  ]);
});

test('readIndex() tells of a hash that was left out', async () => {
  const { repo, file } = await makeBench('a');
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(0, bytes.length - 20));
  expect((await readIndex(repo)).hashSkipped).toBe(true);
});

test('matchesStat() and isRacy() know an untouched file from a touched one', async () => {
  const { git, repo, file } = await makeBench();
  await git.write('a', 'content');
  await utimes(join(git.path, 'a'), 1_700_000_000, 1_700_000_000.25);
  await git.git('add', 'a');
  const entry = (await readIndex(repo)).find(toRepoPath('a'));
  const stats = () => lstat(join(git.path, 'a'), { bigint: true });
  if (entry === null) throw new Error('a is not in the index');
  expect(matchesStat(entry, await stats())).toBe(true);
  expect(isRacy(entry, await readIndex(repo))).toBe(false);
  await utimes(file, 1_700_000_000, 1_700_000_000.25);
  expect(isRacy(entry, await readIndex(repo))).toBe(true);
  await utimes(join(git.path, 'a'), 1_700_000_000, 1_700_000_000.5);
  expect(matchesStat(entry, await stats())).toBe(false);
  expect(matchesStat({ ...entry, size: 0 }, { ...(await stats()), size: 0n })).toBe(false);
});

test('patchIndex() adds, replaces and removes entries so that git finds them in order', async () => {
  const bench = await makeBench('a', 'b/c', 'b/d', 'b.x', 'z');
  const { git, repo, file } = bench;
  await git.git('commit', '-qm', 'one');
  const before = await readIndex(repo);
  expect(before.extensions).toContain('TREE');
  const changes = [added('b/c'), removed('z'), added('y/2'), added('y/1'), added('b-'), removed('absent')];
  await writeFile(file, patchIndex(before, { changes }));
  const after = await readIndex(repo);
  const paths = ['a', 'b-', 'b.x', 'b/c', 'b/d', 'y/1', 'y/2'];
  expect([...after.entries()].map((entry) => entry.path)).toEqual(paths);
  expect(stagedByUs(after)).toEqual(await stagedByGit(bench));
  expect(after.find(toRepoPath('b/c'))).toMatchObject({
    size: 3,
    stat: { mtimeS: 2 ** 32 - 1, mtimeNs: 999_999_999, ctimeNs: 5, ino: 7 },
  });
  expect(
    (await git.git('ls-tree', '-r', '--name-only', (await git.git('write-tree')).trim())).trim().split('\n'),
  ).toEqual(paths);
});

test('draftIndex() answers where entries begin only while that is right', async () => {
  const { git, repo } = await makeBench('a', 'b/c', 'b/d', 'z');
  await git.git('commit', '-qm', 'one');
  const before = await readIndex(repo);
  const table: [name: string, changes: IndexChange[], unsure: number[], isKept: boolean][] = [
    ['nothing', [], [], true],
    ['other contents', [added('b/c'), added('z')], [0], true],
    ['one more', [added('b/e')], [], false],
    ['one less', [removed('a')], [], false],
    ['one more and one less', [removed('a'), added('y')], [], false],
    ['a file for a folder', [removed('b/c'), removed('b/d'), added('b')], [], false],
  ];
  for (const [name, changes, unsure, isKept] of table) {
    const { bytes, ...own } = draftIndex(before, { changes, unsure, recent: { since: 7, at: [1] } });
    expect(own.offsets === before.offsets, name).toBe(isKept);
    expect(sealIndex(bytes).equals(bytes.subarray(-20)), name).toBe(true);
    // `parseIndex` checks the hash, too.
    const { raw, ...layout } = parseIndex(bytes);
    const { raw: same, recent, ...known } = parseOwnIndex(bytes, own);
    expect(known, name).toEqual(layout);
    expect(same.equals(raw), name).toBe(true);
    if (isKept) expect(recent?.at, name).toEqual(expect.arrayContaining([1, ...unsure]));
  }
});

test('findRecent() finds the same in an index of which the recent entries are known as in any other', async () => {
  const { git, repo, file } = await makeBench('a', 'b/c', 'b/d', 'z');
  await git.git('commit', '-qm', 'one');
  await utimes(file, 1_700_000_000, 1_700_000_000);
  const before = await readIndex(repo);
  const recent = findRecent(before);
  expect(recent.at).toEqual([0, 1, 2, 3]);
  const old = (path: string): IndexChange => {
    const { entry } = added(path);
    return { path: toRepoPath(path), entry: entry && { ...entry, stat: { ...STAT, mtimeNs: 5n } } };
  };
  const changes = [old('a'), old('b/d'), old('z')];
  const { bytes, ...known } = draftIndex(before, { changes, recent });
  const now = BigInt(Math.floor(Date.now() / 1000) - 3_600) * 1_000_000_000n;
  for (const mtimeNs of [now, 1_700_000_000_000_000_000n, 1_600_000_000_000_000_000n]) {
    const own = new IndexFile(bytes, mtimeNs, parseOwnIndex(bytes, known));
    expect(findRecent(own)).toEqual(findRecent(new IndexFile(bytes, mtimeNs)));
    expect(findRecent(own).at).toEqual([1]);
  }
});

test('patchIndex() puts files in the place of folders and the reverse', async () => {
  const bench = await makeBench('a/b/c', 'a/d', 'a.txt', 'file', 'file.x');
  const { git, repo, file } = bench;
  await git.git('commit', '-qm', 'one');
  const changes = [added('a'), removed('a/b/c'), added('file/x/y'), removed('file')];
  await writeFile(file, patchIndex(await readIndex(repo), { changes }));
  const paths = ['a', 'a.txt', 'file.x', 'file/x/y'];
  expect([...(await readIndex(repo)).entries()].map((entry) => entry.path)).toEqual(paths);
  const tree = (await git.git('write-tree')).trim();
  expect((await git.git('ls-tree', '-r', '--name-only', tree)).trim().split('\n')).toEqual(paths);
});

test('patchIndex() keeps version 3 flags of others and refuses to delete what is left out on purpose', async () => {
  const { git, repo, file } = await makeBench('a', 'skipped');
  await git.git('update-index', '--skip-worktree', 'skipped');
  const index = await readIndex(repo);
  await writeFile(file, patchIndex(index, { changes: [added('b')] }));
  expect(await git.git('ls-files', '-t')).toBe('H a\nH b\nS skipped\n');
  expect(() => patchIndex(index, { changes: [removed('skipped')] })).toThrow(ofCode('file-changing'));
});

test('patchIndex() marks unsure entries, drops extensions about the old file and refuses unknown needs', async () => {
  const { repo, file } = await makeBench('a', 'b');
  const body = (await readFile(file)).subarray(0, -20);
  const extension = (name: string, data: string) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return Buffer.concat([Buffer.from(name), size, Buffer.from(data)]);
  };
  const make = (...parts: Buffer[]) => new IndexFile(withHash(Buffer.concat([body, ...parts])), 0n);
  const reuc = extension('REUC', 'kept');
  const patched = new IndexFile(
    patchIndex(make(extension('TREE', 'damaged'), extension('UNTR', 'x'), reuc, extension('ZZZZ', 'y')), {
      changes: [added('c')],
      unsure: [1],
    }),
    0n,
  );
  expect(patched.extensions).toEqual(['REUC']);
  expect(patched.extension('REUC')?.toString()).toBe('kept');
  expect([...patched.entries()].map((entry) => entry.path)).toEqual(['a', 'b', 'c']);
  const index = new IndexFile(patchIndex(await readIndex(repo), { changes: [], unsure: [1] }), 0n);
  expect(index.find(toRepoPath('b'))?.size).toBe(0);
  for (const name of ['link', 'sdir', 'qqqq']) {
    expect(() => patchIndex(make(extension(name, '')), { changes: [] })).toThrow(ofCode('needs-system-git'));
  }
});

test('patchIndex() writes names of 4095 bytes and more', async () => {
  const { git, repo, file } = await makeBench('z');
  for (const length of [4094, 4095, 4096, 5000]) {
    const path = 'a/'
      .repeat(length / 2)
      .padEnd(length, 'x')
      .replace(/\/$/, 'x');
    await rm(file);
    await writeFile(file, patchIndex(await readIndex(repo), { changes: [added(path), added('b')] }));
    expect(bytesOf(path)).toHaveLength(length);
    expect(await git.git('ls-files')).toBe(`${path}\nb\n`);
    expect((await readIndex(repo)).find(toRepoPath('b'))?.oid).toBe(BLOB);
  }
});

test('findUnsureEntries() takes what is behind a link that leads to itself for gone', async () => {
  const { git, repo, file } = await makeBench();
  for (const path of ['dir/a', 'b']) await git.write(path, 'content');
  await git.git('add', '.');
  await rm(join(git.path, 'dir'), { recursive: true });
  await symlink('dir', join(git.path, 'dir'));
  // Everything is of the same second as the index; the new one is begun long after.
  const index = new IndexFile(await readFile(file), 0n);
  const later = (await lstat(file, { bigint: true })).mtimeNs + 5_000_000_000n;
  expect(await findUnsureEntries(repo, index, later)).toEqual([index.position(toRepoPath('b')).at]);
});
