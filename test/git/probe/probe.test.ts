import { execFile } from 'node:child_process';
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { findConvertingLine } from '../../../src/git/probe/attribute-rules.ts';
import { probeRepository } from '../../../src/git/probe/probe.ts';
import { createGitRepo, type GitRepo, type GitRepoOptions, runGit } from '../../support/git-repo.ts';

const run = promisify(execFile);
const NOW = Date.now();
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function newRepo(options: GitRepoOptions = {}): Promise<GitRepo> {
  const repo = await createGitRepo(options);
  cleanups.push(() => repo.remove());
  return repo;
}

/** A repository with two commits on main, the second of which `conflict` conflicts with. */
async function committed(): Promise<GitRepo> {
  const repo = await newRepo();
  for (const content of ['base', 'ours']) {
    await repo.write('f', content);
    await repo.git('add', '-A');
    await repo.git('commit', '-q', '-m', content);
  }
  return repo;
}

async function conflicting(): Promise<GitRepo> {
  const repo = await committed();
  await repo.git('switch', '-q', '-c', 'side', 'HEAD~1');
  await repo.write('f', 'theirs');
  await repo.git('commit', '-q', '-a', '-m', 'theirs');
  await repo.git('switch', '-q', 'main');
  return repo;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-probe-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function probe(
  worktree: string,
  input: { env?: Record<string, string>; homeDir?: string; now?: number } = {},
) {
  const env = { GIT_CONFIG_NOSYSTEM: '1', ...input.env };
  return probeRepository({ worktree, env, homeDir: input.homeDir ?? '', now: input.now ?? NOW });
}

/** `code: detail` of the obstacle, or `ready`. */
async function obstacle(worktree: string, input: Parameters<typeof probe>[1] = {}): Promise<string> {
  const result = await probe(worktree, input);
  if (result.kind === 'needs-git') return `needs-git: ${result.feature}`;
  return result.kind === 'ready' ? 'ready' : `${result.reason.code}: ${result.reason.detail}`;
}

test('probeRepository() finds an ordinary repository ready, with what git says of it', async () => {
  const repo = await committed();
  const tip = (await repo.git('rev-parse', 'HEAD')).trim();
  await repo.git('config', 'user.name', 'Ada');
  await repo.git('config', 'user.email', 'ada@example.com');
  const result = await probe(repo.path);
  expect(result).toMatchObject({
    kind: 'ready',
    head: { kind: 'branch', ref: 'refs/heads/main', branch: 'main', oid: tip },
    identity: { name: 'Ada', email: 'ada@example.com' },
    fileMode: true,
    ignoreCase: false,
    precomposeUnicode: false,
    fsync: true,
  });
  await repo.git('config', 'core.fileMode', 'no');
  await repo.git('config', 'core.ignoreCase', 'yes');
  await repo.git('config', 'core.precomposeUnicode', 'on');
  await repo.git('config', 'core.fsync', 'all,-loose-object');
  await repo.git('config', '--unset', 'user.email');
  expect(await probe(repo.path)).toMatchObject({
    ...{ identity: null, fileMode: false, ignoreCase: true, precomposeUnicode: true, fsync: false },
  });
});

test('probeRepository() finds a repository without commits ready', async () => {
  const repo = await newRepo({ branch: 'start' });
  expect(await probe(repo.path)).toMatchObject({ kind: 'ready', head: { branch: 'start', oid: null } });
});

test('probeRepository() finds a shallow clone ready', async () => {
  const repo = await committed();
  const clone = await newFolder();
  await runGit(['clone', '-q', '--depth', '1', `file://${repo.path}`, clone], { cwd: clone });
  expect(await obstacle(clone)).toBe('ready');
});

type Case = [name: string, wanted: string, prepare: (repo: GitRepo) => Promise<unknown>];
const config = (key: string, value: string) => (repo: GitRepo) => repo.git('config', key, value);
const attributes = (text: string) => (repo: GitRepo) => repo.write('.gitattributes', text);
const hook = (name: string) => (repo: GitRepo) => repo.write(`.git/hooks/${name}`, '#!/bin/sh\n', 0o755);

const REFUSED: Case[] = [
  ['other objects', 'unsupported-object-format', config('extensions.objectFormat', 'sha256')],
  ['other refs', 'unsupported-ref-storage', config('extensions.refStorage', 'reftable')],
  ['an unknown extension', 'unsupported-extension', config('extensions.future', 'true')],
  ['a newer format', 'unsupported-extension', config('core.repositoryFormatVersion', '2')],
  ['core.bare', 'bare-repository', config('core.bare', 'true')],
  ['an empty HEAD', 'broken-head', (repo) => writeFile(join(repo.path, '.git/HEAD'), '')],
  ['an empty branch file', 'broken-ref', (repo) => writeFile(join(repo.path, '.git/refs/heads/main'), '')],
  [
    'a broken configuration',
    'git-config-invalid',
    (repo) => appendFile(join(repo.path, '.git/config'), '[oops'),
  ],
  ['an odd boolean', 'git-config-invalid', config('core.fileMode', 'perhaps')],
  [
    'a broken index',
    'index-corrupt',
    (repo) => writeFile(join(repo.path, '.git/index'), 'no index at all, but long enough'),
  ],
  ['no .git', 'not-a-repository', (repo) => rm(join(repo.path, '.git'), { recursive: true })],
  ['no folder', 'folder-missing', (repo) => rm(repo.path, { recursive: true })],
];

const PAUSED: Case[] = [
  ['a merge', 'merge-in-progress', (repo) => repo.git('merge', 'side').catch(() => '')],
  ['a rebase', 'rebase-in-progress', (repo) => repo.git('rebase', 'side').catch(() => '')],
  ['an old rebase', 'rebase-in-progress', (repo) => repo.git('rebase', '--apply', 'side').catch(() => '')],
  ['a cherry-pick', 'cherry-pick-in-progress', (repo) => repo.git('cherry-pick', 'side').catch(() => '')],
  ['a revert', 'revert-in-progress', (repo) => repo.git('revert', '--no-edit', 'HEAD~1').catch(() => '')],
  ['a bisect', 'bisect-in-progress', (repo) => repo.git('bisect', 'start')],
  [
    'a conflict alone',
    'unmerged-entries',
    (repo) => repo.git('merge', 'side').catch(() => rm(join(repo.path, '.git/MERGE_HEAD'))),
  ],
  ['a detached HEAD', 'detached-head', (repo) => repo.git('switch', '-q', '--detach')],
];

const NEEDS_GIT: Case[] = [
  ['a split index', 'the index is split', (repo) => repo.git('update-index', '--split-index')],
  ['an index without checksum', 'the index has no checksum', (repo) => zeroChecksum(repo)],
  ['line endings at the top', '.gitattributes converts', attributes('* text=auto\n')],
  ['line endings with eol', '.gitattributes converts', attributes('*.sh eol=lf\n')],
  ['LFS', 'filter=lfs', attributes('*.psd filter=lfs diff=lfs merge=lfs -text\n')],
  [
    'info/attributes',
    'info/attributes converts',
    (repo) => repo.write('.git/info/attributes', '*.c ident\n'),
  ],
  ['autocrlf', 'core.autocrlf is input', config('core.autocrlf', 'input')],
  ['autocrlf on', 'core.autocrlf is true', config('core.autocrlf', 'true')],
  ['eol', 'core.eol is crlf', config('core.eol', 'crlf')],
  ['a pre-commit hook', 'there is a pre-commit hook', hook('pre-commit')],
  ['a prepare-commit-msg hook', 'there is a prepare-commit-msg hook', hook('prepare-commit-msg')],
  ['a commit-msg hook', 'there is a commit-msg hook', hook('commit-msg')],
  ['a post-commit hook', 'there is a post-commit hook', hook('post-commit')],
  ['a pre-push hook', 'there is a pre-push hook', hook('pre-push')],
  [
    'hooks elsewhere',
    'there is a pre-push hook',
    async (repo) => {
      await repo.git('config', 'core.hooksPath', 'my/hooks');
      await repo.write('my/hooks/pre-push', '#!/bin/sh\n', 0o755);
    },
  ],
  ['signing', 'commit.gpgSign', config('commit.gpgSign', 'true')],
  ['a promised remote', 'partial clone', config('remote.origin.promisor', 'true')],
  ['the extension of partial clones', 'partial clone', config('extensions.partialClone', 'origin')],
  ['a work tree elsewhere', 'core.worktree', config('core.worktree', '/')],
];

async function zeroChecksum(repo: GitRepo): Promise<void> {
  const path = join(repo.path, '.git/index');
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0, bytes.length - 20));
}

