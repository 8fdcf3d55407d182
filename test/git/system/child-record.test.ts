import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gitRunner } from '../../../src/git/system/run-git.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { processStart } from '../../../src/host/process-start.ts';
import { createGitRepo, type GitRepo, gitEnv } from '../../support/git-repo.ts';
import { moduleArgs } from '../../support/module-args.ts';

const WORKER = fileURLToPath(new URL('../../support/git-child-worker.ts', import.meta.url));

let repo: GitRepo;
beforeEach(async () => {
  repo = await createGitRepo();
  await repo.git('commit', '--quiet', '--allow-empty', '--message', 'begin');
});
afterEach(async () => {
  await repo.remove();
});

test('a git command of a service that is killed before it was noted never begins', async () => {
  const task = JSON.stringify({ worktree: repo.path, env: gitEnv() });
  const child = spawn(process.execPath, [...moduleArgs(WORKER), task], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  const { pid } = JSON.parse(await readFile(join(repo.path, '.git/gitferry.child.new'), 'utf8'));
  await expect.poll(() => processStart(pid)).toBeNull();
  expect(await repo.git('for-each-ref', 'refs/heads/made')).toBe('');
  expect(await readdir(join(repo.path, '.git'))).not.toContain('gitferry.child');
});

test('a git command that cannot be noted does not begin, and says why', async () => {
  const gitDir = join(repo.path, '.git');
  // A folder in the place of the note refuses it for root, too.
  await repo.write('.git/gitferry.child.new/in-the-way', '');
  const place = { worktree: repo.path, gitDir, commonDir: gitDir };
  const { signal } = new AbortController();
  const git = gitRunner({ repo: place, env: gitEnv(), clock: systemClock, signal });
  await expect(git(['update-ref', 'refs/heads/made', 'HEAD'], { changes: true })).rejects.toThrow('EISDIR');
  expect(await repo.git('for-each-ref', 'refs/heads/made')).toBe('');
});

test('a noted git command gets exactly its own input and arguments', async () => {
  const gitDir = join(repo.path, '.git');
  const place = { worktree: repo.path, gitDir, commonDir: gitDir };
  const { signal } = new AbortController();
  const git = gitRunner({ repo: place, env: gitEnv(), clock: systemClock, signal });
  const input = 'begin\n$HOME "quoted"\n\0 and more\n';
  const { code, out } = await git(['hash-object', '--stdin', '--path', `it's "$HOME" *`], {
    ...{ input, changes: true },
  });
  expect(code).toBe(0);
  const plain = await repo.gitBytes(['hash-object', '--stdin'], input);
  expect(out.toString()).toBe(plain.toString());
  expect((await readdir(gitDir)).includes('gitferry.child')).toBe(false);
});
