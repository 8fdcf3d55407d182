// Repositories of every kind that git, npm and git-lfs make: each must end safe, with the tree that git itself would
// commit, or be refused with the right reason and untouched. KINDS is the table to turn when more is possible.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SyncOutcome } from '../../src/git/sync/sync-work.ts';
import type { FailureCode } from '../../src/model/failure-codes.ts';
import { createEditor } from '../journeys/random-edits.ts';
import { createGitRepo, type GitRepo, runGit } from '../support/git-repo.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { diceOf } from '../support/journey.ts';
import { syncOnce } from '../support/sync-once.ts';
import { IS_LONG, roundsOf, seedOf } from './settings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROUNDS = roundsOf({ short: 1, long: 25 });
const EDITS = 12;
const PACKAGES = ['ws', 'commander', 'chokidar', ...(IS_LONG ? ['hono', 'zod', 'pino'] : [])];
const HAS_LFS = has('git', 'lfs', 'version');

let server: GitServer;
let folder: string;
let seed: number;
beforeAll(async () => {
  server = await startGitServer();
  folder = await mkdtemp(join(tmpdir(), 'gitferry-kinds-'));
  seed = seedOf('repositories');
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  console.log(`repositories: ${KINDS.length} kinds, ${ROUNDS} rounds of ${EDITS} edits each`);
});

type Kind = {
  name: string;
  /** Makes the repository at `path`, with at least one commit unless it says otherwise. */
  make(path: string): Promise<GitRepo>;
  /** The code of the reason; default: it ends safe. */
  refused?: FailureCode;
  /** Why it cannot be tried on this machine; told aloud. */
  missing?: string | false;
  /** A file that is changed besides the random ones. */
  alsoWrites?: string;
};

async function withFiles(path: string, files: Record<string, string> = {}): Promise<GitRepo> {
  const repo = await createGitRepo({ path });
  for (const [name, text] of Object.entries({ 'a.txt': 'a\n', 'src/b.txt': 'b\n', ...files })) {
    await repo.write(name, text);
  }
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  return repo;
}

/** Something to clone from, with a few commits. */
async function origin(path: string): Promise<string> {
  const repo = await withFiles(`${path}-origin`);
  for (let n = 0; n < 5; n++) {
    await repo.write('src/b.txt', `${n}\n`.repeat(30));
    await repo.git('commit', '--quiet', '--all', '--message', `change ${n}`);
  }
  await repo.git('config', 'uploadpack.allowFilter', 'true');
  return `file://${repo.path}`;
}

async function cloned(path: string, ...args: string[]): Promise<GitRepo> {
  await runGit(['clone', '--quiet', ...args, await origin(path), path], { cwd: folder });
  return createGitRepo({ path });
}

async function configured(path: string, key: string, value: string, files?: Record<string, string>) {
  const repo = await withFiles(path, files);
  await repo.git('config', key, value);
  return repo;
}

async function packageTrees(path: string): Promise<GitRepo> {
  const repo = await createGitRepo({ path });
  for (const name of PACKAGES)
    await cp(join(ROOT, 'node_modules', name), join(path, name), { recursive: true, dereference: true });
  return repo;
}

