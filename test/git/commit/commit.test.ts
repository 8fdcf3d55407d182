import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type CommitInput, commitChanges } from '../../../src/git/commit/commit.ts';
import { isRacy, matchesStat, readIndex } from '../../../src/git/index/index-file.ts';
import { objectId } from '../../../src/git/objects/object-format.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { diskPath, type RepoPath, repoPathOf, toRepoPath } from '../../../src/git/paths.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { FILE_MODE, type FileChange, type ObjectStore, type Repository } from '../../../src/git/types.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { createGitRepo, type GitRepo, type GitRepoOptions, runGit } from '../../support/git-repo.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Bench = { git: GitRepo; repo: Repository; objects: ObjectStore; path: string };
// Hundreds of git processes: seconds on an idle machine, a minute on a busy one.
const BUSY_MACHINE_MS = 240_000;
const AT = { epochMs: 1_767_225_600_000, offsetMinutes: 90 };
const ADA = { name: 'Ada Author', email: 'ada@example.com' };
const CARL = { name: 'Carl <Committer>', email: 'carl@example.com' };
const ofCode = (code: string) => expect.objectContaining({ name: 'Failure', code });

async function makeBench(options?: GitRepoOptions): Promise<Bench> {
  const git = await createGitRepo(options);
  const repo = await openRepository(git.path);
  const objects = openObjects(repo, { fsync: false });
  cleanUps.push(git.remove, () => objects.close());
  return { git, repo, objects, path: git.path };
}

async function withFirstCommit(): Promise<Bench> {
  const bench = await makeBench();
  await bench.git.write('a.txt', 'a\n');
  await bench.git.write('dir/b.txt', 'b\n');
  await bench.git.git('add', '.');
  await bench.git.git('commit', '-qm', 'first');
  return bench;
}

async function changeAt(bench: Bench, path: RepoPath): Promise<FileChange> {
  const file = diskPath(bench.path, path);
  const stats = await lstat(file, { bigint: true }).catch(() => null);
  if (stats === null || stats.isDirectory()) return { kind: 'deleted', path };
  const link = stats.isSymbolicLink();
  const content = link ? await readlink(file, { encoding: 'buffer' }) : await readFile(file);
  const plain = stats.mode & 0o100n ? FILE_MODE.executable : FILE_MODE.file;
  const mode = link ? FILE_MODE.symlink : plain;
  return {
    kind: 'modified',
    path,
    mode,
    oid: objectId('blob', content),
    sizeBytes: content.length,
    stat: stats,
  };
}

/** What git says differs, as changes. */
async function changesOf(bench: Bench): Promise<FileChange[]> {
  const bytes = await bench.git.gitBytes(['status', '--porcelain', '-z', '-uall', '--no-renames']);
  const lines = bytes
    .toString('latin1')
    .split('\0')
    .filter((line) => line !== '');
  const paths = new Set(lines.map((line) => repoPathOf(Buffer.from(line.slice(3), 'latin1'))));
  return Promise.all([...paths].map((path) => changeAt(bench, path)));
}

const changesAt = (bench: Bench, ...paths: string[]) =>
  Promise.all(paths.map((path) => changeAt(bench, toRepoPath(path))));

function commit(bench: Bench, changes: readonly FileChange[], more: Partial<CommitInput> = {}) {
  return commitChanges({
    repo: bench.repo,
    objects: bench.objects,
    changes,
    message: 'Update things',
    author: ADA,
    committer: CARL,
    at: AT,
    clock: systemClock,
    random: () => 0.5,
    fsync: false,
    signal: new AbortController().signal,
    ...more,
  });
}

/** The tree that git makes of the whole work tree, by an index of its own. */
async function treeByGit(bench: Bench): Promise<string> {
  const env = { GIT_INDEX_FILE: join(bench.path, '.git', 'index-of-the-test') };
  await runGit(['add', '-A'], { cwd: bench.path, env });
  const tree = await runGit(['write-tree'], { cwd: bench.path, env });
  return tree.toString().trim();
}

