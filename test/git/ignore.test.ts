import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openIgnoreRules } from '../../src/git/ignore.ts';
import { type RepoPath, toRepoPath } from '../../src/git/paths.ts';
import { openRepository } from '../../src/git/repository.ts';
import { readGitConfig } from '../../src/git/user-config.ts';
import { createGitRepo, type GitRepo, runGit } from '../support/git-repo.ts';

const trash: string[] = [];
afterAll(async () => {
  await Promise.all(trash.map((path) => rm(path, { recursive: true, force: true })));
});

async function newRepo(): Promise<GitRepo> {
  const repo = await createGitRepo();
  trash.push(repo.path);
  return repo;
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

const NAMES = ['a', 'b', 'ab', 'A', 'foo', 'foo.txt', 'bar.log', '.x', 'a b', 'ü', '#c', '!d', 'x[1]', 'back\\s', 'e '];
const PATTERNS = [
  'a', 'a/', '/a', '/a/', 'b', '*.log', '*.txt', 'foo*', '?', '??', 'a?', '[ab]', '[!a]', '[a-f]oo', '**/b', 'a/**',
  '**/a/**', 'a/**/b', '/*', '*', '**', '!a', '!a/', '!*.txt', '!foo', '!/b', '!*/', '\\#c', '\\!d', '#c', 'x\\[1\\]',
  'x[1]', 'x[[]1]', 'back\\\\s', 'e\\ ', 'e ', 'a b', 'a/b', 'a/b/', '/a/b', 'b/*', 'b/*/', '*/b', '*/*/a', 'foo/bar.log',
  '.*', '!.x', 'A', 'ü', '[[:alpha:]]', '[[:upper:]]', '[]a]', '[^a]', 'a**', '**a', 'a**b', 'foo/**/', '**/', '!**/b',
  'ab\\', '  ', 'a\t', '!', '/', '//a', 'a//b', './a', '!b/foo', 'b', '*/', '!/a/b',
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
  for (let seed = 1; seed <= 25; seed += 1) {
    const repo = await newRepo();
    if (seed % 5 === 0) await repo.git('config', 'core.ignoreCase', 'true');
    const { files, folders } = await populate(repo, seeded(seed));
    const kept = await keptByGit(repo);
    const rules = await rulesOf(repo.path);
    for (const path of files) {
      compared += 1;
      const ours = await rules.isIgnored(toRepoPath(path), false);
      if (ours === kept.has(path)) differences.push(`seed ${seed}: ${path} ${ours ? 'ignored' : 'kept'} here`);
    }
    // For folders git answers only whether they are ignored themselves.
    const asked = [...folders].join('\0');
    const said = await runGit(['check-ignore', '--no-index', '-z', '--stdin', '--verbose', '--non-matching'], {
      cwd: repo.path,
      input: asked,
    }).catch(() => Buffer.alloc(0));
    const fields = said.toString('utf8').split('\0');
    for (let at = 0; at + 3 < fields.length; at += 4) {
      const path = fields[at + 3] ?? '';
      const pattern = fields[at + 2] ?? '';
      const ignored = fields[at] !== '' && !pattern.startsWith('!');
      compared += 1;
      const ours = await rules.isIgnored(toRepoPath(path), true);
      if (ours !== ignored) differences.push(`seed ${seed}: folder ${path} ${ours ? 'ignored' : 'kept'} here, ${pattern}`);
    }
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(600);
});