const KINDS: Kind[] = [
  {
    name: "this project's own history",
    missing: !existsSync(join(ROOT, '.git')) && 'these sources are no git clone',
    async make(path) {
      await runGit(['clone', '--quiet', '--no-hardlinks', ROOT, path], { cwd: folder });
      const repo = await createGitRepo({ path });
      // Wherever the clone came from stands, work goes on on a branch.
      await repo.git('switch', '--quiet', '--force-create', 'work');
      return repo;
    },
  },
  {
    name: 'trees of npm packages, imported by git',
    async make(path) {
      const repo = await packageTrees(path);
      await repo.git('add', '--all');
      await repo.git('commit', '--quiet', '--message', 'import');
      return repo;
    },
  },
  { name: 'trees of npm packages, never committed', make: packageTrees },
  {
    name: 'a submodule',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('submodule', '--quiet', 'add', await origin(path), 'lib');
      await repo.git('commit', '--quiet', '--message', 'add lib');
      return repo;
    },
  },
  {
    name: 'a submodule that was added and not committed',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('submodule', '--quiet', 'add', await origin(path), 'lib');
      return repo;
    },
  },
  {
    name: 'a submodule that was taken out and not committed',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('submodule', '--quiet', 'add', await origin(path), 'lib');
      await repo.git('commit', '--quiet', '--message', 'add lib');
      await repo.git('rm', '--quiet', 'lib');
      return repo;
    },
  },
  {
    name: 'a submodule with another commit checked out',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('submodule', '--quiet', 'add', await origin(path), 'lib');
      await repo.git('commit', '--quiet', '--message', 'add lib');
      await repo.git('-C', 'lib', 'switch', '--quiet', '--detach', 'HEAD~1');
      return repo;
    },
  },
  {
    name: 'end-of-line rules in .gitattributes',
    make: (path) =>
      withFiles(path, { '.gitattributes': '* text=auto eol=crlf\n', 'dos.txt': 'one\r\ntwo\r\n' }),
    alsoWrites: 'src/windows.txt',
  },
  {
    name: 'core.autocrlf',
    make: (path) => configured(path, 'core.autocrlf', 'true', { 'dos.txt': 'one\r\n' }),
    alsoWrites: 'src/windows.txt',
  },
  {
    name: 'a clean filter of the person',
    make: async (path) => {
      const repo = await configured(path, 'filter.upper.clean', 'tr a-z A-Z', {
        '.gitattributes': '*.up filter=upper\n',
      });
      return repo;
    },
    alsoWrites: 'src/word.up',
  },
  {
    name: 'LFS files, whose remote stores none',
    missing: !HAS_LFS && 'git-lfs is not installed',
    refused: 'push-rejected-missing-lfs',
    async make(path) {
      const repo = await createGitRepo({ path });
      await repo.git('lfs', 'install', '--local');
      await repo.git('lfs', 'track', '*.bin');
      await repo.write('image.bin', Buffer.alloc(50_000, 3));
      await repo.git('add', '--all');
      await repo.git('commit', '--quiet', '--message', 'begin');
      return repo;
    },
  },
  {
    name: 'a linked worktree',
    async make(path) {
      const repo = await withFiles(`${path}-main`);
      await repo.git('worktree', 'add', '--quiet', '-b', 'topic/linked', path);
      return createGitRepo({ path });
    },
  },
  {
    name: 'a split index',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('update-index', '--split-index');
      return repo;
    },
  },
  {
    name: 'an index of version 4',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('update-index', '--index-version', '4');
      return repo;
    },
  },
  {
    name: 'an untracked cache',
    async make(path) {
      const repo = await withFiles(path);
      await repo.git('update-index', '--force-untracked-cache');
      await repo.git('status');
      return repo;
    },
  },
  {
    name: 'a sparse checkout with a sparse index',
    async make(path) {
      const repo = await withFiles(path, { 'left/out.txt': 'x\n', 'edits/here.txt': 'y\n' });
      await repo.git('sparse-checkout', 'set', '--cone', '--sparse-index', 'edits', 'src');
      return repo;
    },
  },
  { name: 'a shallow clone', make: (path) => cloned(path, '--depth=2') },
  { name: 'a partial clone', make: (path) => cloned(path, '--filter=blob:none') },
  { name: 'a clone that borrows objects', make: (path) => cloned(path, '--shared') },
  {
    name: 'packed refs, bitmaps and a multi-pack-index',
    async make(path) {
      const repo = await cloned(path);
      await repo.git('repack', '-q', '-a', '-d', '--write-bitmap-index');
      await repo.git('pack-refs', '--all');
      await repo.git('commit', '--quiet', '--allow-empty', '--message', 'more');
      await repo.git('repack', '-q', '-d');
      await repo.git('multi-pack-index', 'write');
      await repo.git('commit-graph', 'write', '--reachable');
      return repo;
    },
  },
  {
    name: 'a pre-commit hook that lets pass',
    async make(path) {
      const repo = await withFiles(path);
      await repo.write('.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n', 0o755);
      return repo;
    },
  },
  {
    name: 'object ids of SHA-256',
    refused: 'unsupported-object-format',
    async make(path) {
      await runGit(['init', '--quiet', '--object-format=sha256', path], { cwd: folder });
      return withFiles(path);
    },
  },
];

