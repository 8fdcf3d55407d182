import { execFile } from 'node:child_process';
import { appendFileSync, type BigIntStats } from 'node:fs';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { findChanges } from '../../../src/git/changes/changes.ts';
import { openIgnoreRules } from '../../../src/git/changes/ignore.ts';
import { awaitedFiles, blockingFiles, type WorktreeFiles } from '../../../src/git/changes/worktree-files.ts';
import { readGitConfig } from '../../../src/git/config/user-config.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { type RepoPath, toRepoPath } from '../../../src/git/paths.ts';
import { readHead } from '../../../src/git/refs/refs.ts';
import { openRepository } from '../../../src/git/repository.ts';
import type { FileChange } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';

const run = promisify(execFile);
const ENV = { GIT_CONFIG_NOSYSTEM: '1' };
const repos: GitRepo[] = [];
afterAll(async () => {
  await Promise.all(repos.map((repo) => repo.remove()));
});

async function newRepo(): Promise<GitRepo> {
  const repo = await createGitRepo();
  repos.push(repo);
  return repo;
}

/** A repository with one commit of the given files. */
async function repoWith(files: Record<string, string>): Promise<GitRepo> {
  const repo = await newRepo();
  for (const [path, content] of Object.entries(files)) await repo.write(path, content);
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'first');
  return repo;
}

type LookOptions = {
  scope?: readonly string[];
  signal?: AbortSignal;
  files?: WorktreeFiles;
  fileMode?: boolean;
};

async function look(path: string, options: LookOptions = {}) {
  const repo = await openRepository(path);
  const config = await readGitConfig({ repo, env: ENV, homeDir: '' });
  const ignore = openIgnoreRules({ repo, config, env: ENV, homeDir: '' });
  const objects = openObjects(repo, { fsync: false });
  const scope: 'all' | ReadonlySet<RepoPath> = options.scope ? new Set(options.scope.map(toRepoPath)) : 'all';
  try {
    return await findChanges({
      repo,
      objects,
      config,
      ignore,
      head: await readHead(repo),
      scope,
      fileMode: options.fileMode ?? config.getBoolean('core.fileMode') ?? true,
      signal: options.signal ?? new AbortController().signal,
      ...(options.files ? { files: options.files } : {}),
    });
  } finally {
    await objects.close();
  }
}

/** `kind path`, as people read it. */
async function namesOf(path: string, options: LookOptions = {}): Promise<string[]> {
  return (await look(path, options)).changes.map(({ kind, path: name }) => `${kind} ${textOf(name)}`);
}

const textOf = (path: RepoPath) => Buffer.from(path, 'latin1').toString('utf8');

function describe(change: FileChange): string {
  if (change.kind === 'deleted') return `D ${change.path}`;
  return `${change.kind === 'added' ? 'A' : 'M'} ${change.mode.toString(8)} ${change.oid} ${change.path}`;
}

/** What `git add -A` would make of the work tree, taken with a copy of the index. Submodules are left out. */
async function truthOf(repo: GitRepo): Promise<string[]> {
  const index = join(repo.path, '.git', 'index-copy');
  await cp(join(repo.path, '.git', 'index'), index);
  const env = { GIT_INDEX_FILE: index };
  await runGit(['-c', 'advice.addEmbeddedRepo=false', 'add', '-A'], { cwd: repo.path, env });
  const out = await runGit(['diff', '--cached', '--raw', '-z', '--no-renames', '--no-abbrev', 'HEAD'], {
    cwd: repo.path,
    env,
  });
  await rm(index);
  const fields = out.toString('latin1').split('\0');
  const lines: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', mode = '', , oid = '', status = ''] = (fields[at] ?? '').split(' ');
    const path = fields[at + 1] ?? '';
    if (mode === '160000' || before === ':160000') continue;
    if (status === 'D') lines.push(`D ${path}`);
    else lines.push(`${status === 'A' ? 'A' : 'M'} ${mode} ${oid} ${path}`);
  }
  return lines.sort();
}