async function expectClean(bench: Bench): Promise<void> {
  const head = (await bench.git.git('rev-parse', 'HEAD^{tree}')).trim();
  expect(head).toBe(await treeByGit(bench));
  expect(await bench.git.git('status', '--porcelain', '-uall')).toBe('');
  expect((await bench.git.git('write-tree')).trim()).toBe(head);
}

async function locksOf(bench: Bench): Promise<string[]> {
  const names = await readdir(join(bench.path, '.git'), { recursive: true });
  return names.filter((name) => name.endsWith('.lock') || name.includes('tmp_obj'));
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const FOLDERS = ['', 'a/', 'a/b/', 'a-b/', 'a/b/c/', 'sub dir/', 'ünï/', 'z/'].map((text) =>
  toRepoPath(text),
);
const NAMES = [
  ...['a', 'b', 'a.txt', 'b-c', 'c', 'ß – 日本.md', 'a0', 'a!'].map((text) => toRepoPath(text)),
  repoPathOf(Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x74])),
];

/** One random step in the work tree; files take the place of folders and the reverse. */
async function mutate(bench: Bench, random: () => number): Promise<void> {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const path = `${pick(FOLDERS)}${pick(NAMES)}`;
  const file = diskPath(bench.path, path);
  const there = await lstat(file).catch(() => null);
  if (random() < 0.3) return there === null ? undefined : rm(file, { recursive: true });
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = diskPath(bench.path, path.slice(0, slash));
    const stats = await lstat(folder).catch(() => null);
    if (stats && !stats.isDirectory()) await rm(folder);
    if (!stats?.isDirectory()) await mkdir(folder);
  }
  const kind = random();
  const replace = kind < 0.25 || there?.isDirectory() || there?.isSymbolicLink() || random() < 0.5;
  if (replace) await rm(file, { recursive: true, force: true });
  if (kind < 0.1) await mkdir(file);
  else if (kind < 0.25) await symlink(pick(['a', '../x', 'nowhere']), file);
  else await writeFile(file, `${pick(['one', 'two', 'three'])}\n`, { mode: random() < 0.3 ? 0o755 : 0o644 });
}

test('commitChanges() gives what git would over hundreds of random commits', {
  timeout: BUSY_MACHINE_MS,
}, async () => {
  const bench = await makeBench();
  const random = seeded(20260101);
  let commits = 0;
  for (let round = 0; round < 220; round++) {
    for (let step = 0; step < 1 + random() * 6; step++) await mutate(bench, random);
    const changes = await changesOf(bench);
    if (changes.length === 0) continue;
    const result = await commit(bench, changes);
    if (result !== null) commits++;
    // What goes wrong stays wrong: a look at every third commit finds it, in a third of the time.
    if (round % 3 === 0) await expectClean(bench);
    if (round === 100) await bench.git.git('gc', '-q', '--prune=now');
  }
  expect(commits).toBeGreaterThan(190);
  await expectClean(bench);
  await bench.git.git('fsck', '--strict');
  expect(await locksOf(bench)).toEqual([]);
});

test('commitChanges() makes the first commit of an empty repository', async () => {
  const bench = await makeBench();
  await bench.git.write('dir/a.txt', 'a\n');
  await bench.git.write('run.sh', '#!/bin/sh\n', 0o755);
  const result = await commit(bench, await changesAt(bench, 'dir/a.txt', 'run.sh'), {
    message: 'Hello\n\nBody\n',
  });
  const oid = (await bench.git.git('rev-parse', 'HEAD')).trim();
  expect(result).toEqual({ oid, parent: null, ref: 'refs/heads/main', files: 2, busy: [] });
  await expectClean(bench);
  const text = await bench.git.git('cat-file', 'commit', 'HEAD');
  const tree = (await bench.git.git('rev-parse', 'HEAD^{tree}')).trim();
  expect(text).toBe(
    `tree ${tree}\nauthor Ada Author <ada@example.com> 1767225600 +0130\n` +
      'committer Carl Committer <carl@example.com> 1767225600 +0130\n\nHello\n\nBody\n',
  );
  const line = `${'0'.repeat(40)} ${oid} Carl Committer <carl@example.com> 1767225600 +0130\tcommit (initial): Hello\n`;
  expect(await readFile(join(bench.path, '.git/logs/HEAD'), 'utf8')).toBe(line);
  expect(await readFile(join(bench.path, '.git/logs/refs/heads/main'), 'utf8')).toBe(line);
});