test.each(REFUSED)('probeRepository() refuses %s as %s', async (_name, wanted, prepare) => {
  const repo = await committed();
  await prepare(repo);
  expect(await obstacle(repo.path)).toMatch(`${wanted}: `);
});

test.each(PAUSED)('probeRepository() keeps still during %s (%s)', async (_name, wanted, prepare) => {
  const repo = await conflicting();
  expect(await obstacle(repo.path)).toBe('ready');
  await prepare(repo);
  expect(await obstacle(repo.path)).toMatch(`${wanted}: `);
});

test.each(NEEDS_GIT)(
  'probeRepository() leaves a repository with %s to the system git',
  async (_name, wanted, prepare) => {
    const repo = await committed();
    await prepare(repo);
    const found = await obstacle(repo.path);
    expect(found).toMatch(/^needs-(?:system-)?git: /);
    expect(found).toContain(wanted);
  },
);

test('probeRepository() refuses a bare repository', async () => {
  const repo = await newRepo({ bare: true });
  expect(await probe(repo.path)).toMatchObject({
    kind: 'blocked',
    repo: null,
    reason: { code: 'bare-repository' },
  });
});

test('probeRepository() keeps still between the commits of a cherry-pick', async () => {
  const repo = await conflicting();
  await repo.git('switch', '-q', 'side');
  await repo.write('more', '1');
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'more');
  await repo.git('switch', '-q', 'main');
  await repo.git('cherry-pick', 'side~1', 'side').catch(() => '');
  await repo.write('f', 'resolved');
  await repo.git('commit', '-q', '-a', '-m', 'resolved');
  expect(await obstacle(repo.path)).toMatch('cherry-pick-in-progress: ');
});