function seeded(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const below = (count: number) => Math.floor(next() * count);
  return { below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T };
}

const NAMES = ['a', 'b', 'c', 'ab', 'a.txt', 'b.log', 'ü', 'x y', 'a-', 'a0'];
type Dice = ReturnType<typeof seeded>;
const anyPath = (dice: Dice) => Array.from({ length: 1 + dice.below(3) }, () => dice.pick(NAMES)).join('/');

/** Does one random thing to the work tree or the index; answers a path that the person took out of git. */
async function disturb(repo: GitRepo, dice: Dice): Promise<string | null> {
  const path = anyPath(dice);
  const full = join(repo.path, path);
  const tracked = (await repo.git('ls-files', '-z')).split('\0').filter((name) => name !== '');
  const known = tracked.length > 0 ? dice.pick(tracked) : path;
  const there = await lstat(join(repo.path, known)).catch(() => null);
  const replace = async (make: () => Promise<void>) => {
    await rm(full, { recursive: true, force: true });
    // A parent may be a file or a link: then nothing can be made there.
    await mkdir(dirname(full), { recursive: true }).catch(() => null);
    const parent = await lstat(dirname(full)).catch(() => null);
    if (parent?.isDirectory()) await make();
  };
  switch (dice.below(13)) {
    case 0:
    case 1:
    case 2:
      if (there?.isFile()) await writeFile(join(repo.path, known), `new ${dice.below(5)}`);
      return null;
    case 3:
      await replace(() => writeFile(full, `content ${dice.below(4)}`));
      return null;
    case 4:
      await rm(join(repo.path, known), { recursive: true, force: true });
      return null;
    case 5:
      await replace(() => symlink(dice.pick(['a', 'nowhere', '../x']), full));
      return null;
    case 6:
      if (there?.isFile()) await chmod(join(repo.path, known), dice.pick([0o755, 0o644, 0o655]));
      return null;
    case 7:
      await repo.git('add', '-A', '--', known).catch(() => '');
      return null;
    case 8:
      await replace(() => mkdir(full).then(() => writeFile(join(full, 'inner'), 'i')));
      return null;
    case 9:
      if (dice.below(3) > 0) return null;
      await repo.git('rm', '-q', '--cached', '--', known);
      return known;
    case 10:
      await repo.git('rm', '-q', '-f', '--', known).catch(() => '');
      return null;
    case 11:
      await repo
        .git('update-index', dice.pick(['--skip-worktree', '--assume-unchanged']), known)
        .catch(() => '');
      return null;
    default:
      await repo.git('add', '-N', '--', path).catch(() => '');
      return null;
  }
}

async function randomRepo(dice: Dice): Promise<{ repo: GitRepo; takenOut: Set<string> }> {
  const files: Record<string, string> = {
    '.gitignore': dice.pick(['*.log\n', 'c/\n!a.txt\n', '/a/b\n', '']),
  };
  for (let count = 0; count < 25; count += 1) files[`${anyPath(dice)}.${count}`] = `content ${dice.below(4)}`;
  const repo = await repoWith(files);
  const takenOut = new Set<string>();
  for (let count = 0; count < 12; count += 1) {
    const path = await disturb(repo, dice);
    if (path !== null) takenOut.add(toRepoPath(path));
  }
  return { repo, takenOut };
}

const pathIn = (line: string) => line.slice(line.startsWith('D') ? 2 : 50);

test('findChanges() agrees with `git add -A` after seeded random work, with and without blocking calls', async () => {
  let seen = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const { repo, takenOut } = await randomRepo(seeded(seed));
    const wanted = (await truthOf(repo)).filter((line) => !takenOut.has(pathIn(line)));
    const files = seed % 2 === 0 ? blockingFiles() : awaitedFiles();
    const { changes, unreadable } = await look(repo.path, { files });
    const found = changes.map(describe).filter((line) => !takenOut.has(pathIn(line)));
    expect(found.sort(), `seed ${seed} in ${repo.path}`).toEqual(wanted);
    expect(unreadable).toEqual([]);
    seen += wanted.length;
  }
  expect(seen).toBeGreaterThan(100);
});

