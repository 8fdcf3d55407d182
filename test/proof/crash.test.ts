// kill -9 at every step of a sync: a real process ends itself at a named step, or before its n-th change of the disk.
// Afterwards git finds a healthy repository, nothing that was saved is lost, and the next sync completes the work.
// The short form takes every named step and a choice of the changes; GITFERRY_LONG=1 takes every change.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_FACTS, type ProjectFacts } from '../../src/model/project.ts';
import type { RemoteState } from '../../src/model/remote-state.ts';
import { createGitRepo, runGit } from '../support/git-repo.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import type { Dice } from '../support/journey.ts';
import { moduleArgs } from '../support/module-args.ts';
import { SYNC_ALL, syncOnce } from '../support/sync-once.ts';
import { diceFor, IS_LONG } from './settings.ts';

const WORKER = fileURLToPath(new URL('../support/sync-crash-worker.ts', import.meta.url));
const ON_DENO = 'Deno' in globalThis;
const PUSHING = ['push-ready', 'push-answered', 'tracking-noted'];
/** The system's git locks the branch and writes its log by itself, in one step with moving it. */
const PUBLISHING_BY_GIT = ['index-locked', 'index-written', 'ref-moved', 'index-moved'];
const PUBLISHING = [...PUBLISHING_BY_GIT, 'ref-locked', 'reflog-written'];
const STEPS = ['blobs-written', 'trees-written', ...PUBLISHING, ...PUSHING];
const STEPS_BY_GIT = ['commit-written', ...PUBLISHING_BY_GIT, ...PUSHING];
/** The short form takes about so many of them. */
const SOME_BY_GIT = 2;
/** The short form takes about so many of the changes of the disk. */
const SOME_CHANGES = 14;
const AT_ONCE = 2;