test('commitChanges() leaves staged what a person has staged besides', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('staged.txt', 'staged\n');
  await bench.git.git('add', 'staged.txt');
  await bench.git.git('rm', '-q', '--cached', 'dir/b.txt');
  await bench.git.write('a.txt', 'changed\n');
  await bench.git.git('add', 'a.txt');
  await bench.git.write('a.txt', 'changed again\n');
  await commit(bench, await changesAt(bench, 'a.txt'));
  const status = await bench.git.git('status', '--porcelain');
  expect(status).toBe('D  dir/b.txt\nA  staged.txt\n?? dir/\n');
  expect(await bench.git.git('show', 'HEAD:a.txt')).toBe('changed again\n');
  expect(await bench.git.git('show', '--name-only', '--format=', 'HEAD')).toBe('a.txt\n');
});

test('commitChanges() answers null when HEAD already holds it all', async () => {
  const bench = await withFirstCommit();
  const before = await readFile(join(bench.path, '.git/index'));
  expect(await commit(bench, await changesAt(bench, 'a.txt'))).toBeNull();
  expect((await readFile(join(bench.path, '.git/index'))).equals(before)).toBe(true);
});

test('commitChanges() keeps up with a person who adds and commits all the time, and nobody loses anything', {
  timeout: BUSY_MACHINE_MS,
}, async () => {
  const bench = await withFirstCommit();
  const ours: string[] = [];
  let theirs = 0;
  let done = false;
  const person = async () => {
    while (!done) {
      const name = `person-${theirs}.txt`;
      await bench.git.write(name, `${theirs}\n`);
      // A person tries again when git says that index.lock exists, or that HEAD moved.
      const steps = [
        ['add', name],
        ['commit', '-qm', `person ${theirs}`, '--', name],
      ];
      for (const step of steps) {
        for (;;) {
          const failed = await bench.git.git(...step).then(
            () => null,
            (error: Error) => error.message,
          );
          if (failed === null) break;
          expect(failed).toMatch(/\.lock|cannot lock ref/);
        }
      }
      theirs++;
    }
  };
  const service = async () => {
    while (theirs < 30 || ours.length < 30) {
      const name = `service-${ours.length}.txt`;
      await bench.git.write(name, 'x\n');
      const result = await commit(bench, await changesAt(bench, name)).catch((error: { code?: string }) => {
        if (error.code === 'index-busy' || error.code === 'ref-moved') return null;
        throw error;
      });
      if (result !== null) ours.push(name);
    }
    done = true;
  };
  await Promise.all([person(), service().finally(() => (done = true))]);
  const names = new Set((await bench.git.git('ls-tree', '-r', '--name-only', 'HEAD')).split('\n'));
  for (const name of ours) expect(names).toContain(name);
  for (let i = 0; i < theirs; i++) expect(names).toContain(`person-${i}.txt`);
  expect((await bench.git.git('rev-list', '--count', 'HEAD')).trim()).toBe(`${1 + ours.length + theirs}`);
  // The index is not compared here: `git commit <paths>` reads it before it takes index.lock, so two git commands
  // alone lose entries to each other. `git add` locks first: see the next test.
  await bench.git.git('fsck', '--strict');
  expect(await locksOf(bench)).toEqual([]);
});