test('findChanges() with hints finds what lies at and below them, and nothing that is no change', async () => {
  let asked = 0;
  for (let seed = 101; seed <= 110; seed += 1) {
    const dice = seeded(seed);
    const { repo, takenOut } = await randomRepo(dice);
    const wanted = (await truthOf(repo)).filter((line) => !takenOut.has(pathIn(line)));
    const paths = wanted.map((line) => Buffer.from(pathIn(line), 'latin1').toString('utf8'));
    const choose = () => (dice.below(2) === 0 && paths.length > 0 ? dice.pick(paths) : anyPath(dice));
    const hints = Array.from({ length: 1 + dice.below(4) }, choose);
    const bytes = hints.map((hint) => toRepoPath(hint));
    const { changes } = await look(repo.path, { scope: hints });
    const found = changes.map(describe).filter((line) => !takenOut.has(pathIn(line)));
    const due = wanted.filter((line) =>
      bytes.some((hint) => pathIn(line) === hint || pathIn(line).startsWith(`${hint}/`)),
    );
    expect(wanted, `seed ${seed} in ${repo.path}`).toEqual(expect.arrayContaining(found));
    expect(found, `seed ${seed}, hints ${hints} in ${repo.path}`).toEqual(expect.arrayContaining(due));
    const all = await look(repo.path, { scope: paths });
    expect(
      all.changes
        .map(describe)
        .filter((line) => !takenOut.has(pathIn(line)))
        .sort(),
    ).toEqual(wanted);
    asked += due.length;
  }
  expect(asked).toBeGreaterThan(5);
});

test('findChanges() answers changes sorted by the bytes of their paths', async () => {
  const repo = await repoWith({ a: '1' });
  for (const path of ['b/x', 'b.txt', 'b0', 'ü', 'Z']) await repo.write(path, 'x');
  const names = (await look(repo.path)).changes.map(({ path }) => path);
  expect(names).toEqual(
    [...names].sort((x, y) => Buffer.compare(Buffer.from(x, 'latin1'), Buffer.from(y, 'latin1'))),
  );
  expect(names).toHaveLength(5);
});

test('findChanges() finds everything added on a branch without commits', async () => {
  const repo = await newRepo();
  await repo.write('one', '1');
  await repo.write('two', '2');
  await repo.git('add', 'one');
  expect(await namesOf(repo.path)).toEqual(['added one', 'added two']);
});

test('findChanges() sees a change of the same size made within the tick in which the index was written', async () => {
  const repo = await repoWith({ f: 'one' });
  for (let round = 0; round < 20; round += 1) {
    await writeFile(join(repo.path, 'f'), `a${round % 10}x`);
    await repo.git('add', 'f');
    await writeFile(join(repo.path, 'f'), `b${round % 10}x`);
    const [change] = (await look(repo.path)).changes;
    const oid = (await repo.git('hash-object', 'f')).trim();
    expect(change).toMatchObject({ kind: 'modified', oid });
  }
});

test('findChanges() reports a staged file whose content equals the work tree but not HEAD', async () => {
  const repo = await repoWith({ f: 'old' });
  await repo.write('f', 'new content');
  await repo.git('add', 'f');
  expect(await namesOf(repo.path)).toEqual(['modified f']);
  expect(await namesOf(repo.path, { scope: ['f'] })).toEqual(['modified f']);
});

test('findChanges() reports nothing for a staged change that was undone in the work tree', async () => {
  const repo = await repoWith({ f: 'old' });
  await repo.write('f', 'new');
  await repo.git('add', 'f');
  await repo.write('f', 'old');
  expect(await namesOf(repo.path)).toEqual([]);
});

