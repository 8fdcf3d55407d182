import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { IS_LONG } from '../../proof/settings.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { moduleArgs } from '../../support/module-args.ts';

const WORKER = fileURLToPath(new URL('../../support/integrate-worker.ts', import.meta.url));
const BUSY_MACHINE_MS = 240_000;
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Bench = { git: GitRepo; theirs: string; expected: string; byGit: boolean };

/** Both sides have changed; `expected` is the merged tree. */
async function makeBench({ byGit = false } = {}): Promise<Bench> {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  const commit = async (message: string) => {
    await git.git('add', '-A');
    await git.git('commit', '-qm', message);
  };
  // In the work tree another content than in git.
  if (byGit) await git.write('.gitattributes', '*.md text eol=crlf\n');
  const lines = (text: string) => (byGit ? text.replaceAll('\n', '\r\n') : text);
  await git.write('notes.md', lines('1\n2\n3\n4\n5\n6\n'));
  await git.write('swap', 'file\n');
  await git.write('folder/file', 'x\n');
  await git.write('gone/deep/file', 'x\n');
  await symlink('notes.md', join(git.path, 'link'));
  await commit('first');
  await git.git('switch', '-qc', 'theirs');
  await git.write('notes.md', lines('1\n2\n3\n4\n5\nsix\n'));
  await rm(join(git.path, 'swap'));
  await git.write('swap/file', 'in a folder\n');
  await rm(join(git.path, 'folder'), { recursive: true });
  await git.write('folder', 'a file now\n', 0o755);
  await rm(join(git.path, 'gone'), { recursive: true });
  await rm(join(git.path, 'link'));
  await symlink('swap/file', join(git.path, 'link'));
  await git.write('new/file', 'new\n');
  await commit('theirs');
  await git.git('switch', '-q', 'main');
  await git.write('notes.md', lines('one\n2\n3\n4\n5\n6\n'));
  await commit('ours');
  const theirs = (await git.git('rev-parse', 'theirs')).trim();
  const expected = (await git.git('merge-tree', '--write-tree', 'main', 'theirs')).trim();
  return { git, theirs, expected, byGit };
}

function launch({ git, theirs, byGit }: Bench, stopAt: string, times: number) {
  const input = JSON.stringify({ path: git.path, theirs, stopAt, times, byGit });
  const child = spawn(process.execPath, [...moduleArgs(WORKER), input], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const said = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      if (out.endsWith('\n')) resolve(out.trim());
    });
    child.once('close', (code) => reject(new Error(`the worker ended with ${code}: ${err}`)));
  });
  return { child, said };
}

