import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { prepareRef } from '../../../src/git/refs/ref-lock.ts';
import { listRefs, type RefUpdate, readHead, readRef, updateRef } from '../../../src/git/refs/refs.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { Repository } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Bench = { git: GitRepo; repo: Repository; one: string; two: string };
const WHO = 'Ada <ada@example.com> 1767225600 +0100';
const ofCode = (code: string) => expect.objectContaining({ name: 'Failure', code });

/** Two commits; `main` is at the second. */
async function makeBench(): Promise<Bench> {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  await git.git('commit', '-q', '--allow-empty', '-m', 'one');
  await git.git('commit', '-q', '--allow-empty', '-m', 'two');
  const [two = '', one = ''] = (await git.git('rev-list', 'HEAD')).split('\n');
  return { git, repo: await openRepository(git.path), one, two };
}

const update = (bench: Bench, change: Partial<RefUpdate>) =>
  updateRef(bench.repo, {
    ref: 'refs/heads/main',
    expected: bench.two,
    next: bench.one,
    reflog: { message: 'commit: x\n y', who: WHO },
    alsoHead: false,
    fsync: true,
    ...change,
  });

async function locksOf({ git }: Bench): Promise<string[]> {
  const names = await readdir(join(git.path, '.git'), { recursive: true });
  return names.filter((name) => name.endsWith('.lock'));
}

test('readHead() tells branches, unborn branches and detached heads apart', async () => {
  const { git, repo, one, two } = await makeBench();
  expect(await readHead(repo)).toEqual({ kind: 'branch', ref: 'refs/heads/main', branch: 'main', oid: two });
  await git.git('checkout', '-q', '--orphan', 'täst/new');
  expect(await readHead(repo)).toEqual({
    kind: 'branch',
    ref: 'refs/heads/täst/new',
    branch: 'täst/new',
    oid: null,
  });
  await git.git('checkout', '-q', '--detach', one);
  expect(await readHead(repo)).toEqual({ kind: 'detached', oid: one });
});

test('readHead() refuses a HEAD or a branch file that is empty or garbage, and never takes it for a new branch', async () => {
  const { git, repo } = await makeBench();
  const head = join(git.path, '.git/HEAD');
  const contents = [
    '',
    '\n',
    'garbage\n',
    'ref: \n',
    'ref: ../../etc/passwd\n',
    'ref: refs/heads/../x\n',
    '12345\n',
  ];
  const notUtf8 = Buffer.concat([Buffer.from('ref: refs/heads/'), Buffer.from([0xff, 0x0a])]);
  for (const content of [...contents, notUtf8]) {
    await writeFile(head, content);
    await expect(readHead(repo)).rejects.toEqual(ofCode('broken-head'));
  }
  await rm(head);
  await expect(readHead(repo)).rejects.toEqual(ofCode('broken-head'));
  await writeFile(head, 'ref: refs/heads/main\n');
  for (const content of ['', 'x'.repeat(40), '0123\n', '\0'.repeat(41)]) {
    await git.write('.git/refs/heads/main', content);
    await expect(readHead(repo)).rejects.toEqual(ofCode('broken-ref'));
  }
});

test('readRef() prefers loose over packed refs, follows symbolic ones and stops at circles', async () => {
  const { git, repo, one, two } = await makeBench();
  await git.git('branch', 'packed', one);
  await git.git('tag', '-am', 'annotated', 'v1');
  await git.git('pack-refs', '--all');
  expect(await readRef(repo, 'refs/heads/packed')).toBe(one);
  await git.git('update-ref', 'refs/heads/packed', two);
  expect(await readRef(repo, 'refs/heads/packed')).toBe(two);
  expect(await readRef(repo, 'refs/tags/v1')).toBe((await git.git('rev-parse', 'v1')).trim());
  expect(await readRef(repo, 'refs/heads/pack')).toBeNull();
  expect(await readRef(repo, 'refs/heads')).toBeNull();
  await git.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/heads/packed');
  expect(await readRef(repo, 'refs/remotes/origin/HEAD')).toBe(two);
  await git.git('symbolic-ref', 'refs/heads/loop', 'refs/heads/loop2');
  await git.git('symbolic-ref', 'refs/heads/loop2', 'refs/heads/loop');
  await expect(readRef(repo, 'refs/heads/loop')).rejects.toEqual(ofCode('broken-ref'));
  await git.write('.git/packed-refs', 'nonsense refs/heads/packed\n');
  await expect(listRefs(repo, 'refs/')).rejects.toEqual(ofCode('broken-ref'));
});

test('listRefs() lists what git for-each-ref lists', async () => {
  const { git, repo, one } = await makeBench();
  for (const name of ['a', 'b/c', 'b/d', 'ü']) await git.git('branch', name, one);
  await git.git('update-ref', 'refs/remotes/origin/x', one);
  await git.git('pack-refs', '--all');
  for (const name of ['b/e', 'new']) await git.git('branch', name);
  await git.git('branch', '-f', 'a', 'main');
  await git.write('.git/refs/heads/new.lock', '');
  for (const prefix of ['refs/heads/', 'refs/heads/b/', 'refs/remotes/', 'refs/']) {
    const wanted = await git.git(
      'for-each-ref',
      '--format=%(refname) %(objectname)',
      prefix.replace(/\/$/, ''),
    );
    const listed = [...(await listRefs(repo, prefix))].map(([ref, oid]) => `${ref} ${oid}\n`);
    expect(listed.sort().join('')).toBe(wanted);
  }
  expect([...(await listRefs(repo, 'refs/heads/b')).keys()].sort()).toEqual([
    'refs/heads/b/c',
    'refs/heads/b/d',
    'refs/heads/b/e',
  ]);
});