test('findChanges() leaves a file alone that was taken out of git and kept, ignored or not', async () => {
  const repo = await repoWith({ keep: '1', secret: '2', other: '3' });
  await repo.git('rm', '-q', '--cached', 'keep', 'secret');
  await repo.write('.gitignore', 'secret\n');
  await repo.write('keep', 'changed since');
  expect(await namesOf(repo.path)).toEqual(['added .gitignore']);
  expect(await namesOf(repo.path, { scope: ['keep', 'secret'] })).toEqual([]);
  await unlink(join(repo.path, 'secret'));
  expect(await namesOf(repo.path)).toEqual(['added .gitignore', 'deleted secret']);
});

test('findChanges() counts a tracked file although it is ignored, also inside an ignored folder', async () => {
  const repo = await repoWith({ 'build/kept': '1', 'build/deep/kept': '1' });
  await repo.write('.gitignore', 'build/\n');
  await repo.write('build/kept', 'changed');
  await repo.write('build/new', 'ignored');
  await repo.write('build/deep/new', 'ignored');
  await rm(join(repo.path, 'build/deep/kept'));
  expect(await namesOf(repo.path)).toEqual([
    'added .gitignore',
    'deleted build/deep/kept',
    'modified build/kept',
  ]);
  expect(await namesOf(repo.path, { scope: ['build/new', 'build/deep'] })).toEqual([
    'deleted build/deep/kept',
  ]);
});

test('findChanges() widens the hint of a changed .gitignore to its folder', async () => {
  const repo = await repoWith({ 'a/.gitignore': '*.log\n', 'a/x': '1' });
  await repo.write('a/deep/now.log', 'x');
  await repo.write('other', 'x');
  await repo.write('a/.gitignore', '');
  expect(await namesOf(repo.path, { scope: ['a/.gitignore'] })).toEqual([
    'modified a/.gitignore',
    'added a/deep/now.log',
  ]);
});

test('findChanges() never enters nested repositories, submodules or folders of git', async () => {
  const inner = await repoWith({ f: '1' });
  const repo = await repoWith({ 'plain/f': '1', 'taken/f': '1' });
  await repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.path, 'module');
  await repo.git('commit', '-q', '-m', 'module');
  await repo.write('module/f', 'changed');
  await repo.write('module/new', 'x');
  await runGit(['init', '-q', join(repo.path, 'nested')], { cwd: repo.path });
  await repo.write('nested/f', 'x');
  await runGit(['init', '-q', join(repo.path, 'taken')], { cwd: repo.path });
  await rm(join(repo.path, 'taken/f'));
  await repo.write('.GIT/config', 'x');
  const hints = [
    'module',
    'module/new',
    'nested/f',
    'nested',
    'taken/f',
    '.git/config',
    '.GIT/config',
    'plain/.git/x',
  ];
  expect(await namesOf(repo.path)).toEqual([]);
  expect(await namesOf(repo.path, { scope: hints })).toEqual([]);
  await rm(join(repo.path, 'module'), { recursive: true });
  expect(await namesOf(repo.path)).toEqual([]);
});

test('findChanges() takes a folder that became a link as gone, and never looks through the link', async () => {
  const outside = await repoWith({ 'x/f': 'outside' });
  const repo = await repoWith({ 'd/f': '1', 'd/g': '2' });
  await rm(join(repo.path, 'd'), { recursive: true });
  await symlink(join(outside.path, 'x'), join(repo.path, 'd'));
  const wanted = ['added d', 'deleted d/f', 'deleted d/g'];
  expect(await namesOf(repo.path)).toEqual(wanted);
  expect(await namesOf(repo.path, { scope: ['d/f'] })).toEqual(wanted);
  expect(await namesOf(repo.path, { scope: ['d/unknown/deeper'] })).toEqual(wanted);
});