test('probeRepository() waits a minute before it takes a lock for a forgotten one, and tells its age', async () => {
  const repo = await committed();
  const lock = join(repo.path, '.git/index.lock');
  await writeFile(lock, '');
  const { mtimeMs } = await stat(lock);
  expect(await obstacle(repo.path, { now: mtimeMs + 59_000 })).toBe('ready');
  expect(await obstacle(repo.path, { now: mtimeMs + 180_000 })).toMatch(
    /^index-locked: .*index\.lock is 3 minutes old/,
  );
});

test('probeRepository() finds attribute files that are tracked anywhere, also when they are missing on disk', async () => {
  const repo = await committed();
  await repo.write('a/b/.gitattributes', '*.txt text\n');
  expect(await obstacle(repo.path)).toBe('ready');
  await repo.git('add', '-A');
  expect(await obstacle(repo.path)).toContain('a/b/.gitattributes converts');
  await rm(join(repo.path, 'a/b/.gitattributes'));
  expect(await obstacle(repo.path)).toContain('a/b/.gitattributes converts');
  await repo.write('a/b/.gitattributes', '*.txt -text\n');
  expect(await obstacle(repo.path)).toBe('ready');
});

test("probeRepository() reads the person's own attributes and hooks", async () => {
  const repo = await committed();
  const homeDir = await newFolder();
  await mkdir(join(homeDir, '.config/git'), { recursive: true });
  await writeFile(join(homeDir, '.config/git/attributes'), '* text=auto\n');
  expect(await obstacle(repo.path, { homeDir })).toContain('/.config/git/attributes converts');
  await writeFile(join(homeDir, '.gitconfig'), '[core]\nattributesFile = ~/none\nhooksPath = ~/hooks\n');
  expect(await obstacle(repo.path, { homeDir })).toBe('ready');
  await mkdir(join(homeDir, 'hooks'));
  await writeFile(join(homeDir, 'hooks/commit-msg'), '', { mode: 0o755 });
  expect(await obstacle(repo.path, { homeDir })).toContain('there is a commit-msg hook');
});