let server: GitServer;
let folder: string;
beforeAll(async () => {
  server = await startGitServer();
  folder = await mkdtemp(join(tmpdir(), 'gitferry-crash-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What a repository is like when it is saved into: each form goes other ways through the engine. */
type Form = {
  name: string;
  branch: string;
  isFirst: boolean;
  isPacked: boolean;
  /** Nothing large is saved: the request of the push is begun with the commit. */
  isLittle?: boolean;
  engine?: 'git';
};
const FORMS: Form[] = [
  { name: 'usual', branch: 'main', isFirst: false, isPacked: false, isLittle: true },
  { name: 'packed', branch: 'topic/deep', isFirst: false, isPacked: true },
  { name: 'first', branch: 'main', isFirst: true, isPacked: false },
  { name: 'usual-by-git', branch: 'main', isFirst: false, isPacked: false, engine: 'git' },
  { name: 'first-by-git', branch: 'topic/deep', isFirst: true, isPacked: false, engine: 'git' },
];

type Scene = { form: Form; path: string; remotePath: string; facts: ProjectFacts; expected: Expected };
type Expected = { files: Map<string, string>; tree: string; status: string; commits: number };

/** A repository with saved work that a sync has not seen yet, and beside it what a person staged otherwise. */
async function build(form: Form): Promise<Scene> {
  const remote = await server.createRepo(form.name);
  const repo = await createGitRepo({ path: join(folder, form.name), branch: form.branch });
  await repo.git('remote', 'add', 'origin', remote.url);
  const facts = structuredClone(NO_FACTS);
  if (!form.isFirst) {
    for (const name of ['kept.txt', 'changed.txt', 'gone/old.txt', 'run.sh'])
      await repo.write(name, `${name}\n`);
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '--message', 'begin');
    await repo.git('push', '--quiet', '--set-upstream', 'origin', form.branch);
    facts.remoteTips = { [form.branch]: (await repo.git('rev-parse', 'HEAD')).trim() };
    facts.lastSafeAt = 1;
    facts.remotes = [safeRemote(remote.url)];
    await rm(join(repo.path, 'gone'), { recursive: true });
    await repo.git('rm', '--quiet', '--cached', 'kept.txt');
  }
  if (form.isPacked) await repo.git('gc', '--quiet');
  await repo.write('changed.txt', 'saved by the person\n');
  await repo.write('deep/er/new.txt', 'new\n');
  await repo.write('run.sh', 'run.sh\n', 0o755);
  if (!form.isLittle) await repo.write('large.bin', Buffer.alloc(1_300_000, 7));
  const scratch = { GIT_INDEX_FILE: join(repo.path, '.git/of-the-test') };
  await runGit(['add', '--all'], { cwd: repo.path, env: scratch });
  const tree = (await runGit(['write-tree'], { cwd: repo.path, env: scratch })).toString().trim();
  await rm(scratch.GIT_INDEX_FILE);
  const expected = {
    files: await filesOf(repo.path),
    tree,
    status: form.isFirst ? '' : 'D  kept.txt\n?? kept.txt\n',
    commits: form.isFirst ? 1 : 2,
  };
  return { form, path: repo.path, remotePath: remote.path, facts, expected };
}

const safeRemote = (url: string): RemoteState => ({
  ...{ name: 'origin', primary: true, url, branches: ['*'], state: 'safe', tips: {} },
  ...{ reason: null, failures: 0, retryAt: null, lastSafeAt: 1 },
});

/** The scene once more, with a remote of its own. */
async function copyOf(scene: Scene, name: string): Promise<Scene> {
  const path = join(folder, name);
  await cp(scene.path, path, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const remotePath = join(server.root, `${name}.git`);
  await cp(scene.remotePath, remotePath, { recursive: true });
  const config = join(path, '.git/config');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(`/${scene.form.name}.git`, `/${name}.git`));
  const facts = structuredClone(scene.facts);
  for (const one of facts.remotes) one.url = one.url.replace(`/${scene.form.name}.git`, `/${name}.git`);
  return { ...scene, facts, path, remotePath };
}

async function filesOf(root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of await readdir(root, { recursive: true })) {
    if (name === '.git' || name.startsWith('.git/') || !(await lstat(join(root, name))).isFile()) continue;
    files.set(name, await readFile(join(root, name), 'latin1'));
  }
  return files;
}

type Ending = { signal: string | null; out: string; err: string };

async function runWorker(scene: Scene, at: { point?: string; change?: number }): Promise<Ending> {
  const { form, path: worktree, facts } = scene;
  const task = JSON.stringify({ worktree, facts, engine: form.engine, ...at });
  const child = spawn(process.execPath, [...moduleArgs(WORKER), task], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ending: Ending = { signal: null, out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    ending.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    ending.err += chunk;
  });
  const [, signal] = await once(child, 'close');
  return { ...ending, signal: signal as string | null };
}

const git = (path: string, ...args: string[]) => runGit(args, { cwd: path }).then(String);

/** Right after the kill, before anybody of ours looks again. */
async function expectHealthy({ form, path, remotePath, expected }: Scene): Promise<void> {
  await git(path, 'fsck', '--strict', '--no-dangling');
  await git(remotePath, 'fsck', '--strict', '--no-dangling');
  await git(path, 'status', '--porcelain');
  expect(await filesOf(path)).toEqual(expected.files);
  const tips = await git(path, 'for-each-ref', '--format=%(objectname) %(tree)', `refs/heads/${form.branch}`);
  const there = await server.refOf(remotePath, `refs/heads/${form.branch}`);
  // The remote never has a commit that is not here.
  if (there !== null) await git(path, 'merge-base', '--is-ancestor', there, form.branch);
  expect(tips.trim() === '' ? form.isFirst : true).toBe(true);
}

async function expectCompleted({ form, path, remotePath, facts, expected }: Scene): Promise<void> {
  const github = { ...SYNC_ALL, ...(form.engine && { engine: form.engine }) };
  const { outcome, facts: after } = await syncOnce({ worktree: path, facts, github });
  expect(after.engine?.name).toBe(form.engine ?? 'builtin');
  expect(outcome).toMatchObject({ kind: 'done' });
  expect(after).toMatchObject({ pendingFiles: 0, unpushedCommits: 0, blocked: null });
  const local = (await git(path, 'rev-parse', 'HEAD')).trim();
  expect(await server.refOf(remotePath, `refs/heads/${form.branch}`)).toBe(local);
  expect((await git(path, 'rev-parse', 'HEAD^{tree}')).trim()).toBe(expected.tree);
  expect((await git(path, 'rev-list', '--count', 'HEAD')).trim()).toBe(String(expected.commits));
  expect(await git(path, 'status', '--porcelain')).toBe(expected.status);
  expect((await git(path, 'rev-parse', `refs/remotes/origin/${form.branch}`)).trim()).toBe(local);
  expect(await filesOf(path)).toEqual(expected.files);
  await git(path, 'fsck', '--strict', '--no-dangling');
  expect(await leftOf(path)).toEqual([]);
  // And the person goes on as if nothing had been.
  await git(path, 'commit', '--quiet', '--allow-empty', '--message', 'by hand');
}

/** Locks and notes of ours; half-written objects (tmp_obj_*) are git's own kind of rest, which its gc clears. */
async function leftOf(path: string): Promise<string[]> {
  const names = await readdir(join(path, '.git'), { recursive: true });
  const isFile = async (name: string) => (await lstat(join(path, '.git', name))).isFile();
  const suspects = names.filter((name) => /\.lock|gitferry/.test(name));
  const files = await Promise.all(suspects.map(async (name) => ((await isFile(name)) ? name : '')));
  return files.filter((name) => name !== '');
}

/** Two at a time; what went wrong is told together, so that a run shows every step that is not safe. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const open = [...items];
  const faults: string[] = [];
  const runner = async () => {
    for (let item = open.shift(); item !== undefined; item = open.shift()) {
      await work(item).catch((error: Error) => faults.push(error.message));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
  expect(faults).toEqual([]);
}

/** The ids of commits tell their time, and a folder for objects is made where none has theirs: one sync makes some fewer changes. */
const FEWER_CHANGES = 8;

function expectMet({ signal, out }: Ending, at: { change?: number }, message: string): void {
  if (signal !== null || at.change === undefined) {
    expect(signal, message).toBe('SIGKILL');
    return;
  }
  const { changes, outcome } = JSON.parse(out);
  expect(outcome, message).toMatchObject({ kind: 'done', status: 'success' });
  expect(changes, message).toBeLessThan(at.change);
  expect(changes, message).toBeGreaterThanOrEqual(at.change - FEWER_CHANGES);
}

/** Kills one sync, looks, completes, and clears away. */
async function killAt(scene: Scene, at: { point?: string; change?: number }): Promise<void> {
  const label = `${at.point ?? `change-${at.change}`}`;
  const copy = await copyOf(scene, `${scene.form.name}-${label}`);
  const ending = await runWorker(copy, at);
  try {
    expectMet(ending, at, `${label} of "${scene.form.name}" was not met\n${ending.err}`);
    await expectHealthy(copy);
    await expectCompleted(copy);
  } catch (error) {
    throw new Error(`${scene.form.name}, killed at ${label}: ${(error as Error).message}`, { cause: error });
  }
  await rm(copy.path, { recursive: true });
  await rm(copy.remotePath, { recursive: true });
}

function stepsOf({ name, engine }: Form, dice: Dice): string[] {
  if (engine === undefined) return IS_LONG || name === 'usual' ? STEPS : [];
  if (IS_LONG) return STEPS_BY_GIT;
  return [...new Set(Array.from({ length: SOME_BY_GIT }, () => dice.pick(STEPS_BY_GIT)))];
}

test.each(FORMS)(
  'kill -9 at any step of a sync harms and loses nothing ($name)',
  { timeout: 600_000 },
  async (form) => {
    const scene = await build(form);
    const dice = diceFor(`crash (${form.name})`);
    const steps = stepsOf(form, dice);
    await inTurns(steps, (point) => killAt(scene, { point }));

    // Deno's modules keep their own calls, and so does git: there the named steps are all.
    const whole =
      ON_DENO || form.engine ? null : await runWorker(await copyOf(scene, `${form.name}-whole`), {});
    const answer =
      whole === null ? { changes: 0 } : JSON.parse(whole.out || `{"error":${JSON.stringify(whole.err)}}`);
    if (whole !== null) expect(answer).toMatchObject({ outcome: { kind: 'done', status: 'success' } });
    const all = Array.from({ length: answer.changes }, (_, n) => n + 1);
    const chosen = IS_LONG ? all : all.filter(() => dice.below(all.length) < SOME_CHANGES);
    await inTurns(chosen, (change) => killAt(scene, { change }));
    console.log(
      `crash (${form.name}): killed at ${steps.length} steps and ${chosen.length} of ${all.length} changes of the disk`,
    );
  },
);