test('commitChanges() loses nothing that a person stages at the same time', async () => {
  const bench = await withFirstCommit();
  let staged = 0;
  let ours = 0;
  const person = async () => {
    for (; staged < 40; staged++) {
      await bench.git.write(`person-${staged}.txt`, `${staged}\n`);
      for (let added = false; !added; ) {
        added = await bench.git.git('add', `person-${staged}.txt`).then(
          () => true,
          (error: Error) => {
            expect(error.message).toContain('index.lock');
            return false;
          },
        );
      }
    }
  };
  const service = async () => {
    for (; staged < 40 || ours < 40; ours++) {
      await bench.git.write(`service-${ours}.txt`, 'x\n');
      expect(await commit(bench, await changesAt(bench, `service-${ours}.txt`))).not.toBeNull();
    }
  };
  await Promise.all([person(), service()]);
  const lines = (await bench.git.git('status', '--porcelain')).trimEnd().split('\n');
  expect(lines.sort()).toEqual(Array.from({ length: 40 }, (_, i) => `A  person-${i}.txt`).sort());
  expect((await bench.git.git('rev-list', '--count', 'HEAD')).trim()).toBe(`${1 + ours}`);
});

test('commitChanges() builds on what a person committed in the middle of it', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('ours.txt', 'ours\n');
  let interfered = false;
  const result = await commit(bench, await changesAt(bench, 'ours.txt'), {
    faultPoint: async (name) => {
      if (name !== 'trees-written' || interfered) return;
      interfered = true;
      await bench.git.write('theirs.txt', 'theirs\n');
      await bench.git.git('add', 'theirs.txt');
      await bench.git.git('commit', '-qm', 'theirs');
    },
  });
  expect(result?.parent).toBe((await bench.git.git('rev-parse', 'HEAD~1')).trim());
  expect(await bench.git.git('log', '--format=%s')).toBe('Update things\ntheirs\nfirst\n');
  await expectClean(bench);
});

test('commitChanges() stands back when a merge began meanwhile', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'new\n');
  const attempt = commit(bench, await changesAt(bench, 'a.txt'), {
    faultPoint: (name) =>
      name === 'index-locked' ? writeFile(join(bench.path, '.git/MERGE_HEAD'), '0'.repeat(40)) : undefined,
  });
  await expect(attempt).rejects.toEqual(ofCode('merge-in-progress'));
  expect(await locksOf(bench)).toEqual([]);
  expect((await bench.git.git('rev-list', '--count', 'HEAD')).trim()).toBe('1');
});

test('commitChanges() leaves everything as it was when it fails before the branch moves', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'new\n');
  const index = await readFile(join(bench.path, '.git/index'));
  const head = await bench.git.git('rev-parse', 'HEAD');
  for (const step of ['blobs-written', 'trees-written', 'index-locked', 'index-written', 'ref-locked']) {
    const attempt = commit(bench, await changesAt(bench, 'a.txt'), {
      faultPoint: (name) => {
        if (name === step) throw new Error(`stopped at ${step}`);
      },
    });
    await expect(attempt).rejects.toThrow(`stopped at ${step}`);
    expect(await locksOf(bench)).toEqual([]);
    expect((await readFile(join(bench.path, '.git/index'))).equals(index)).toBe(true);
    expect(await bench.git.git('rev-parse', 'HEAD')).toBe(head);
  }
});

test('commitChanges() brings the index after the branch even when a reflog cannot be written', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'new\n');
  await rm(join(bench.path, '.git/logs/refs/heads/main'));
  await bench.git.write('.git/logs/refs/heads/main/in-the-way', '');
  await expect(commit(bench, await changesAt(bench, 'a.txt'))).rejects.toEqual(ofCode('ref-conflict'));
  expect(await locksOf(bench)).toEqual([]);
  await expectClean(bench);
});

