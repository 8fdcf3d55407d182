import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openIgnoreRules } from '../../../src/git/changes/ignore.ts';
import { readGitConfig } from '../../../src/git/config/user-config.ts';
import { type RepoPath, toRepoPath } from '../../../src/git/paths.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';

const trash: string[] = [];
afterAll(async () => {
  await Promise.all(trash.map((path) => rm(path, { recursive: true, force: true })));
});

async function newRepo(): Promise<GitRepo> {
  const repo = await createGitRepo();
  trash.push(repo.path);
  return repo;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-ignore-'));
  trash.push(folder);
  return folder;
}

async function rulesOf(path: string, env: Record<string, string> = {}, homeDir = '') {
  const repo = await openRepository(path);
  const isolated = { GIT_CONFIG_NOSYSTEM: '1', ...env };
  const config = await readGitConfig({ repo, env: isolated, homeDir });
  return openIgnoreRules({ repo, config, env: isolated, homeDir });
}

/** A small seeded generator: the same cases in every run. */
function seeded(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const below = (count: number) => Math.floor(next() * count);
  return { below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T };
}

const NAMES = [
  'a',
  'b',
  'ab',
  'A',
  'foo',
  'foo.txt',
  'bar.log',
  '.x',
  'a b',
  'ü',
  '#c',
  '!d',
  'x[1]',
  'back\\s',
  'e ',
];
const PATTERNS = [
  'a',
  'a/',
  '/a',
  '/a/',
  'b',
  '*.log',
  '*.txt',
  'foo*',
  '?',
  '??',
  'a?',
  '[ab]',
  '[!a]',
  '[a-f]oo',
  '**/b',
  'a/**',
  '**/a/**',
  'a/**/b',
  '/*',
  '*',
  '**',
  '!a',
  '!a/',
  '!*.txt',
  '!foo',
  '!/b',
  '!*/',
  '\\#c',
  '\\!d',
  '#c',
  'x\\[1\\]',
  'x[1]',
  'x[[]1]',
  'back\\\\s',
  'e\\ ',
  'e ',
  'a b',
  'a/b',
  'a/b/',
  '/a/b',
  'b/*',
  'b/*/',
  '*/b',
  '*/*/a',
  'foo/bar.log',
  '.*',
  '!.x',
  'A',
  'ü',
  '[[:alpha:]]',
  '[[:upper:]]',
  '[]a]',
  '[^a]',
  'a**',
  '**a',
  'a**b',
  'foo/**/',
  '**/',
  '!**/b',
  'ab\\',
  '  ',
  'a\t',
  '!',
  '/',
  '//a',
  'a//b',
  './a',
  '!b/foo',
  'b',
  '*/',
  '!/a/b',
];

function rulesText(random: ReturnType<typeof seeded>, lines: number): string {
  const end = random.below(4) === 0 ? '\r\n' : '\n';
  const text = Array.from({ length: 1 + random.below(lines) }, () => random.pick(PATTERNS)).join(end);
  return (random.below(6) === 0 ? '\uFEFF' : '') + text + (random.below(2) === 0 ? end : '');
}

