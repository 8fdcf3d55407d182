import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { booleanOf, parseConfig } from '../../../src/git/config/config-file.ts';
import { configOf } from '../../../src/git/config/config-values.ts';
import { matchesPathPattern } from '../../../src/git/config/path-pattern.ts';
import { readGitConfig } from '../../../src/git/config/user-config.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { createGitRepo, gitEnv, runGit } from '../../support/git-repo.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-config-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function newRepo() {
  const repo = await createGitRepo();
  cleanups.push(() => repo.remove());
  return repo;
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** `key LF value`, as `git config --list -z` prints entries. */
function listing(entries: readonly { key: string; value: string | null }[]): string[] {
  return entries.map(({ key, value }) => (value === null ? key : `${key}\n${value}`));
}

const TRICKY: Record<string, string> = {
  plain: '[core]\n\tbare = false\n  ignoreCase=true\n[User]\nName = Ada\n',
  comments: '; c\n# d\n[a] ; e\nb = c ; d\nd = "e;f" # g\n  # h\nx = y#z\n[b] # end',
  quotes: '[a]\nb = " x  y "z\nc = "a\\"b\\\\c\\n\\td"\nd = ""\ne =\nf = a"b c"d\ng = "#"; h\n',
  continuation: '[a]\nb = one \\\ntwo\\\n  three\nc = "in \\\nquotes"\nd = x\\\n\ne = f\n',
  valueless: '[a]\nb\nc ; comment\nd=\n[e]f\n',
  subsections:
    '[a "B.c"]\nD = 1\n[a.Sub]\ne = 2\n[a "q\\"u\\\\o\\te"]\nf = 3\n[a ""]\ng = 4\n[A "b"] h = 5\n',
  lines: '\uFEFF[a]\r\nb = c\r\nd = "e"\r\n\r\n[f]\r\n g\r\n',
  repeated: '[a]\nb = 1\nb = 2\n[c]\n[a]\nb = 3\nb\n',
  unicode: '[user]\nname = Grüße 漢字\n[remote "ünï"]\nurl = https://x/y.git\n',
  blanks: '[a]\nb =    c d    \n\n   \n\t[ e.f ]\n'.replace('[ e.f ]', '[e.f]\n g-h1 = i'),
  nothing: '',
  early: 'b = c\n[a]\nd = e\n',
  eof: '[a]\nb = c\\',
};

test.each(Object.entries(TRICKY))('parseConfig() reads %s as git does', async (_name, text) => {
  const folder = await newFolder();
  const file = join(folder, 'config');
  await writeFile(file, text);
  const git = runGit(['config', '--file', file, '--list', '-z'], { cwd: folder }).then(
    (out) => out.toString('utf8').split('\0').slice(0, -1),
    () => 'refused',
  );
  let ours: string[] | 'refused';
  try {
    ours = listing(parseConfig(text));
  } catch {
    ours = 'refused';
  }
  expect(ours).toEqual(await git);
});

test.each([
  ['[a\nb = c\n', 1],
  ['= c\n', 1],
  ['[a]\nb = "c\n', 2],
  ['[a]\n\n1b = c\n', 3],
  ['[a]\nb = \\x\n', 2],
  ['[a]\nb c\n', 2],
  ['[a "b]\n', 1],
  ['[a "b"x]\n', 1],
  ['[a_b]\n', 1],
])('parseConfig() refuses %j and names line %i, as git does', async (text, line) => {
  expect(() => parseConfig(text, 'somewhere')).toThrowError(
    expect.objectContaining({
      code: 'git-config-invalid',
      message: expect.stringContaining(`line ${line} of somewhere`),
    }),
  );
  const folder = await newFolder();
  await writeFile(join(folder, 'config'), text);
  await expect(runGit(['config', '--file', 'config', '--list'], { cwd: folder })).rejects.toThrow(
    `bad config line ${line}`,
  );
});

test('booleanOf() knows the words and numbers that git takes', () => {
  const words = ['true', 'Yes', 'ON', '1', '-1', '2k', '0x10', null];
  expect(words.map(booleanOf)).toEqual(words.map(() => true));
  expect(['false', 'No', 'off', '0', '', '0k'].map(booleanOf)).toEqual(Array(6).fill(false));
  expect(['maybe', 'tru', '1x'].map(booleanOf)).toEqual([undefined, undefined, undefined]);
});

test('configOf() answers by keys whose subsection alone is case-sensitive, the last value first', () => {
  const config = configOf(
    parseConfig('[remote "Or.igin"]\nURL = a\nurl = b\n[remote "x"]\nfetch\n[core]\nbare = maybe\n'),
  );
  expect(config.get('Remote.Or.igin.Url')).toBe('b');
  expect(config.get('remote.or.igin.url')).toBeUndefined();
  expect(config.getAll('remote.Or.igin.url')).toEqual(['a', 'b']);
  expect(config.subsections('REMOTE')).toEqual(['Or.igin', 'x']);
  expect(config.get('remote.x.fetch')).toBe('');
  expect(config.getBoolean('remote.x.fetch')).toBe(true);
  expect(config.getBoolean('remote.x.none')).toBeUndefined();
  expect(() => config.getBoolean('core.bare')).toThrowError(
    expect.objectContaining({ code: 'git-config-invalid' }),
  );
});

test('readGitConfig() reads all files, includes and conditions in the order git does', async () => {
  const repo = await newRepo();
  const home = await newFolder();
  const system = join(home, 'system');
  await put(system, '[a]\nfrom = system\nonly = system\n');
  await put(join(home, '.config/git/config'), '[a]\nfrom = xdg\n[include]\npath = ~/more\n');
  await put(join(home, 'more'), '[a]\nmore = yes\n[include]\npath = deeper/one\npath = missing\n');
  await put(join(home, 'deeper/one'), '[a]\ndeep = yes\n[include]\npath = two\n');
  await put(join(home, 'deeper/two'), '[a]\ndeeper = yes\n');
  const inside = (condition: string, name: string) => `[includeIf "${condition}"]\npath = in/${name}\n`;
  const conditions: Record<string, string> = {
    top: `gitdir:${repo.path}/`,
    wrong: 'gitdir:/elsewhere/',
    name: `gitdir:${repo.path.split('/').at(-1)}/.git`,
    glob: 'gitdir:**/*-repo-*/**',
    upper: `gitdir/i:${repo.path.toUpperCase()}/.GIT`,
    lower: `gitdir:${repo.path.toUpperCase()}/`,
    home: 'gitdir:~/repo/',
    branch: 'onbranch:topic/',
    other: 'onbranch:main',
    url: 'hasconfig:remote.*.url:https://example.com/**',
    nourl: 'hasconfig:remote.*.url:https://elsewhere/**',
    unknown: 'weather:fine',
  };
  const text = Object.entries(conditions).map(([name, condition]) => inside(condition, name));
  await put(join(home, '.gitconfig'), `[a]\nfrom = home\n${text.join('')}`);
  for (const name of Object.keys(conditions)) await put(join(home, 'in', name), `[in]\n${name} = yes\n`);
  await repo.git('symbolic-ref', 'HEAD', 'refs/heads/topic/x');
  await repo.git('config', 'remote.Origin.url', 'https://example.com/a/b.git');
  await repo.git('config', 'a.from', 'local');
  await repo.git('config', 'extensions.worktreeConfig', 'true');
  await put(join(repo.path, '.git/config.worktree'), '[a]\nfrom = worktree\n');
  const env = {
    ...gitEnv(),
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '0',
    GIT_CONFIG_SYSTEM: system,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'A.From',
    GIT_CONFIG_VALUE_0: 'command',
  } as Record<string, string>;
  delete env.GIT_CONFIG_GLOBAL;
  const config = await readGitConfig({ repo: await openRepository(repo.path), env, homeDir: home });
  const listed = await list(repo.path, env);
  expect(listing(config.entries)).toEqual(listed);
  expect(listed).toEqual(
    expect.arrayContaining(['in.top\nyes', 'in.url\nyes', 'in.branch\nyes', 'a.deeper\nyes']),
  );
  expect(config.get('a.from')).toBe('command');
  expect(config.get('in.wrong')).toBeUndefined();
});

/** Git with exactly this environment. */
async function list(cwd: string, env: Record<string, string>): Promise<string[]> {
  const { execFileSync } = await import('node:child_process');
  const out = execFileSync('git', ['config', '--list', '-z', '--includes'], { cwd, env });
  return out.toString('utf8').split('\0').slice(0, -1);
}

test('readGitConfig() heeds GIT_CONFIG_GLOBAL, GIT_CONFIG_NOSYSTEM and XDG_CONFIG_HOME', async () => {
  const repo = await openRepository((await newRepo()).path);
  const home = await newFolder();
  await put(join(home, '.gitconfig'), '[a]\nb = home\n');
  await put(join(home, 'chosen'), '[a]\nb = chosen\n');
  await put(join(home, 'system'), '[a]\ns = system\n');
  await put(join(home, 'xdg/git/config'), '[a]\nx = xdg\n');
  const read = (env: Record<string, string>) => readGitConfig({ repo, env, homeDir: home });
  const chosen = await read({
    GIT_CONFIG_GLOBAL: join(home, 'chosen'),
    GIT_CONFIG_SYSTEM: join(home, 'system'),
  });
  expect([chosen.get('a.b'), chosen.get('a.s')]).toEqual(['chosen', 'system']);
  const none = await read({ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_SYSTEM: join(home, 'system') });
  expect([none.get('a.b'), none.get('a.s')]).toEqual(['home', undefined]);
  expect((await read({ GIT_CONFIG_NOSYSTEM: '1', XDG_CONFIG_HOME: join(home, 'xdg') })).get('a.x')).toBe(
    'xdg',
  );
});

test('readGitConfig() reads a file that changed, and judges conditions anew where none did', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  try {
    const made = await newRepo();
    const repo = await openRepository(made.path);
    const home = await newFolder();
    await put(join(home, '.gitconfig'), '[a]\nb = 1\n[includeIf "onbranch:topic"]\npath = more\n');
    await put(join(home, 'more'), '[a]\nb = 2\n');
    const read = async () => {
      const env = { GIT_CONFIG_NOSYSTEM: '1' };
      const config = await readGitConfig({ repo, env, homeDir: home });
      return [config.get('a.b'), config.get('a.local')];
    };
    expect(await read()).toEqual(['1', undefined]);
    await made.git('symbolic-ref', 'HEAD', 'refs/heads/topic');
    expect(await read()).toEqual(['2', undefined]);
    await made.git('config', 'a.local', 'x');
    await put(join(home, 'more'), '[a]\nb = 34\n');
    expect(await read()).toEqual(['34', 'x']);
    await rm(join(home, 'more'));
    expect(await read()).toEqual(['1', 'x']);
  } finally {
    vi.useRealTimers();
  }
});

test('readGitConfig() refuses endless includes', async () => {
  const repo = await openRepository((await newRepo()).path);
  const home = await newFolder();
  await put(join(home, '.gitconfig'), '[include]\npath = .gitconfig\n');
  await expect(
    readGitConfig({ repo, env: { GIT_CONFIG_NOSYSTEM: '1' }, homeDir: home }),
  ).rejects.toMatchObject({
    code: 'git-config-invalid',
  });
});

test.each([
  ['a/b', 'a/b', true],
  ['a/*', 'a/b/c', false],
  ['a/**', 'a/b/c', true],
  ['**/c', 'a/b/c', true],
  ['**/c', 'c', true],
  ['a/**/c', 'a/c', true],
  ['a?c', 'a/c', false],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[]a]x', ']x', true],
  ['a[', 'a[', false],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['a.c', 'abc', false],
  ['a+(b)', 'a+(b)', true],
])('matchesPathPattern() takes %j on %j as %s', (pattern, path, matches) => {
  expect(matchesPathPattern(pattern, path)).toBe(matches);
  expect(matchesPathPattern(pattern.toUpperCase(), path, true)).toBe(matches);
});