test('findChanges() follows a file replaced by a folder, and the reverse', async () => {
  const repo = await repoWith({ f: '1', 'd/a': '2', 'd/b': '3' });
  await rm(join(repo.path, 'f'));
  await repo.write('f/inside', 'x');
  await rm(join(repo.path, 'd'), { recursive: true });
  await repo.write('d', 'now a file');
  const wanted = ['added d', 'deleted d/a', 'deleted d/b', 'deleted f', 'added f/inside'];
  expect(await namesOf(repo.path)).toEqual(wanted);
  expect(await namesOf(repo.path, { scope: ['f/inside', 'd/b'] })).toEqual(wanted);
  expect(await namesOf(repo.path, { scope: ['f', 'd'] })).toEqual(wanted);
});

test('findChanges() leaves files alone that git was told not to look at', async () => {
  const repo = await repoWith({ assumed: '1', skipped: '1', gone: '1', both: '1' });
  await repo.git('update-index', '--assume-unchanged', 'assumed');
  await repo.git('update-index', '--skip-worktree', 'skipped', 'gone');
  await repo.write('assumed', 'changed');
  await repo.write('skipped', 'changed');
  await rm(join(repo.path, 'gone'));
  await repo.write('both', 'changed');
  expect(await namesOf(repo.path)).toEqual(['modified both']);
});

test('findChanges() counts a file that is only intended to be added', async () => {
  const repo = await repoWith({ f: '1' });
  await repo.write('soon', 'content');
  await repo.write('empty', '');
  await repo.git('add', '-N', 'soon', 'empty');
  expect(await namesOf(repo.path)).toEqual(['added empty', 'added soon']);
});

test('findChanges() skips pipes, and leaves a tracked file alone that became one', async () => {
  const repo = await repoWith({ f: '1', g: '1' });
  await rm(join(repo.path, 'f'));
  await run('mkfifo', ['f', 'new-pipe'], { cwd: repo.path });
  await repo.write('g', 'changed');
  expect(await namesOf(repo.path)).toEqual(['modified g']);
  expect(await namesOf(repo.path, { scope: ['f', 'new-pipe'] })).toEqual([]);
});

test('findChanges() keeps the tracked mode where the disk has no execute bits', async () => {
  const repo = await repoWith({ run: '1', plain: '2' });
  await chmod(join(repo.path, 'run'), 0o755);
  expect(await namesOf(repo.path)).toEqual(['modified run']);
  await repo.git('add', 'run');
  await repo.git('commit', '-q', '-m', 'run');
  await chmod(join(repo.path, 'run'), 0o644);
  await chmod(join(repo.path, 'plain'), 0o755);
  await repo.write('new', 'x', 0o755);
  const { changes } = await look(repo.path, { fileMode: false });
  expect(changes.map(describe)).toEqual([expect.stringMatching(/^A 100644 .* new$/)]);
  await repo.write('run', 'changed');
  const again = await look(repo.path, { fileMode: false, scope: ['run'] });
  expect(again.changes.map(describe)).toEqual([expect.stringMatching(/^M 100755 .* run$/)]);
});

const isDeno = process.versions.deno !== undefined;

test.skipIf(isDeno)('findChanges() handles names that are not UTF-8', async () => {
  const repo = await repoWith({ f: '1' });
  const name = Buffer.concat([Buffer.from(`${repo.path}/`), Buffer.from([0xff, 0x61])]);
  await writeFile(name, 'x');
  expect((await look(repo.path)).changes.map(({ path }) => path)).toEqual(['\xffa']);
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'bytes');
  expect((await look(repo.path)).changes).toEqual([]);
  await unlink(name);
  expect((await look(repo.path)).changes).toEqual([{ kind: 'deleted', path: '\xffa' }]);
});