test('updateRef() moves a ref and writes the reflogs that git would', async () => {
  const bench = await makeBench();
  const { git, repo, one, two } = bench;
  await update(bench, { alsoHead: true });
  expect((await git.git('rev-parse', 'HEAD')).trim()).toBe(one);
  for (const log of ['main', 'HEAD']) {
    expect(await git.git('reflog', '-1', '--format=%H %gs', log)).toBe(`${one} commit: x y\n`);
  }
  const tail = `${two} ${one} ${WHO}\tcommit: x y\n`;
  expect((await readFile(join(git.path, '.git/logs/HEAD'), 'utf8')).endsWith(tail)).toBe(true);
  await update(bench, { ref: 'refs/remotes/origin/deep/x', expected: null });
  expect(await git.git('reflog', '--format=%gs', 'refs/remotes/origin/deep/x')).toBe('commit: x y\n');
  await update(bench, { ref: 'refs/gitferry/x', expected: null });
  expect(await readdir(join(git.path, '.git/logs/refs'))).not.toContain('gitferry');
  expect(await readRef(repo, 'refs/gitferry/x')).toBe(one);
  expect(await locksOf(bench)).toEqual([]);
});

test('updateRef() changes nothing when the ref is not where it was expected', async () => {
  const bench = await makeBench();
  const { git, one, two } = bench;
  for (const expected of [one, null]) {
    await expect(update(bench, { expected, next: one })).rejects.toEqual(ofCode('ref-moved'));
  }
  await expect(update(bench, { ref: 'refs/heads/absent' })).rejects.toEqual(ofCode('ref-moved'));
  await git.git('checkout', '-q', '-b', 'other');
  await expect(update(bench, { alsoHead: true })).rejects.toEqual(ofCode('ref-moved'));
  expect((await git.git('rev-parse', 'main')).trim()).toBe(two);
  expect(await locksOf(bench)).toEqual([]);
});

test('prepareRef() locks nobody out, and its lock() sees what moved meanwhile', async () => {
  const bench = await makeBench();
  const { git, repo, one, two } = bench;
  const wait = { clock: createManualClock(), random: () => 0.5 };
  const change = { ref: 'refs/heads/main', expected: two, next: one, alsoHead: true, fsync: false };
  const prepared = await prepareRef(repo, change, wait.random);
  expect(await locksOf(bench)).toEqual([]);
  await git.git('reset', '-q', '--soft', one);
  await expect(prepared.lock(wait)).rejects.toMatchObject({ code: 'ref-moved', data: { current: one } });
  await prepared.release();
  await git.git('checkout', '-q', '-b', 'other', two);
  const elsewhere = await prepareRef(repo, { ...change, expected: one, next: two }, wait.random);
  await expect(elsewhere.lock(wait)).rejects.toMatchObject({ code: 'ref-moved', data: { current: two } });
  await elsewhere.release();
  expect(await locksOf(bench)).toEqual([]);
  expect(await readdir(join(git.path, '.git/gitferry-locks'))).toEqual([]);
  expect((await git.git('rev-parse', 'main')).trim()).toBe(one);
});

test('updateRef() updates packed refs, and refs whose empty folders were left behind', async () => {
  const bench = await makeBench();
  const { git, one, two } = bench;
  await git.git('pack-refs', '--all', '--prune');
  await update(bench, {});
  expect((await git.git('rev-parse', 'main')).trim()).toBe(one);
  await mkdir(join(git.path, '.git/refs/heads/left/over/deep'), { recursive: true });
  await update(bench, { ref: 'refs/heads/left', expected: null, next: two });
  expect((await git.git('rev-parse', 'left')).trim()).toBe(two);
});

test('updateRef() recognises names that cannot stand beside each other', async () => {
  const bench = await makeBench();
  const { git } = bench;
  for (const packed of [false, true]) {
    await git.git('branch', '-f', 'a/b');
    if (packed) await git.git('pack-refs', '--all', '--prune');
    for (const ref of ['refs/heads/a', 'refs/heads/a/b/c']) {
      await expect(update(bench, { ref, expected: null })).rejects.toEqual(ofCode('ref-conflict'));
    }
  }
  await git.git('fsck', '--strict');
  expect(await locksOf(bench)).toEqual([]);
});

test('updateRef() waits for a lock of another program, and never deletes one', async () => {
  const bench = await makeBench();
  const lock = join(bench.git.path, '.git/refs/heads/main.lock');
  await writeFile(lock, 'theirs');
  const clock = createManualClock();
  const outcome = update(bench, { clock, random: () => 0.5 }).then(
    () => 'moved',
    (error: unknown) => error,
  );
  let ended = false;
  const watched = outcome.finally(() => {
    ended = true;
  });
  while (!ended) await clock.advance(clock.nextTimerMs() ?? 0);
  expect(await watched).toEqual(ofCode('ref-moved'));
  expect(clock.monotonic()).toBeGreaterThan(1500);
  expect(await readFile(lock, 'utf8')).toBe('theirs');
  const second = update(bench, { clock, random: () => 0.5 });
  while (clock.nextTimerMs() === null) await clock.advance(0);
  await rm(lock);
  await clock.advance(10);
  await second;
  expect(await locksOf(bench)).toEqual([]);
});

test('updateRef() lets exactly one of many writers win each move', async () => {
  const bench = await makeBench();
  const commits: string[] = [];
  for (let i = 0; i < 8; i++) {
    commits.push((await bench.git.git('commit-tree', '-m', `${i}`, `${bench.two}^{tree}`)).trim());
  }
  const outcomes = await Promise.allSettled(commits.map((next) => update(bench, { next })));
  const won = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [commits[i]] : []));
  expect(won).toEqual([(await bench.git.git('rev-parse', 'main')).trim()]);
  expect(await locksOf(bench)).toEqual([]);
});
