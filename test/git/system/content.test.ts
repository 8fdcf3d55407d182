import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runGit } from '../../support/git-repo.ts';
import { needs } from '../../support/needs.ts';
import { openRow, type Row } from './repository.ts';

let row: Row;
beforeEach(async () => {
  row = await openRow();
});
afterEach(async () => {
  await row.end();
});

const done = { outcome: { kind: 'done', status: 'success' } };
const SSH_KEYGEN = 'ssh-keygen';
const asked = { github: { engine: 'git' } } as const;

test('every kind of change is committed as git add --all and git commit would', async () => {
  await row.repo.write('old/a.md', 'a\n');
  await row.repo.write('gone.md', 'g\n');
  await row.repo.write('kind', 'file\n');
  await row.repo.write('kept.md', 'kept\n');
  await row.repo.git('add', '--all');
  await row.repo.git('commit', '--quiet', '--message', 'more');
  await rm(join(row.repo.path, 'gone.md'));
  await rm(join(row.repo.path, 'kind'));
  await row.repo.write('kind/inner.md', 'now a folder\n');
  await rm(join(row.repo.path, 'old'), { recursive: true });
  await writeFile(join(row.repo.path, 'old'), 'now a file\n');
  await symlink('README.md', join(row.repo.path, 'link'));
  await row.repo.write('run.sh', '#!/bin/sh\n', 0o755);
  await row.repo.write('né "quoted"\tname.md', 'n\n');
  await row.repo.write('.gitignore', '*.log\n');
  await row.repo.write('x.log', 'ignored\n');
  await row.repo.git('rm', '--quiet', '--cached', 'kept.md');
  await row.repo.git('init', '--quiet', 'nested');
  await row.repo.write('nested/own.md', 'own\n');
  const wanted = await plainCommitTree(row);
  expect(await row.sync(asked)).toMatchObject(done);
  expect((await row.repo.git('rev-parse', 'HEAD^{tree}')).trim()).toBe(wanted);
  await row.repo.git('fsck', '--strict');
  expect(await row.repo.git('status', '--porcelain')).toBe('D  kept.md\n?? kept.md\n?? nested/\n');
});

/** What a commit of everything holds, `git rm --cached` and nested repositories left aside. */
async function plainCommitTree({ repo }: Row): Promise<string> {
  const env = { GIT_INDEX_FILE: join(repo.path, '.git/compare-index') };
  const git = (...args: string[]) => runGit(args, { cwd: repo.path, env });
  await git('read-tree', 'HEAD');
  await git('add', '--all', '--', '.', ':!kept.md', ':!nested');
  const tree = (await git('write-tree')).toString().trim();
  await rm(env.GIT_INDEX_FILE);
  return tree;
}

test('a file that is staged and taken back in the work tree is no change', async () => {
  await row.sync(asked);
  await row.repo.write('README.md', 'other\n');
  await row.repo.git('add', 'README.md');
  await row.repo.write('README.md', '# hello\n');
  expect(await row.sync(asked)).toMatchObject({ outcome: { status: 'no-change' } });
});

test('end-of-line rules are kept: autocrlf, and eol by .gitattributes', async () => {
  await row.repo.git('config', 'core.autocrlf', 'input');
  await row.repo.write('dos.txt', 'one\r\ntwo\r\n');
  await row.repo.write('.gitattributes', '*.bat text eol=crlf\n*.bin -text\n');
  await row.repo.write('run.bat', 'echo\r\n');
  await row.repo.write('data.bin', 'a\r\n');
  expect(await row.sync()).toMatchObject(done);
  expect(await row.there('dos.txt')).toBe('one\ntwo\n');
  expect(await row.there('run.bat')).toBe('echo\n');
  expect(await row.there('data.bin')).toBe('a\r\n');
  expect(row.seen.get('dos.txt')).toBe('one\r\ntwo\r\n');
  await row.expectSafe();
  expect(await row.sync()).toMatchObject({ outcome: { status: 'no-change' } });
});

test.each([
  ['version 4', ['update-index', '--index-version', '4']],
  ['a split form', ['update-index', '--split-index']],
])('an index of %s stays so', async (_name, args) => {
  await row.repo.git(...args);
  await row.repo.write('a.md', 'a\n');
  expect(await row.sync(asked)).toMatchObject(done);
  await row.repo.write('a.md', 'b\n');
  expect(await row.sync(asked)).toMatchObject(done);
  await row.expectSafe();
  expect(await row.there('a.md')).toBe('b\n');
});

test('a linked worktree is synced with its own branch', async () => {
  const path = await mkdtemp(join(tmpdir(), 'gitferry-linked-'));
  await row.repo.git('worktree', 'add', '--quiet', '-b', 'side', join(path, 'w'));
  await writeFile(join(path, 'w', 'a.md'), 'a\n');
  expect(await row.sync({ ...asked, path: join(path, 'w') })).toMatchObject(done);
  await row.expectSafe(join(path, 'w'), 'side');
  await row.repo.git('worktree', 'remove', '--force', join(path, 'w'));
  await rm(path, { recursive: true });
});

needs(SSH_KEYGEN, '-?')(
  'commits are signed when commit.gpgSign says so, and a missing key is named',
  async () => {
    const key = join(row.home, 'key');
    execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await row.repo.git('config', 'gpg.format', 'ssh');
    await row.repo.git('config', 'user.signingKey', key);
    await row.repo.git('config', 'commit.gpgSign', 'true');
    await row.repo.write('a.md', 'a\n');
    expect(await row.sync()).toMatchObject(done);
    expect(await row.repo.git('cat-file', 'commit', 'HEAD')).toContain('-----BEGIN SSH SIGNATURE-----');
    await row.expectSafe();
    await rm(key);
    const before = await row.repo.git('rev-parse', 'HEAD');
    await row.repo.write('a.md', 'b\n');
    const answer = await row.sync();
    expect(answer.outcome).toMatchObject({ failure: { code: 'commit-signing-failed' } });
    expect(await row.repo.git('rev-parse', 'HEAD')).toBe(before);
  },
);

test('LFS that is not set up holds everything back instead of committing whole files', async () => {
  await row.repo.write('.gitattributes', '*.psd filter=lfs diff=lfs merge=lfs -text\n');
  await row.repo.write('a.psd', 'large\n');
  expect((await row.sync()).outcome).toMatchObject({ failure: { code: 'lfs-missing' } });
});

needs('git-lfs', 'version')(
  'LFS files go to LFS, whatever their size, and the guard sees their content',
  async () => {
    await row.repo.git('lfs', 'install', '--local', '--skip-smudge');
    await row.repo.git('lfs', 'track', '*.psd');
    await row.repo.git('config', 'lfs.url', `file://${row.remote.path}`);
    await row.repo.write('a.psd', 'picture\n'.repeat(300_000));
    let size = 0;
    const answer = await row.sync({
      ports: {
        guard: async ({ files }) => {
          size = files.find(({ path }) => path === 'a.psd')?.sizeBytes ?? 0;
          return { held: [], massDeletion: null };
        },
      },
    });
    expect(answer.outcome).toMatchObject(done.outcome);
    expect(size).toBeLessThanOrEqual(1024);
    expect(await row.there('a.psd')).toMatch(
      /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:/,
    );
    await row.expectSafe();
    expect(await row.sync()).toMatchObject({ outcome: { status: 'no-change' } });
  },
);
