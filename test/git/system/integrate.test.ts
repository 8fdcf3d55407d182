import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTransport } from '../../../src/git/remote/transport.ts';
import { askTips } from '../../../src/git/sync/ask-tips.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, type GitRepo, gitEnv, runGit } from '../../support/git-repo.ts';
import { needs } from '../../support/needs.ts';
import { openRow, type Row } from './repository.ts';

let row: Row;
let other: GitRepo;
beforeEach(async () => {
  row = await openRow();
});
afterEach(async () => {
  await other?.remove();
  await row.end();
});

const SSH_KEYGEN = 'ssh-keygen';
const asked = { github: { engine: 'git' } } as const;
const byGit = { facts: { engine: { name: 'git' } } };
const brought = { outcome: { kind: 'done' }, ...byGit };

/** Somebody else's clone; `change` is committed and pushed by them. */
async function theyPush(change: (repo: GitRepo) => Promise<void>): Promise<string> {
  other ??= await createGitRepo({ clone: row.remote.path });
  await other.git('pull', '--quiet', '--ff-only');
  await change(other);
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  return (await other.git('rev-parse', 'HEAD')).trim();
}

const here = (file: string, path = row.repo.path) => readFile(join(path, file), 'utf8');
const head = async (path = row.repo.path) =>
  (await runGit(['rev-parse', 'HEAD'], { cwd: path })).toString().trim();

beforeEach(() => {
  other = undefined as unknown as GitRepo;
});