test.runIf(isDeno)(
  'findChanges() takes a name that the runtime cannot hold for unreadable, never for deleted',
  async () => {
    const repo = await repoWith({ f: '1' });
    const oid = (await repo.git('rev-parse', 'HEAD:f')).trim();
    const line = Buffer.concat([Buffer.from(`100644 ${oid}\td/`), Buffer.from([0xff]), Buffer.from('a\n')]);
    await repo.gitBytes(['update-index', '--index-info'], line);
    await repo.git('checkout-index', '--all', '--force');
    await repo.git('commit', '-q', '-m', 'bytes');
    const unreadable = [expect.objectContaining({ path: 'd/\uFFFDa' })];
    expect(await look(repo.path)).toEqual({ changes: [], unreadable });
    expect(await look(repo.path, { files: blockingFiles() })).toEqual({ changes: [], unreadable });
    expect(await look(repo.path, { scope: ['d'] })).toEqual({ changes: [], unreadable });
  },
);

test('findChanges() keeps spellings apart on a disk that does, whatever the configuration says', async () => {
  const repo = await repoWith({ 'Read/me': '1', accent: '1', 'e\u0301': '1' });
  await repo.git('config', 'core.ignoreCase', 'true');
  await repo.git('config', 'core.precomposeUnicode', 'true');
  await repo.write('read/me', 'other');
  await repo.write('ACCENT', 'other');
  expect(await namesOf(repo.path)).toEqual(['added ACCENT', 'added read/me']);
  expect(await namesOf(repo.path, { scope: ['read/me', 'ACCENT'] })).toEqual([
    'added ACCENT',
    'added read/me',
  ]);
});

/** A disk that finds a name in any letter case, as on macOS and Windows, on top of the real one. */
function caseFoldingFiles(root: string, real: WorktreeFiles, stats: Map<string, BigIntStats>): WorktreeFiles {
  const onDisk = async (path: string | Buffer): Promise<string> => {
    let here = root;
    for (const part of path
      .toString()
      .slice(root.length + 1)
      .split('/')
      .filter((name) => name !== '')) {
      const items = (await real.list(here)) ?? [];
      const match = items.find((item) => item.name.toLowerCase() === part.toLowerCase());
      here = join(here, match?.name ?? part);
    }
    return here;
  };
  return {
    ...real,
    lstat: async (path) => stats.get(await onDisk(path)) ?? real.lstat(await onDisk(path)),
    list: async (path) => real.list(await onDisk(path)),
  };
}

test('findChanges() keeps the tracked spelling where the disk ignores letter case', async () => {
  const repo = await newRepo();
  for (const path of ['Docs/Read.me', 'Docs/Gone']) {
    await repo.write(path, 'x');
    await utimes(join(repo.path, path), new Date(1_600_000_000_000), new Date(1_600_000_000_000));
  }
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'first');
  await repo.git('config', 'core.ignoreCase', 'true');
  const before = await lstat(join(repo.path, 'Docs/Read.me'), { bigint: true });
  await rename(join(repo.path, 'Docs'), join(repo.path, 'docs'));
  await rename(join(repo.path, 'docs/Read.me'), join(repo.path, 'docs/READ.ME'));
  await rm(join(repo.path, 'docs/Gone'));
  const stats = new Map([[join(repo.path, 'docs/READ.ME'), before]]);
  const files = caseFoldingFiles(repo.path, awaitedFiles(), stats);
  expect(await namesOf(repo.path, { files })).toEqual(['deleted Docs/Gone']);
  expect(await namesOf(repo.path, { files, scope: ['docs/gone', 'docs/read.me'] })).toEqual([
    'deleted Docs/Gone',
  ]);
});

test('findChanges() names a file that it may not read and still reports the others', async () => {
  const repo = await repoWith({ a: '1', b: '1', 'd/x': '1' });
  await repo.write('a', 'changed');
  await repo.write('b', 'changed');
  const denied = (path: string | Buffer) => Object.assign(new Error(`EACCES ${path}`), { code: 'EACCES' });
  const real = awaitedFiles();
  const files: WorktreeFiles = {
    ...real,
    lstat: async (path) => {
      if (path.toString().endsWith('/a')) throw denied(path);
      return real.lstat(path);
    },
    list: async (path) => {
      if (path.toString().endsWith('/d')) throw denied(path);
      return real.list(path);
    },
  };
  const { changes, unreadable } = await look(repo.path, { files });
  expect(changes.map(describe)).toEqual([expect.stringMatching(/^M .* b$/)]);
  expect(unreadable).toEqual([
    { path: 'a', detail: 'EACCES', code: 'file-unreadable' },
    { path: 'd', detail: 'EACCES', code: 'file-unreadable' },
  ]);
});