/** Makes files and rules on several levels; answers all files and folders made. */
async function populate(repo: GitRepo, random: ReturnType<typeof seeded>) {
  const files = new Set<string>();
  for (let count = 0; count < 40; count += 1) {
    const depth = 1 + random.below(4);
    const path = Array.from({ length: depth }, () => random.pick(NAMES)).join('/');
    try {
      await repo.write(path, 'x');
      files.add(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!['EISDIR', 'ENOTDIR', 'EEXIST'].includes(code)) throw error;
    }
  }
  const folders = new Set<string>();
  for (const file of files) {
    for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  await repo.write('.gitignore', rulesText(random, 6));
  for (const folder of folders) {
    if (random.below(3) === 0) await repo.write(`${folder}/.gitignore`, rulesText(random, 3));
  }
  await repo.write('.git/info/exclude', rulesText(random, 3));
  return { files, folders };
}

/** Untracked files that git would add. */
async function keptByGit(repo: GitRepo): Promise<Set<string>> {
  const out = await repo.git('ls-files', '-z', '--others', '--exclude-standard');
  return new Set(out.split('\0').filter((path) => path !== '' && !path.endsWith('.gitignore')));
}

test('isIgnored() agrees with git on hundreds of seeded rule and path combinations', async () => {
  const differences: string[] = [];
  let compared = 0;
  const sureFile = join(await newFolder(), 'sure');
  await writeFile(sureFile, 'certainly-ignored\n');
  for (let seed = 1; seed <= 25; seed += 1) {
    const repo = await newRepo();
    if (seed % 5 === 0) await repo.git('config', 'core.ignoreCase', 'true');
    const { files, folders } = await populate(repo, seeded(seed));
    const kept = await keptByGit(repo);
    const rules = await rulesOf(repo.path);
    for (const path of files) {
      compared += 1;
      const ours = await rules.isIgnored(toRepoPath(path), false);
      if (ours === kept.has(path))
        differences.push(`seed ${seed}: ${path} ${ours ? 'ignored' : 'kept'} here`);
    }
    // For folders git answers only whether they are ignored themselves; it exits with 1 when none is.
    const asked = [...folders, 'certainly-ignored'].join('\0');
    const sure = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.excludesFile',
      GIT_CONFIG_VALUE_0: sureFile,
    };
    const said = await runGit(
      ['check-ignore', '--no-index', '-z', '--stdin', '--verbose', '--non-matching'],
      {
        cwd: repo.path,
        input: asked,
        env: sure,
      },
    );
    const fields = said.toString('utf8').split('\0');
    for (let at = 0; at + 3 < fields.length; at += 4) {
      const path = fields[at + 3] ?? '';
      const pattern = fields[at + 2] ?? '';
      if (path === 'certainly-ignored') continue;
      const ignored = fields[at] !== '' && !pattern.startsWith('!');
      compared += 1;
      const ours = await rules.isIgnored(toRepoPath(path), true);
      if (ours !== ignored)
        differences.push(`seed ${seed}: folder ${path} ${ours ? 'ignored' : 'kept'} here, ${pattern}`);
    }
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(600);
});

test('isIgnored() takes the nearest rule first and the personal file last', async () => {
  const repo = await newRepo();
  const home = await newFolder();
  await mkdir(join(home, '.config/git'), { recursive: true });
  await writeFile(join(home, '.config/git/ignore'), '*.own\n*.mix\n');
  await repo.write('.git/info/exclude', '*.mix\n!kept.own\n');
  await repo.write('.gitignore', '!top.mix\n');
  await repo.write('sub/.gitignore', 'top.mix\n');
  const rules = await rulesOf(repo.path, {}, home);
  const ignored = (path: string) => rules.isIgnored(toRepoPath(path), false);
  expect(await Promise.all(['a.own', 'kept.own', 'a.mix', 'top.mix', 'sub/top.mix'].map(ignored))).toEqual([
    ...[true, false, true, false, true],
  ]);
  await repo.git('config', 'core.excludesFile', '~/mine');
  await writeFile(join(home, 'mine'), '*.new\n');
  const chosen = await rulesOf(repo.path, {}, home);
  expect(await chosen.isIgnored(toRepoPath('a.own'), false)).toBe(false);
  expect(await chosen.isIgnored(toRepoPath('a.new'), false)).toBe(true);
  await repo.git('config', '--unset', 'core.excludesFile');
  await mkdir(join(home, 'xdg/git'), { recursive: true });
  await writeFile(join(home, 'xdg/git/ignore'), '*.xdg\n');
  const xdg = await rulesOf(repo.path, { XDG_CONFIG_HOME: join(home, 'xdg') }, home);
  expect(await xdg.isIgnored(toRepoPath('a.xdg'), false)).toBe(true);
});

test('isIgnored() keeps nothing below an ignored folder, but a nearer rule may keep the folder itself', async () => {
  const repo = await newRepo();
  await repo.write('.git/info/exclude', 'out/\n');
  const rules = await rulesOf(repo.path);
  expect(await rules.isIgnored(toRepoPath('out/deep/f'), false)).toBe(true);
  await repo.write('.gitignore', '!out/\n!out/deep/f\n');
  expect(await rules.isIgnored(toRepoPath('out/deep/f'), false)).toBe(false);
  await repo.write('.gitignore', 'out/\n!out/deep/f\n');
  expect(await rules.isIgnored(toRepoPath('out/deep/f'), false)).toBe(true);
});

test('isIgnored() reads a file again when it changed or went', async () => {
  const repo = await newRepo();
  const rules = await rulesOf(repo.path);
  const ask = () => rules.isIgnored(toRepoPath('sub/a.log'), false);
  expect(await ask()).toBe(false);
  await repo.write('sub/.gitignore', '*.log\n');
  expect(await ask()).toBe(true);
  await repo.write('sub/.gitignore', '*.txt\n*.tmp\n');
  expect(await ask()).toBe(false);
  await repo.write('sub/.gitignore', '*.log\n');
  expect(await ask()).toBe(true);
  await rm(join(repo.path, 'sub/.gitignore'));
  expect(await ask()).toBe(false);
});

test('isIgnored() follows no link at a .gitignore, as git', async () => {
  const repo = await newRepo();
  await repo.write('rules', 'a\n');
  await repo.write('a', 'x');
  await symlink('rules', join(repo.path, '.gitignore'));
  const rules = await rulesOf(repo.path);
  expect(await rules.isIgnored(toRepoPath('a'), false)).toBe(!(await keptByGit(repo)).has('a'));
});

test('isIgnored() matches names that are not UTF-8 byte by byte, as git', async () => {
  const repo = await newRepo();
  await repo.write('.gitignore', Buffer.from([0xff, 0x2a, 0x0a, 0x3f, 0x0a]));
  const rules = await rulesOf(repo.path);
  expect(await rules.isIgnored('\xffx' as RepoPath, false)).toBe(true);
  expect(await rules.isIgnored('\xfe' as RepoPath, false)).toBe(true);
  expect(await rules.isIgnored(toRepoPath('ü'), false)).toBe(false);
});

test('isIgnored() answers the same after more questions than it remembers', async () => {
  const repo = await newRepo();
  await repo.write('.gitignore', '*7\n');
  const top = await (await rulesOf(repo.path)).root();
  const wrong = Array.from({ length: 45_000 }, (_, n) => String(n)).filter(
    (name) => top.isIgnored(name, false) !== name.endsWith('7'),
  );
  expect(wrong).toEqual([]);
});