test('probeRepository() does not mind hooks that cannot run, or attributes that change no content', async () => {
  const repo = await committed();
  await repo.write('.git/hooks/pre-commit', '#!/bin/sh\n', 0o644);
  await repo.write('.git/hooks/pre-push.sample', '#!/bin/sh\n', 0o755);
  await repo.write(
    '.gitattributes',
    '*.png binary\n*.c diff=cpp merge=union -text\n"a b" export-ignore\n*.x filter=none\n',
  );
  expect(await obstacle(repo.path)).toBe('ready');
  await repo.git('config', 'filter.none.clean', 'sed s/a/b/');
  expect(await obstacle(repo.path)).toContain('filter=none');
});

test('probeRepository() follows no link at an attribute file of the work tree, as git', async () => {
  const repo = await committed();
  await repo.write('rules', '* text=auto\n');
  await symlink('rules', join(repo.path, '.gitattributes'));
  expect(await obstacle(repo.path)).toBe('ready');
});

test('probeRepository() finds linked worktrees, borrowed objects and indexes of version 4 ready', async () => {
  const repo = await committed();
  const linked = join(await newFolder(), 'linked');
  await repo.git('worktree', 'add', '-q', '-b', 'other', linked);
  expect(await probe(linked)).toMatchObject({ kind: 'ready', head: { branch: 'other' } });
  const borrower = await newFolder();
  await runGit(['clone', '-q', '--shared', repo.path, borrower], { cwd: borrower });
  expect(await obstacle(borrower)).toBe('ready');
  await repo.git('update-index', '--index-version', '4');
  expect(await obstacle(repo.path)).toBe('ready');
  await repo.write('deep/.gitattributes', '*.txt text\n');
  await repo.git('add', '-A');
  expect(await obstacle(repo.path)).toContain('deep/.gitattributes converts');
});

test('probeRepository() leaves sparse checkouts that hide rules to the system git', async () => {
  const repo = await committed();
  await repo.write('a/.gitignore', 'x\n');
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'rules');
  await repo.git('update-index', '--skip-worktree', 'a/.gitignore');
  expect(await obstacle(repo.path)).toContain('sparse checkout hides a/.gitignore');
});

test('probeRepository() leaves a sparse index to the system git', async () => {
  const repo = await committed();
  for (const path of ['in/f', 'out/deep/f']) await repo.write(path, '1');
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'more');
  await repo.git('sparse-checkout', 'set', '--cone', '--sparse-index', 'in');
  expect(await obstacle(repo.path)).toContain('needs-git: ');
});

test('probeRepository() takes a submodule for what it is, a repository of its own', async () => {
  const inner = await committed();
  const outer = await committed();
  await outer.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.path, 'module');
  await run('git', ['switch', '-q', 'main'], { cwd: join(outer.path, 'module') });
  expect(await obstacle(join(outer.path, 'module'))).toBe('ready');
});

test('probeRepository() looks at an index of 20,000 files in some milliseconds', async () => {
  const repo = await committed();
  const oid = (await repo.git('rev-parse', 'HEAD:f')).trim();
  const lines = Array.from({ length: 20_000 }, (_, n) => `100644 ${oid}\tfolder-${n % 200}/file-${n}\n`);
  await repo.gitBytes(['update-index', '--index-info'], lines.join(''));
  const copy = await newFolder();
  await cp(join(repo.path, '.git'), join(copy, '.git'), { recursive: true });
  expect(await obstacle(copy)).toBe('ready');
  const began = performance.now();
  for (let round = 0; round < 5; round += 1) await probe(copy);
  expect((performance.now() - began) / 5).toBeLessThan(200);
  await utimes(join(copy, '.git/index'), new Date(), new Date());
});

test.each([
  ['* text', true],
  ['* text=auto', true],
  ['* !text', false],
  ['* -text', false],
  ['*.c crlf', true],
  ['*.c -crlf', false],
  ['*.c ident', true],
  ['*.c working-tree-encoding=UTF-16', true],
  ['[attr]doc text diff', true],
  ['"with blank" eol=crlf', true],
  ['"text" diff', false],
  ['# * text', false],
  ['text', false],
  ['*.md linguist-documentation text=auto', true],
])('findConvertingLine() takes %j as %s', (line, converts) => {
  expect(findConvertingLine(`*.png binary\n${line}\n`, () => true) !== null).toBe(converts);
});