describe('what others pushed comes in by the system’s git', () => {
  test('as a fast-forward: every kind of change, with reflog and post-merge hook', async () => {
    await row.repo.write('gone/deep/file', 'x\n');
    await row.repo.write('swap', 'file\n');
    await row.repo.write('folder/file', 'x\n');
    await symlink('README.md', join(row.repo.path, 'link'));
    await row.sync(asked);
    await row.hook('post-merge', 'echo "$@" > .git/after');
    const tip = await theyPush(async (repo) => {
      const at = (name: string) => join(repo.path, name);
      await rm(at('gone'), { recursive: true });
      await rm(at('swap'));
      await repo.write('swap/inner', 'in a folder\n');
      await rm(at('folder'), { recursive: true });
      await repo.write('folder', 'a file now\n', 0o755);
      await rm(at('link'));
      await symlink('swap/inner', at('link'));
      await repo.write('né "quoted"\tname.md', 'n\n');
      await repo.write('README.md', '# theirs\n');
    });
    expect(await row.sync({ ...asked, askRemote: true })).toMatchObject(brought);
    expect(await head()).toBe(tip);
    await row.expectSafe();
    expect((await lstat(join(row.repo.path, 'folder'))).mode & 0o100).toBe(0o100);
    expect(await row.repo.git('reflog', '-1', '--format=%gs', 'HEAD')).toContain('Fast-forward');
    expect(await here('.git/after')).toBe('0\n');
    expect(await row.sync({ ...asked, askRemote: true })).toMatchObject({ outcome: { status: 'no-change' } });
  });

  needs(SSH_KEYGEN, '-?')('as a merge that keeps both sides, seen by hooks and signed', async () => {
    const key = join(row.home, 'key');
    execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    for (const [name, value] of [
      ['gpg.format', 'ssh'],
      ['user.signingKey', key],
      ['commit.gpgSign', 'true'],
    ] as const) {
      await row.repo.git('config', name, value);
    }
    await row.repo.write('lines.md', '1\n2\n3\n4\n5\n');
    await row.sync();
    await row.hook('commit-msg', 'echo "Seen-By: hook" >> "$1"');
    await row.hook('pre-merge-commit', 'git diff --cached --name-only HEAD > .git/premerge');
    await theyPush((repo) => repo.write('lines.md', '1\n2\n3\n4\nfive\n'));
    await row.repo.write('lines.md', 'one\n2\n3\n4\n5\n');
    expect(await row.sync({ github: { integrate: 'rebase' } })).toMatchObject(brought);
    expect(await here('lines.md')).toBe('one\n2\n3\n4\nfive\n');
    await row.expectSafe();
    const commit = await row.repo.git('cat-file', 'commit', 'HEAD');
    expect(commit.match(/^parent /gm)).toHaveLength(2);
    expect(commit).toContain('gpgsig -----BEGIN SSH SIGNATURE-----');
    expect(commit).toContain('Seen-By: hook');
    expect(await here('.git/premerge')).toBe('lines.md\n');
  });

  test('a hook that refuses the merge stops it, and nothing has moved', async () => {
    await row.repo.write('a.md', 'a\n');
    await row.sync(asked);
    await theyPush((repo) => repo.write('b.md', 'b\n'));
    await row.hook('pre-merge-commit', 'echo not today; exit 1');
    await row.repo.write('a.md', 'mine\n');
    const answer = await row.sync(asked);
    expect(answer.outcome).toMatchObject({ kind: 'failed', failure: { code: 'commit-hook-refused' } });
    expect(await row.repo.git('status', '--porcelain')).toBe('');
    expect(await here('a.md')).toBe('mine\n');
    await expect(here('b.md')).rejects.toThrow('ENOENT');
  });

  test('both sides changed the same lines: theirs stays out, ours goes to the side branch', async () => {
    await row.sync(asked);
    await theyPush((repo) => repo.write('README.md', '# theirs\n'));
    await row.repo.write('README.md', '# ours\n');
    const answer = await row.sync(asked);
    expect(answer.outcome).toMatchObject({ kind: 'conflict', reason: { code: 'content-conflict' } });
    expect(answer.facts.conflictFiles).toMatchObject([{ path: 'README.md' }]);
    expect(await here('README.md')).toBe('# ours\n');
    expect(await row.server.refOf(row.remote.path, 'refs/heads/sync/laptop/main')).toBe(await head());
    expect(await row.repo.git('status', '--porcelain')).toBe('');
  });

  test('an ignored file that stands where theirs shall be is not written over, and all waits for it', async () => {
    await row.repo.write('.gitignore', '*.log\n');
    await row.repo.write('a.md', 'a\n');
    await row.sync(asked);
    const before = await head();
    await theyPush(async (repo) => {
      await repo.write('a.md', 'theirs\n');
      await repo.write('other.log', 'theirs\n');
      await repo.git('add', '--force', 'other.log');
    });
    await row.repo.write('other.log', 'mine\n');
    const answer = await row.sync({ ...asked, askRemote: true });
    expect(answer.outcome).toMatchObject({
      failure: { code: 'integrate-blocked-by-local-changes', data: {} },
    });
    expect(await here('other.log')).toBe('mine\n');
    expect(await here('a.md')).toBe('a\n');
    expect(await head()).toBe(before);
    await rm(join(row.repo.path, 'other.log'));
    expect(await row.sync({ ...asked, askRemote: true })).toMatchObject(brought);
    expect(await here('other.log')).toBe('theirs\n');
  });

  test('line ends are written as the rules say, also by rules that come in at the same time', async () => {
    await row.repo.git('config', 'core.autocrlf', 'true');
    await row.repo.write('notes.txt', 'one\r\ntwo\r\n');
    await row.sync();
    await theyPush(async (repo) => {
      await repo.write('notes.txt', 'one\ntwo\nthree\n');
      await repo.write('.gitattributes', '*.lf text eol=lf\n');
      await repo.write('new.lf', 'a\nb\n');
      await repo.write('!first.lf', 'a\nb\n');
    });
    expect(await row.sync({ askRemote: true })).toMatchObject(brought);
    expect(await here('notes.txt')).toBe('one\r\ntwo\r\nthree\r\n');
    expect(await here('new.lf')).toBe('a\nb\n');
    expect(await here('!first.lf')).toBe('a\nb\n');
    await row.expectSafe();
  });

  test('rules that come in turn a project of the built-in engine over to git, for this too', async () => {
    await row.sync();
    await theyPush(async (repo) => {
      await repo.write('.gitattributes', '*.bat text eol=crlf\n');
      await repo.write('run.bat', 'echo\r\n');
    });
    const answer = await row.sync({ askRemote: true });
    expect(answer).toMatchObject({ outcome: { kind: 'done' }, facts: { engine: { name: 'builtin' } } });
    expect(await here('run.bat')).toBe('echo\r\n');
    await row.expectSafe();
  });

  test.each([
    ['version 4', ['update-index', '--index-version', '4']],
    ['a split form', ['update-index', '--split-index']],
  ])('an index of %s stays so', async (_name, args) => {
    await row.repo.git(...args);
    await row.sync(asked);
    await theyPush((repo) => repo.write('README.md', '# theirs\n'));
    await row.repo.write('mine.md', 'mine\n');
    expect(await row.sync({ ...asked, askRemote: true })).toMatchObject(brought);
    await row.expectSafe();
    const raw = await readFile(join(row.repo.path, '.git/index'));
    if (args.includes('4')) expect(raw.readUInt32BE(4)).toBe(4);
    else expect(raw.includes('link')).toBe(true);
  });

  test.each([
    ['its folders', '--cone'],
    ['its folders, with a sparse index', '--sparse-index'],
    ['its patterns', '--no-cone'],
  ])('a sparse work tree keeps to %s', async (_name, form) => {
    await row.repo.write('in/a.md', 'a\n');
    await row.repo.write('out/b.md', 'b\n');
    await row.repo.write('out/gone.md', 'g\n');
    await row.sync();
    await row.repo.git('sparse-checkout', 'set', form, form === '--no-cone' ? '/in/' : 'in');
    if (form === '--no-cone') await rm(join(row.repo.path, 'README.md'), { force: true });
    await theyPush(async (repo) => {
      await repo.write('in/a.md', 'A\n');
      await repo.write('in/new.md', 'n\n');
      await repo.write('out/b.md', 'B\n');
      await repo.write('out/deep/new.md', 'n\n');
      await rm(join(repo.path, 'out/gone.md'));
    });
    const answer = await row.sync({ askRemote: true });
    expect(answer).toMatchObject({ outcome: { kind: 'done' } });
    await row.expectSafe();
    expect(await here('in/a.md')).toBe('A\n');
    expect(await here('in/new.md')).toBe('n\n');
    await expect(lstat(join(row.repo.path, 'out'))).rejects.toThrow('ENOENT');
    const marked = (await row.repo.git('ls-files', '-t', 'out')).trim().split('\n');
    expect(marked).toEqual(['S out/b.md', 'S out/deep/new.md']);
    await row.repo.git('sparse-checkout', 'disable');
    expect(await here('out/deep/new.md')).toBe('n\n');
    expect(await row.repo.git('status', '--porcelain')).toBe('');
  });

  test('over SSH', async () => {
    const ssh = join(row.home, 'fake-ssh');
    await writeFile(ssh, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
    await chmod(ssh, 0o755);
    await row.sync();
    await row.repo.git('remote', 'set-url', 'origin', `git@example.test:${row.remote.path}`);
    const tip = await theyPush((repo) => repo.write('README.md', '# theirs\n'));
    const ports = { env: { ...gitEnv(), HOME: row.home, GIT_SSH_COMMAND: ssh } };
    expect(await row.sync({ ports, askRemote: true })).toMatchObject(brought);
    expect(await head()).toBe(tip);
    expect((await row.repo.git('rev-parse', 'origin/main')).trim()).toBe(tip);
    await row.expectSafe();
  });

  test('to an address that is no remote of the repository: no tracking ref is made up', async () => {
    await row.sync(asked);
    await row.repo.git('remote', 'remove', 'origin');
    const github = { ...asked.github, remoteUrl: row.remote.url };
    const tip = await theyPush((repo) => repo.write('README.md', '# theirs\n'));
    expect(await row.sync({ github, askRemote: true })).toMatchObject(brought);
    expect(await head()).toBe(tip);
    expect(await row.repo.git('for-each-ref', 'refs/remotes')).toBe('');
  });

  test.each([
    ['shallow', ['--depth=1']],
    ['partial', ['--filter=blob:none']],
    ['partial without trees', ['--filter=tree:0']],
  ])('into a %s clone', async (_name, args) => {
    await row.repo.write('docs/a.md', '1\n2\n3\n');
    await row.repo.write('docs/b.md', 'b\n');
    await row.sync(asked);
    await row.repo.write('docs/b.md', 'bb\n');
    await row.sync(asked);
    await runGit(['config', 'uploadpack.allowFilter', 'true'], { cwd: row.remote.path });
    const path = await mkdtemp(join(tmpdir(), 'gitferry-clone-'));
    await runGit(['clone', '-q', '--no-local', ...args, `file://${row.remote.path}`, path], { cwd: path });
    await runGit(['remote', 'set-url', 'origin', row.remote.url], { cwd: path });
    for (const [key, value] of [
      ['user.name', 'Ada'],
      ['user.email', 'ada@example.com'],
    ] as const) {
      await runGit(['config', key, value], { cwd: path });
    }
    await theyPush((repo) => repo.write('docs/a.md', '1\n2\nthree\n'));
    await writeFile(join(path, 'docs/a.md'), 'one\n2\n3\n');
    const answer = await row.sync({ ...asked, path, askRemote: true });
    expect(answer).toMatchObject(brought);
    expect(await here('docs/a.md', path)).toBe('one\n2\nthree\n');
    const tip = (await runGit(['rev-parse', 'main'], { cwd: row.remote.path })).toString().trim();
    expect(await head(path)).toBe(tip);
    expect((await runGit(['status', '--porcelain'], { cwd: path })).toString()).toBe('');
    await rm(path, { recursive: true });
  });

  test('a repository with alternates', async () => {
    await row.sync(asked);
    const path = await mkdtemp(join(tmpdir(), 'gitferry-clone-'));
    await runGit(['clone', '-q', '--reference', row.repo.path, row.remote.url, path], { cwd: path });
    await runGit(['config', 'user.name', 'Ada'], { cwd: path });
    await runGit(['config', 'user.email', 'ada@example.com'], { cwd: path });
    await theyPush((repo) => repo.write('b.md', 'b\n'));
    await writeFile(join(path, 'README.md'), '# mine\n');
    expect(await row.sync({ ...asked, path, askRemote: true })).toMatchObject(brought);
    expect(await here('b.md', path)).toBe('b\n');
    await row.expectSafe(path);
    await rm(path, { recursive: true });
  });

  needs('git-lfs', 'version')('contents of Git LFS, as the files they stand for', async () => {
    const env = { HOME: row.home };
    const lfs = (args: string[], cwd: string) => runGit(['lfs', ...args], { cwd, env });
    await lfs(['install', '--local', '--skip-repo'], row.repo.path);
    const store = join(row.home, 'lfs');
    await mkdir(store);
    // The remote's own LFS store, without the network: git-lfs serves a file address by itself.
    await runGit(['config', 'lfs.url', `file://${row.remote.path}`], { cwd: row.repo.path });
    await row.repo.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    await row.repo.write('a.bin', 'first content\n');
    await row.sync();
    expect(await row.there('a.bin')).toContain('https://git-lfs.github.com/spec/v1');
    other = await createGitRepo();
    await other.git('remote', 'add', 'origin', `file://${row.remote.path}`);
    await lfs(['install', '--local'], other.path);
    await other.git('pull', '--quiet', 'origin', 'main');
    await other.git('branch', '--quiet', '--set-upstream-to=origin/main');
    expect(await here('a.bin', other.path)).toBe('first content\n');
    await theyPush(async (repo) => {
      await repo.write('a.bin', 'second content, longer\n');
      await repo.write('b.bin', 'b\n');
    });
    expect(await row.sync({ askRemote: true })).toMatchObject(brought);
    expect(await here('a.bin')).toBe('second content, longer\n');
    expect(await here('b.bin')).toBe('b\n');
    await row.expectSafe();
  });

  test('the remote is asked where its branches are by the way that reaches it: SSH, or a person’s own helper', async () => {
    const { facts } = await row.sync(asked);
    const tip = await theyPush((repo) => repo.write('README.md', '# theirs\n'));
    const ssh = join(row.home, 'fake-ssh');
    await writeFile(ssh, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
    await chmod(ssh, 0o755);
    const transport = createTransport({
      ...{ clock: systemClock, credentialFor: async () => null, idleTimeoutMs: 20_000 },
      userAgent: 'git/gitferry-test',
    });
    const github = GithubConfigSchema.parse({ enabled: true, engine: 'git' });
    const ask = (env: Record<string, string> = {}) =>
      askTips(
        { path: row.repo.path, github, facts },
        ['refs/heads/main', 'refs/heads/none'],
        { clock: systemClock, signal: new AbortController().signal },
        {
          transport,
          credentialFor: async () => null,
          homeDir: row.home,
          env: { ...gitEnv(), HOME: row.home, ...env },
        },
      );
    const expected = new Map([['refs/heads/main', tip]]);
    row.server.requireToken('theirs');
    await expect(ask()).rejects.toMatchObject({ code: 'credential-missing' });
    await row.repo.git('config', 'credential.helper', '!printf "username=u\\npassword=theirs\\n" #');
    expect(await ask()).toEqual(expected);
    await row.repo.git('remote', 'set-url', 'origin', `git@example.test:${row.remote.path}`);
    expect(await ask({ GIT_SSH_COMMAND: ssh })).toEqual(expected);
    await row.repo.git('remote', 'remove', 'origin');
    expect(await ask()).toBeNull();
  });

  test('`off` leaves it to the person, as with the built-in engine', async () => {
    await row.sync(asked);
    const before = await head();
    await theyPush((repo) => repo.write('README.md', '# theirs\n'));
    const answer = await row.sync({ github: { engine: 'git', integrate: 'off' }, askRemote: true });
    expect(answer.outcome).toMatchObject({ kind: 'conflict', reason: { code: 'remote-ahead' } });
    expect(await head()).toBe(before);
  });
});