test('commitChanges() heeds its signal until the branch moves, and then no more', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'new\n');
  for (const [step, committed] of [
    ['blobs-written', false],
    ['trees-written', false],
    ['ref-moved', true],
  ] as const) {
    const abort = new AbortController();
    const attempt = commit(bench, await changesAt(bench, 'a.txt'), {
      signal: abort.signal,
      faultPoint: (name) => (name === step ? abort.abort() : undefined),
    });
    if (committed) expect(await attempt).not.toBeNull();
    else await expect(attempt).rejects.toEqual(ofCode('aborted'));
    expect(await locksOf(bench)).toEqual([]);
  }
  await expectClean(bench);
});

test('commitChanges() waits about two seconds for the lock of another program and never deletes it', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'new\n');
  await bench.git.write('.git/index.lock', 'theirs');
  const clock = createManualClock();
  const attempt = commit(bench, await changesAt(bench, 'a.txt'), { clock });
  let ended = false;
  const outcome = attempt
    .then(
      () => 'committed',
      (error: unknown) => error,
    )
    .finally(() => (ended = true));
  while (!ended) await clock.advance(clock.nextTimerMs() ?? 0);
  expect(await outcome).toEqual(ofCode('index-busy'));
  expect(clock.monotonic()).toBeGreaterThan(1500);
  expect(clock.monotonic()).toBeLessThan(3000);
  expect(await readFile(join(bench.path, '.git/index.lock'), 'utf8')).toBe('theirs');
});

test('commitChanges() never removes or uses a lock that took the place of its own', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'new\n');
  const lock = join(bench.path, '.git/index.lock');
  const head = await bench.git.git('rev-parse', 'HEAD');
  for (const step of ['index-locked', 'index-written']) {
    const attempt = commit(bench, await changesAt(bench, 'a.txt'), {
      faultPoint: async (name) => {
        if (name !== step) return;
        await rm(lock);
        await writeFile(lock, 'theirs');
        throw new Error('stop');
      },
    });
    await expect(attempt).rejects.toThrow('stop');
    expect(await readFile(lock, 'utf8')).toBe('theirs');
    await rm(lock);
  }
  expect(await bench.git.git('rev-parse', 'HEAD')).toBe(head);
});

test('commitChanges() refuses a file that is not what was looked at', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'seen\n');
  await bench.git.write('large.bin', Buffer.alloc(2_000_000, 1));
  const [small, large] = await changesAt(bench, 'a.txt', 'large.bin');
  const [gone] = await changesAt(bench, 'absent.txt');
  await bench.git.write('a.txt', 'SEEN\n');
  await bench.git.write('large.bin', Buffer.alloc(2_000_000, 2));
  await bench.git.write('absent.txt', 'back\n');
  for (const change of [small, large, gone]) {
    await expect(commit(bench, change ? [change] : [])).rejects.toEqual(ofCode('file-changing'));
  }
  await rm(join(bench.path, 'a.txt'));
  await mkdir(join(bench.path, 'a.txt'));
  await expect(commit(bench, small ? [small] : [])).rejects.toEqual(ofCode('file-changing'));
  expect(await locksOf(bench)).toEqual([]);
});

test('commitChanges() leaves out what changed since, names it and commits the rest', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'seen\n');
  await bench.git.write('dir/b.txt', 'kept\n');
  const changes = await changesAt(bench, 'a.txt', 'dir/b.txt');
  await bench.git.write('a.txt', 'changed since\n');
  expect(await commit(bench, changes)).toMatchObject({ files: 1, busy: ['a.txt'] });
  expect(await bench.git.git('show', '--format=', '--name-only', 'HEAD')).toBe('dir/b.txt\n');
  expect(await bench.git.git('status', '--porcelain')).toBe(' M a.txt\n');
  expect(await commit(bench, await changesAt(bench, 'a.txt'))).toMatchObject({ files: 1, busy: [] });
  await expectClean(bench);
});