/** Answers whether the step was reached. */
async function killAt(bench: Bench, stopAt: string, times: number): Promise<boolean> {
  const { child, said } = launch(bench, stopAt, times);
  const reached = (await said) === 'stopped';
  await end(child);
  return reached;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

async function runAgain(bench: Bench): Promise<{ finished: string; answer: { kind: string } }> {
  const { child, said } = launch(bench, 'never', 1);
  const answer = JSON.parse(await said);
  await end(child);
  return answer;
}

async function expectMerged({ git, theirs, expected }: Bench): Promise<void> {
  expect((await git.git('rev-parse', 'HEAD^{tree}')).trim()).toBe(expected);
  await git.git('merge-base', '--is-ancestor', theirs, 'HEAD');
  expect(await git.git('status', '--porcelain', '-uall')).toBe('');
  expect(await git.git('fsck', '--strict', '--no-dangling')).toBe('');
  const left = (await readdir(join(git.path, '.git'))).filter((name) => /lock$|gitferry-update/.test(name));
  expect(left).toEqual([]);
}

// The files: four deletions, five placed.
const STEPS: [string, number][] = [
  ['prepared', 1],
  ['index-locked', 1],
  ['journal-written', 1],
  ['file-removed', 1],
  ['file-removed', 3],
  ['file-placed', 1],
  ['file-placed', 3],
  ['files-written', 1],
  ['index-written', 1],
  ['ref-locked', 1],
  ['ref-moved', 1],
  ['reflog-written', 1],
  ['index-moved', 1],
  ['journal-removed', 1],
];

test.each(STEPS)(
  'a kill at %s (%d) leaves a sound repository, and the next run ends what was begun',
  async (stopAt, times) => {
    const bench = await makeBench();
    expect(await killAt(bench, stopAt, times)).toBe(true);
    expect(await bench.git.git('fsck', '--strict', '--no-dangling')).toBe('');
    const { answer } = await runAgain(bench);
    expect(['advanced', 'up-to-date']).toContain(answer.kind);
    await expectMerged(bench);
    expect((await runAgain(bench)).answer).toEqual({ kind: 'up-to-date' });
  },
  BUSY_MACHINE_MS,
);

/** The system's git locks the branch and writes its log by itself, in one step with moving it. */
const NOT_BY_GIT = ['ref-locked', 'reflog-written'];
const BY_GIT = STEPS.filter(([step]) => !NOT_BY_GIT.includes(step));
const SOME_BY_GIT = ['file-removed 3', 'file-placed 3', 'index-written 1', 'ref-moved 1'];

// The short form takes those at which most is half done.
test.each(BY_GIT.filter((each) => IS_LONG || SOME_BY_GIT.includes(each.join(' '))))(
  'a kill at %s (%d) while the system’s git brings files in is ended by the next run too',
  async (stopAt, times) => {
    const bench = await makeBench({ byGit: true });
    expect(await killAt(bench, stopAt, times)).toBe(true);
    expect((await runAgain(bench)).answer.kind).toMatch(/advanced|up-to-date/);
    await expectMerged(bench);
    expect(await readFile(join(bench.git.path, 'notes.md'), 'utf8')).toMatch(/^one\r\n(.*\r\n){4}six\r\n$/);
  },
  BUSY_MACHINE_MS,
);

test(
  'after a kill of the system’s git, files are taken back as filters write them when a person changed one meanwhile',
  async () => {
    const bench = await makeBench({ byGit: true });
    const { git } = bench;
    expect(await killAt(bench, 'files-written', 1)).toBe(true);
    await writeFile(join(git.path, 'swap/file'), 'a save after the kill\n');
    const { finished, answer } = await runAgain(bench);
    expect({ finished, kind: answer.kind }).toEqual({ finished: 'taken-back', kind: 'held-back' });
    expect(await readFile(join(git.path, 'notes.md'), 'utf8')).toBe('one\r\n2\r\n3\r\n4\r\n5\r\n6\r\n');
    expect(await readFile(join(git.path, 'swap/file'), 'utf8')).toBe('a save after the kill\n');
    expect(await git.git('status', '--porcelain', 'notes.md', 'folder', 'gone', 'new')).toBe('');
  },
  BUSY_MACHINE_MS,
);

test(
  'after a kill, half-written changes of the remote are taken back when a person changed a file meanwhile',
  async () => {
    const bench = await makeBench();
    const { git } = bench;
    expect(await killAt(bench, 'file-placed', 5)).toBe(true);
    await writeFile(join(git.path, 'notes.md'), 'a save after the kill\n');
    const { finished, answer } = await runAgain(bench);
    expect({ finished, kind: answer.kind }).toEqual({ finished: 'taken-back', kind: 'held-back' });
    expect(await git.git('status', '--porcelain', '-uall')).toBe(' M notes.md\n');
    expect(await readFile(join(git.path, 'notes.md'), 'utf8')).toBe('a save after the kill\n');
    expect(await readFile(join(git.path, 'gone/deep/file'), 'utf8')).toBe('x\n');
    expect((await lstat(join(git.path, 'folder'))).isDirectory()).toBe(true);
    await git.git('restore', 'notes.md');
    expect((await runAgain(bench)).answer.kind).toBe('advanced');
    await expectMerged(bench);
  },
  BUSY_MACHINE_MS,
);

test(
  'after a kill, a file that was a person’s own before stays when the rest is taken back',
  async () => {
    const bench = await makeBench();
    const { git } = bench;
    await git.write('new/file', 'new\n');
    expect(await killAt(bench, 'files-written', 1)).toBe(true);
    await writeFile(join(git.path, 'notes.md'), 'a save after the kill\n');
    expect((await runAgain(bench)).finished).toBe('taken-back');
    expect(await git.git('status', '--porcelain', '-uall')).toBe(' M notes.md\n?? new/file\n');
  },
  BUSY_MACHINE_MS,
);

test(
  'after a kill, nothing is touched when a person has moved on',
  async () => {
    const bench = await makeBench();
    const { git } = bench;
    expect(await killAt(bench, 'files-written', 1)).toBe(true);
    await rm(join(git.path, '.git', 'index.lock'));
    await git.git('reset', '-q', '--hard');
    await git.git('clean', '-fdq');
    await git.git('commit', '-q', '--allow-empty', '-m', 'moved on');
    await chmod(join(git.path, 'notes.md'), 0o755);
    const { finished, answer } = await runAgain(bench);
    expect({ finished, kind: answer.kind }).toEqual({ finished: 'dropped', kind: 'held-back' });
    expect(await git.git('status', '--porcelain', '-uall')).toBe(' M notes.md\n');
  },
  BUSY_MACHINE_MS,
);