test.each(KINDS)(
  '$name ends safe with equal trees, or is refused and untouched',
  { timeout: 600_000 },
  async (kind) => {
    if (kind.missing) return console.log(`SKIPPED: ${kind.name}: ${kind.missing}`);
    const name = `kind-${KINDS.indexOf(kind)}`;
    const repo = await kind.make(join(folder, name));
    const remotePath = await connect(repo, name);
    const dice = diceOf(seed);
    const editor = createEditor(repo.path, 'edits', dice);
    for (let round = 0; round <= ROUNDS; round++) {
      if (round > 0) for (let n = 0; n < EDITS; n++) await editor.edit();
      if (kind.alsoWrites) await repo.write(kind.alsoWrites, `round ${round}\r\nabc\r\n`);
      const before = await lookOf(repo);
      const { outcome, facts } = await syncOnce({ worktree: repo.path });
      if (kind.refused) {
        const reason =
          'reason' in outcome ? outcome.reason : 'failure' in outcome ? outcome.failure.reason : null;
        expect(reason, told(outcome)).toMatchObject({ code: kind.refused });
        if (outcome.kind === 'blocked') expect(await lookOf(repo)).toEqual(before);
      } else {
        expect(outcome, told(outcome)).toMatchObject({ kind: 'done' });
        expect(facts.lastSafeAt).not.toBeNull();
        await expectSafe(repo, remotePath, before.tree);
      }
      await repo.git('fsck', '--strict', '--no-dangling');
    }
    await rm(repo.path, { recursive: true });
  },
);

const told = (outcome: SyncOutcome) =>
  JSON.stringify(outcome.kind === 'failed' ? outcome.failure.reason : outcome);

/** A remote of its own that already has what is committed, where that can be had by a plain push. */
async function connect(repo: GitRepo, name: string): Promise<string> {
  const remote = await server.createRepo(name);
  const remotes = await repo.git('remote');
  // What the clone came from is kept under another name: a partial clone asks it for what is missing.
  if (remotes.includes('origin')) {
    await repo.git('remote', 'rename', 'origin', 'source');
    const source = (await repo.git('remote', 'get-url', 'source')).trim().replace('file://', '');
    await runGit(['push', '--quiet', '--all', remote.url], { cwd: source });
  }
  await repo.git('remote', 'add', 'origin', remote.url);
  return remote.path;
}

/** The tree that git would commit, by an index of its own; and what must not change in a refused repository. */
async function lookOf(repo: GitRepo): Promise<{ tree: string; head: string; status: string }> {
  const gitDir = (await repo.git('rev-parse', '--absolute-git-dir')).trim();
  const scratch = join(gitDir, 'index-of-the-test');
  await rm(scratch, { force: true });
  if (existsSync(join(gitDir, 'index'))) await cp(join(gitDir, 'index'), scratch);
  const call = { cwd: repo.path, env: { GIT_INDEX_FILE: scratch } };
  await runGit(['add', '--all'], call);
  const tree = (await runGit(['write-tree'], call)).toString().trim();
  await rm(scratch);
  const head = (await repo.git('rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '')).trim();
  return { tree, head, status: await repo.git('status', '--porcelain') };
}

async function expectSafe(repo: GitRepo, remotePath: string, tree: string): Promise<void> {
  expect((await repo.git('rev-parse', 'HEAD^{tree}')).trim()).toBe(tree);
  expect(await repo.git('status', '--porcelain')).toBe('');
  const branch = (await repo.git('symbolic-ref', 'HEAD')).trim();
  const local = (await repo.git('rev-parse', 'HEAD')).trim();
  expect(await server.refOf(remotePath, branch)).toBe(local);
  await runGit(['fsck', '--strict', '--no-dangling'], { cwd: remotePath });
}

function has(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