test('findChanges() names a file that never holds still and reports the others', async () => {
  const repo = await repoWith({ a: '1' });
  await repo.write('a', 'changed');
  await repo.write('busy.log', Buffer.alloc(3_000_000));
  const writer = setInterval(() => appendFileSync(join(repo.path, 'busy.log'), 'more\n'), 0);
  try {
    const { changes, unreadable } = await look(repo.path);
    expect(changes.map(describe)).toEqual([expect.stringMatching(/^M .* a$/)]);
    expect(unreadable).toEqual([
      { path: 'busy.log', detail: expect.stringContaining('keeps changing'), code: 'file-changing' },
    ]);
  } finally {
    clearInterval(writer);
  }
  expect(await namesOf(repo.path)).toEqual(['modified a', 'added busy.log']);
});

test('findChanges() refuses a new attribute file that converts contents', async () => {
  const repo = await repoWith({ 'd/f': '1' });
  await repo.write('d/.gitattributes', '*.md -text\n*.bin binary\n');
  expect(await namesOf(repo.path)).toEqual(['added d/.gitattributes']);
  await repo.write('d/.gitattributes', '* text=auto\n');
  await expect(look(repo.path)).rejects.toMatchObject({ code: 'needs-system-git' });
});

test('findChanges() refuses to take a missing folder for deleted files', async () => {
  const repo = await repoWith({ f: '1' });
  const real = awaitedFiles();
  await expect(look(repo.path, { files: { ...real, list: () => null } })).rejects.toMatchObject({
    code: 'folder-missing',
  });
});

test('findChanges() stops when its signal is aborted', async () => {
  const repo = await repoWith({ f: '1' });
  const reason = new Error('enough');
  await expect(look(repo.path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('findChanges() hashes a file whose stat data says nothing, and reads none that it can trust', async () => {
  const repo = await repoWith({ f: 'content', g: 'content' });
  const past = new Date(1_600_000_000_000);
  await utimes(join(repo.path, 'f'), past, past);
  await utimes(join(repo.path, 'g'), past, past);
  await repo.git('update-index', '--refresh').catch(() => '');
  // Same content, other times: only reading tells that nothing changed.
  await writeFile(join(repo.path, 'f'), 'content');
  expect(await namesOf(repo.path)).toEqual([]);
  // Where times of changes are told in whole seconds, this one cannot be told; nor does git see it then.
  if (isDeno) return;
  await writeFile(join(repo.path, 'g'), 'CONTENT');
  await utimes(join(repo.path, 'g'), past, past);
  expect(await namesOf(repo.path)).toEqual(['modified g']);
});

test('findChanges() looks over 5,000 files in well under a second and finds the one that changed', async () => {
  const repo = await newRepo();
  for (let folder = 0; folder < 50; folder += 1) {
    await mkdir(join(repo.path, `d${folder}`));
    await Promise.all(
      Array.from({ length: 100 }, (_, file) =>
        writeFile(join(repo.path, `d${folder}`, `f${file}`), `${file}`),
      ),
    );
  }
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'many');
  expect(await namesOf(repo.path)).toEqual([]);
  await writeFile(join(repo.path, 'd7/f7'), 'changed');
  const started = performance.now();
  expect(await namesOf(repo.path, { files: blockingFiles() })).toEqual(['modified d7/f7']);
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(await namesOf(repo.path, { scope: ['d7/f7'] })).toEqual(['modified d7/f7']);
  expect(await readFile(join(repo.path, 'd7/f7'), 'utf8')).toBe('changed');
});