test('commitChanges() writes one pack for hundreds of files, and large ones beside it', async () => {
  const bench = await withFirstCommit();
  const names = Array.from({ length: 400 }, (_, i) => `many/${i % 20}/file-${i}.txt`);
  for (const name of names) await bench.git.write(name, `content of ${name}\n`);
  await bench.git.write('large.bin', randomBytes(2_000_000));
  const loose = async () => Number(/count: (\d+)/.exec(await bench.git.git('count-objects', '-v'))?.[1]);
  const before = await loose();
  const changes = await changesAt(bench, ...names, 'large.bin');
  expect(await commit(bench, changes)).toMatchObject({ files: 401 });
  expect(await loose()).toBe(before + 1);
  expect(await readdir(join(bench.path, '.git/objects/pack'))).toHaveLength(2);
  await expectClean(bench);
  await bench.git.git('fsck', '--full', '--strict');
  // Nothing to commit: nothing is left behind.
  expect(await commit(bench, changes)).toBeNull();
  expect(await readdir(join(bench.path, '.git/objects/pack'))).toHaveLength(2);
});

test('commitChanges() keeps its pack when HEAD moves in the middle, and builds on what is new', async () => {
  const bench = await withFirstCommit();
  const names = Array.from({ length: 300 }, (_, i) => `file-${i}.txt`);
  for (const name of names) await bench.git.write(name, `content of ${name}\n`);
  const changes = await changesAt(bench, ...names);
  let moved = false;
  const faultPoint = async (name: string) => {
    if (name !== 'trees-written' || moved) return;
    moved = true;
    await bench.git.git('commit', '-qm', 'theirs', '--allow-empty');
  };
  await commit(bench, changes, { faultPoint });
  expect(await bench.git.git('log', '--format=%s')).toBe('Update things\ntheirs\nfirst\n');
  await expectClean(bench);
  await bench.git.git('fsck', '--full', '--strict');
});

test('commitChanges() refuses a path behind a symbolic link, and takes its old files as deleted', async () => {
  const bench = await withFirstCommit();
  const changes = await changesAt(bench, 'dir/b.txt');
  await rename(join(bench.path, 'dir'), join(bench.path, 'elsewhere'));
  await symlink('elsewhere', join(bench.path, 'dir'));
  await expect(commit(bench, changes)).rejects.toEqual(ofCode('file-changing'));
  const gone: FileChange = { kind: 'deleted', path: toRepoPath('dir/b.txt') };
  await commit(bench, [gone, ...(await changesAt(bench, 'dir', 'elsewhere/b.txt'))]);
  await expectClean(bench);
});

test('commitChanges() takes files as deleted whose folder became a link that leads to itself', async () => {
  const bench = await withFirstCommit();
  await rm(join(bench.path, 'dir'), { recursive: true });
  await symlink('dir', join(bench.path, 'dir'));
  const gone: FileChange = { kind: 'deleted', path: toRepoPath('dir/b.txt') };
  await commit(bench, [gone, ...(await changesAt(bench, 'dir'))]);
  await expectClean(bench);
});

test('commitChanges() never takes a path inside of a .git folder', async () => {
  const bench = await withFirstCommit();
  const changes = await changesAt(bench, '.git/config');
  await expect(commit(bench, changes)).rejects.toThrow('must never be committed');
});

test('commitChanges() works in a linked worktree with packed refs', async () => {
  const bench = await withFirstCommit();
  const linked = `${bench.path}-linked`;
  cleanUps.push(() => rm(linked, { recursive: true, force: true }));
  await bench.git.git('worktree', 'add', '-qb', 'topic/one', linked);
  await bench.git.git('pack-refs', '--all', '--prune');
  const repo = await openRepository(linked);
  const objects = openObjects(repo, { fsync: false });
  cleanUps.push(() => objects.close());
  const there: Bench = { ...bench, repo, objects, path: linked };
  await writeFile(join(linked, 'new.txt'), 'new\n');
  const result = await commit(there, await changesAt(there, 'new.txt'));
  expect(result?.ref).toBe('refs/heads/topic/one');
  expect((await bench.git.git('rev-parse', 'topic/one')).trim()).toBe(result?.oid);
  expect(await bench.git.git('-C', linked, 'status', '--porcelain')).toBe('');
  expect(await bench.git.git('-C', linked, 'reflog', '-1', '--format=%gs')).toBe('commit: Update things\n');
  expect(await bench.git.git('status', '--porcelain')).toBe('');
  expect((await bench.git.git('rev-list', '--count', 'main')).trim()).toBe('1');
});

