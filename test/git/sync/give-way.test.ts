// A commit waits until a person's git commands have ended for a moment, but not for ever.

import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRepository } from '../../../src/git/repository.ts';
import { createGiveWay } from '../../../src/git/sync/give-way.ts';
import type { Repository } from '../../../src/git/types.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { syncOnce } from '../../support/sync-once.ts';

let git: GitRepo;
let repo: Repository;
beforeEach(async () => {
  git = await createGitRepo();
  await git.write('a.txt', 'a\n');
  await git.git('add', '--all');
  await git.git('commit', '--quiet', '--message', 'begin');
  // Somewhere on this machine; nothing has to arrive there.
  await git.git('remote', 'add', 'origin', 'http://127.0.0.1:9/nothing.git');
  repo = await openRepository(git.path);
  await setAllTimes(1_000);
});
afterEach(() => git.remove());

/** All that git wrote is so old, seconds since the epoch. */
async function setAllTimes(seconds: number): Promise<void> {
  for (const name of ['index', 'HEAD', 'logs/HEAD', 'COMMIT_EDITMSG'])
    await utimes(join(repo.gitDir, name), seconds, seconds);
}

const at = (ms: number) => createGiveWay({ clock: createManualClock(ms) });

test('waitMs() is 0 where nobody used git lately', async () => {
  expect(await at(2_000_000).waitMs(repo)).toBe(0);
});

test.each(['index', 'HEAD', 'logs/HEAD', 'COMMIT_EDITMSG', 'ORIG_HEAD', 'logs/refs/stash'])(
  'waitMs() leaves 1.5 s after a change of %s',
  async (name) => {
    const path = join(repo.gitDir, name);
    if (name === 'logs/refs/stash') {
      await git.write('a.txt', 'b\n');
      await git.git('stash', 'push', '--quiet');
      await setAllTimes(1_000);
    }
    if (name === 'ORIG_HEAD') await git.git('reset', '--quiet', '--soft', 'HEAD');
    await setAllTimes(1_000);
    if (name !== 'ORIG_HEAD') await rm(join(repo.gitDir, 'ORIG_HEAD'), { force: true });
    await utimes(path, 2_000, 2_000);
    expect(await at(2_000_400).waitMs(repo)).toBe(1_100);
    expect(await at(2_001_500).waitMs(repo)).toBe(0);
  },
);

test.each(['index.lock', 'HEAD.lock', 'index.stash.4711', 'next-index-4711.lock'])(
  'waitMs() waits while there is %s, unless it was left behind',
  async (name) => {
    await writeFile(join(repo.gitDir, name), '');
    await utimes(join(repo.gitDir, name), 2_000, 2_000);
    expect(await at(2_030_000).waitMs(repo)).toBe(1_500);
    expect(await at(2_060_000).waitMs(repo)).toBe(0);
  },
);

test('waitMs() does not wait for what we did ourselves, and again for the next command of a person', async () => {
  const giveWay = at(2_000_400);
  await utimes(join(repo.gitDir, 'index'), 2_000, 2_000);
  await giveWay.noteOwn(repo);
  expect(await giveWay.waitMs(repo)).toBe(0);
  await utimes(join(repo.gitDir, 'index'), 2_000.125, 2_000.125);
  expect(await giveWay.waitMs(repo)).toBe(1_225);
});

test('waitMs() does not wait for a clock that was set back', async () => {
  await utimes(join(repo.gitDir, 'index'), 5_000, 5_000);
  expect(await at(2_000_000).waitMs(repo)).toBe(0);
});

test('pause() resolves between two commands, however soon the next one comes', async () => {
  const clock = createManualClock(2_000_000);
  const giveWay = createGiveWay({ clock });
  const lock = join(repo.gitDir, 'index.lock');
  const { signal } = new AbortController();
  await writeFile(lock, '');
  await utimes(lock, 2_000, 2_000);
  let isOver = false;
  const waiting = giveWay.pause(repo, 60_000, signal).then(() => {
    isOver = true;
  });
  /** Each look at the disk sets the timer for the next one. */
  const look = async () => {
    while (clock.nextTimerMs() === null && !isOver) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(50);
  };
  for (let looks = 0; looks < 6; looks++) await look();
  expect(isOver).toBe(false);
  await rm(lock);
  await utimes(join(repo.gitDir, 'index'), 2_000.3, 2_000.3);
  while (!isOver) await look();
  await waiting;
  // 250 ms after the command ended, and no sooner.
  expect(clock.now()).toBeGreaterThanOrEqual(2_000_550);
  expect(clock.now()).toBeLessThanOrEqual(2_000_700);
});

test.each([
  [60_000, 3_000],
  [300, 300],
])('pause() of at most %d ms waits for %d ms, and not when it is called off', async (mostMs, waitedMs) => {
  const clock = createManualClock(2_000_000);
  const giveWay = createGiveWay({ clock });
  await writeFile(join(repo.gitDir, 'index.lock'), '');
  await utimes(join(repo.gitDir, 'index.lock'), 2_000, 2_000);
  let isOver = false;
  const waiting = giveWay.pause(repo, mostMs, new AbortController().signal).then(() => {
    isOver = true;
  });
  while (!isOver) {
    if (clock.nextTimerMs() !== null) await clock.advance(50);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await waiting;
  expect(clock.now()).toBe(2_000_000 + waitedMs);
  const reason = new Error('called off');
  await expect(giveWay.pause(repo, mostMs, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('a sync commits nothing while a person works with git, and goes on when it has waited for long enough', async () => {
  await git.write('b.txt', 'b\n');
  await git.git('add', 'b.txt');
  const clock = createManualClock(Date.now());
  // A moment ago: between two commands.
  await setAllTimes(clock.now() / 1_000 - 1);
  const head = await git.git('rev-parse', 'HEAD');
  const sync = (waitingSince: number | null) =>
    syncOnce({
      worktree: git.path,
      waitingSince,
      localOnly: true,
      ports: { clock, giveWay: createGiveWay({ clock }) },
    });
  for (const since of [null, clock.now() - 59_000]) {
    const { outcome, facts } = await sync(since);
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'git-at-work' } });
    expect(facts.pendingFiles).toBe(1);
    expect(await git.git('rev-parse', 'HEAD')).toBe(head);
  }
  expect((await sync(clock.now() - 60_000)).stats.commit).not.toBeNull();
  expect(await git.git('status', '--porcelain')).toBe('');
});
