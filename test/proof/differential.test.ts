// The built-in engine against git: the same random work in two repositories, one committed by us and one by git, must
// come to the same commit ids, the same index and the same `git status`, after every single commit.
// GITFERRY_SEED makes the same choices again, GITFERRY_ROUNDS sets the number of commits, GITFERRY_LONG=1 makes it long.

import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findChanges } from '../../src/git/changes/changes.ts';
import { openIgnoreRules } from '../../src/git/changes/ignore.ts';
import { commitChanges } from '../../src/git/commit/commit.ts';
import { openObjects } from '../../src/git/objects/objects.ts';
import type { RepoPath } from '../../src/git/paths.ts';
import { probeRepository } from '../../src/git/probe/probe.ts';
import { readHead } from '../../src/git/refs/refs.ts';
import { newObjects } from '../../src/git/remote/history.ts';
import { openRepository } from '../../src/git/repository.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createGitRepo, gitEnv } from '../support/git-repo.ts';
import type { Dice } from '../support/journey.ts';
import { behindCircles, commitByGit } from './commit-by-git.ts';
import { diceFor, roundsOf } from './settings.ts';
import { createTwins, type Twins } from './twin-edits.ts';

const ROUNDS = roundsOf({ short: 90, long: 3_000 });
const FSCK_EVERY = 30;
const MOST_EDITS = 14;
const ADA = { name: 'Ada Author', email: 'ada@example.com' };
const CARL = { name: 'Carl Committer', email: 'carl@example.com' };
const MESSAGE = 'Synced';

test(`over ${ROUNDS} rounds of random work the engine commits what git would, and leaves what git would`, {
  timeout: 60_000 + ROUNDS * 2_000,
}, async () => {
  const dice = diceFor('differential');
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-twins-'));
  const paths = [join(folder, 'ours'), join(folder, 'gits')] as const;
  for (const path of paths) {
    const repo = await createGitRepo({ path });
    await repo.write('tree/keep', 'keep\n');
  }
  const twins = createTwins(paths, dice);
  let commits = 0;
  let synced = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    twins.tick();
    // A first round that always commits: without a commit most commands refuse.
    for (let n = dice.below(MOST_EDITS); n > 0; n--) await twins.edit();
    for (let n = round === 1 ? 0 : dice.below(3); n > 0; n--) await twins.command();
    for (let n = dice.below(3); n > 0; n--) await twins.edit();
    try {
      const expected = await commitByGit(twins, MESSAGE);
      if (expected !== null) commits++;
      synced++;
      await letStashRest(twins.ours.path);
      await commitByUs(twins, dice);
      await expectEqual(twins);
      if (round % FSCK_EVERY === 0 || round === ROUNDS) await expectSound(twins);
    } catch (error) {
      console.log(`differential: round ${round} differs; the repositories stay in ${folder}`);
      throw error;
    }
  }
  await rm(folder, { recursive: true });
  const work = Object.values(twins.counts).reduce((sum, count) => sum + count, 0);
  console.log(
    `differential: ${work} operations ${JSON.stringify(twins.counts)}, ${commits} commits in ${synced} rounds`,
  );
  expect(commits).toBeGreaterThan(ROUNDS / 3);
});

/** For a second after a stash the engine waits for git to end it; here it has ended, and the commit shall be now. */
async function letStashRest(path: string): Promise<void> {
  const log = join(path, '.git/logs/refs/stash');
  const past = new Date(systemClock.now() - 60_000);
  await utimes(log, past, past).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function commitByUs(twins: Twins, dice: Dice): Promise<void> {
  const env = gitEnv();
  const probe = await probeRepository({
    worktree: twins.ours.path,
    env,
    homeDir: '',
    now: systemClock.now(),
  });
  if (probe.kind !== 'ready') throw new Error(`The probe says ${JSON.stringify(probe)}.`);
  const { repo, config, head, fileMode } = probe;
  const objects = openObjects(repo, { fsync: false });
  const { signal } = new AbortController();
  try {
    const scope = dice.below(2) === 0 ? 'all' : await hints(twins, dice);
    const ignore = openIgnoreRules({ repo, config, homeDir: '', env });
    const { changes, unreadable } = await findChanges({
      repo,
      objects,
      config,
      ignore,
      head,
      scope,
      fileMode,
      signal,
    });
    expect(unreadable).toEqual([]);
    await commitChanges({
      repo,
      objects,
      changes,
      message: `${MESSAGE}\n`,
      author: ADA,
      committer: CARL,
      at: { epochMs: twins.now() * 1000, offsetMinutes: 0 },
      clock: systemClock,
      random: () => 0.5,
      fsync: false,
      signal,
    });
  } finally {
    await objects.close();
  }
}

/** What a watcher might tell: the paths that changed, or folders they lie in. */
async function hints(twins: Twins, dice: Dice): Promise<Set<RepoPath>> {
  const status = await twins.ours.git('status', '--porcelain', '-z', '-uall', '--no-renames');
  const paths = status.split('\0').flatMap((line) => (line === '' ? [] : [line.slice(3) as RepoPath]));
  return new Set(
    [...paths, ...(await behindCircles(twins.ours.path))].map((path) => {
      const parent = dirname(path);
      return (parent !== '.' && dice.below(4) === 0 ? parent : path) as RepoPath;
    }),
  );
}

async function expectEqual({ ours, gits }: Twins): Promise<void> {
  const looks: string[][] = [
    ['rev-parse', 'HEAD', 'HEAD^{tree}'],
    ['ls-files', '--stage', '-z'],
    ['status', '--porcelain', '-z', '-uall', '--no-renames'],
  ];
  for (const args of looks)
    expect(lines(await ours.git(...args)), args[0]).toEqual(lines(await gits.git(...args)));
}

const lines = (text: string) => text.split(/[\0\n]/);

async function expectSound({ ours, gits }: Twins): Promise<void> {
  for (const side of [ours, gits]) await side.git('fsck', '--strict', '--no-dangling');
  await expectWhole(ours.path, await ours.git('rev-list', '--objects', 'HEAD'));
  // The reflogs tell the same moves, whoever made them.
  const log = ['reflog', '--format=%H'];
  expect(lines(await ours.git(...log))).toEqual(lines(await gits.git(...log)));
}

/** What a push to an empty remote would send is all that git would send. */
async function expectWhole(path: string, listed: string): Promise<void> {
  const repo = await openRepository(path);
  const head = await readHead(repo);
  const objects = openObjects(repo, { fsync: false });
  const found = await newObjects(objects, head.oid as string, [], Number.POSITIVE_INFINITY);
  await objects.close();
  const sent = new Set(found === 'too-many' ? [] : found.oids);
  expect(lines(listed).filter((line) => line !== '' && !sent.has(line.slice(0, 40)))).toEqual([]);
}