test('commitChanges() never lets a new index time hide a change of the same second', async () => {
  const bench = await withFirstCommit();
  // Of the same size, written after `git add` within the tick of the index: only its content tells.
  for (let round = 0; round < 20; round++) {
    await bench.git.write('racy.txt', `${round % 2} old\n`);
    await bench.git.git('add', 'racy.txt');
    await writeFile(join(bench.path, 'racy.txt'), `${round % 2} new\n`);
    await bench.git.write('other.txt', `${round}\n`);
    await commit(bench, await changesAt(bench, 'other.txt'));
    const index = await readIndex(bench.repo);
    const entry = index.find(toRepoPath('racy.txt'));
    const stats = await lstat(join(bench.path, 'racy.txt'), { bigint: true });
    expect(entry && matchesStat(entry, stats) && !isRacy(entry, index)).toBe(false);
    expect(await bench.git.git('status', '--porcelain', 'racy.txt')).toMatch(/^[AM]M racy.txt\n$/);
  }
});

test('commitChanges() leaves entries that surely are unchanged as they were', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('c.txt', 'c\n');
  await commit(bench, await changesAt(bench, 'c.txt'));
  // `diff-files` without a refresh trusts stat data alone: it names every entry that was marked.
  await bench.git.git('update-index', '--refresh');
  const index = await readIndex(bench.repo);
  expect([...index.entries()].map((entry) => entry.path)).toEqual(['a.txt', 'c.txt', 'dir/b.txt']);
  expect(await bench.git.git('diff-files')).toBe('');
});

test('commitChanges() keeps what was staged between its draft of the index and its lock', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'changed\n');
  const changes = await changesAt(bench, 'a.txt');
  await bench.git.write('new.txt', 'staged by a person\n');
  const index = join(bench.path, '.git/index');
  const other = join(bench.path, '.git/index-of-a-person');
  await commit(bench, changes, {
    faultPoint: async (name) => {
      if (name !== 'index-locked') return;
      // What a person's command would have written a moment before the lock was taken.
      await writeFile(other, await readFile(index));
      await runGit(['add', 'new.txt'], { cwd: bench.path, env: { GIT_INDEX_FILE: other } });
      await rename(other, index);
    },
  });
  expect(await bench.git.git('diff', '--cached', '--name-status')).toBe('A\tnew.txt\n');
  expect(await bench.git.git('show', 'HEAD:a.txt')).toBe('changed\n');
  expect(await bench.git.git('status', '--porcelain', 'a.txt')).toBe('');
  expect(await locksOf(bench)).toEqual([]);
});

test('commitChanges() has its whole index ready when it takes the lock', async () => {
  const bench = await withFirstCommit();
  await bench.git.write('a.txt', 'changed\n');
  const seen: string[] = [];
  await commit(bench, await changesAt(bench, 'a.txt'), {
    faultPoint: async (name) => {
      if (name !== 'index-locked') return;
      const env = { GIT_INDEX_FILE: join(bench.path, '.git/index.lock') };
      seen.push((await runGit(['ls-files', '--stage', 'a.txt'], { cwd: bench.path, env })).toString());
    },
  });
  const oid = (await bench.git.git('rev-parse', 'HEAD:a.txt')).trim();
  expect(seen).toEqual([`100644 ${oid} 0\ta.txt\n`]);
});
