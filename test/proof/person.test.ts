// A person's git commands in a loop while the real service syncs what is saved in the same repository: add -p, commit,
// stash, rebase -i, worktrees and gc go on undisturbed, and nothing of either side is lost. side-by-side.test.ts does
// the random rest. GITFERRY_LONG=1: 50,000 files, 500 saves, GITFERRY_MINUTES (10) of commands.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runGit } from '../support/git-repo.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  remoteFile,
} from '../support/journey.ts';
import { IS_LONG } from './settings.ts';

const FILES = IS_LONG ? 50_000 : 400;
const SAVES = IS_LONG ? 500 : 40;
const LEAST_MS = IS_LONG ? Number(process.env.GITFERRY_MINUTES ?? 10) * 60_000 : 8_000;
const LOCKED = /index\.lock|Unable to create '[^']*\.lock'|cannot lock ref|could not lock/i;
const MET = /Cannot autostash|Unexpected stash response: ''/;
const TRIES = 50;
// As by default, but for the longest wait: a person who never pauses is met more often than by default. The short form
// meets them still more often, for it ends before a second commit would be due.
const SCHEDULE = IS_LONG
  ? { quietMs: 2_000, minIntervalMs: 10_000, maxWaitMs: 5_000 }
  : { quietMs: 500, minIntervalMs: 500, maxWaitMs: 1_000 };

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('a person works with git undisturbed while saves are synced', {
  timeout: LEAST_MS * 4 + 600_000,
}, async () => {
  const project = await journey.addProject('shared', await manyFiles(), SCHEDULE);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('shared', 'safe', 300_000);
  const counts = { commands: 0, locked: 0, saves: 0, met: 0 };
  const took: Record<string, number[]> = {};
  const refused: Record<string, number> = {};
  // Saves and the commands that replace files take turns; the service keeps to nobody's turn.
  const turn = createTurn();
  const end = performance.now() + LEAST_MS;
  const isOver = () => performance.now() > end && counts.saves === SAVES;

  /** A lock that somebody holds is met as a person meets it: counted, and tried again. Any other refusal is a fault. */
  async function git(args: string[], input = ''): Promise<string> {
    const name = args[0] === 'add' ? args.slice(0, 2).join(' ') : (args[0] as string);
    const began = performance.now();
    for (let tries = 1; ; tries++) {
      counts.commands++;
      try {
        const env = { GIT_SEQUENCE_EDITOR: 'true', GIT_EDITOR: 'true' };
        const out = (await runGit(args, { cwd: project.path, env, input })).toString();
        took[name] = [...(took[name] ?? []), performance.now() - began];
        return out;
      } catch (error) {
        const { message } = error as Error;
        // A stash that cannot refresh the index for a lock says nothing at all.
        const isLocked = LOCKED.test(message) || /^git stash .* ended with 1: $/s.test(message);
        // Rebase saw saved work, and when it wanted to put that aside the service had just committed it.
        if ((!isLocked && !MET.test(message)) || tries === TRIES) throw error;
        if (isLocked) counts.locked++;
        else counts.met++;
        refused[name] = (refused[name] ?? 0) + 1;
        await pause(50);
      }
    }
  }

  async function save(): Promise<void> {
    const every = LEAST_MS / SAVES;
    for (let n = 0; n < SAVES; n++) {
      await turn(() => project.repo.write(`saved/${n}.txt`, `save ${n}\n`));
      counts.saves++;
      await pause(every);
    }
  }

  const made: string[] = [];
  async function work(): Promise<void> {
    for (let n = 0; !isOver(); n++) {
      await git(['status', '--short']);
      await project.repo.write(`mine/${n % 7}.txt`, `by hand ${n}\n`);
      await git(['add', '--intent-to-add', `mine/${n % 7}.txt`]);
      await stage(`mine/${n % 7}.txt`);
      await git(['commit', '--quiet', '--allow-empty', '--message', `by hand ${n}`]);
      made.push((await git(['log', '--format=%H', '--max-count=1', `--grep=^by hand ${n}$`])).trim());
      if (n % 3 === 1) await turn(() => stash(n));
      if (n % 3 === 2) await turn(rebase);
      if (n % 10 === 5) await linkedWorktree(n);
      if (n % 25 === 20) await git(['gc', '--quiet']);
    }
  }

  /** `git add -p` that meets a lock says so and ends as if it had staged something. */
  async function stage(path: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      await git(['add', '-p', path], 'y\n');
      if ((await project.repo.git('diff', '--name-only', '--', path)) === '') return;
      if (tries === TRIES) throw new Error(`${path} could not be staged.`);
      counts.locked++;
    }
  }

  /** What was stashed and popped is there again, unless the service committed it first. */
  async function stash(n: number): Promise<void> {
    await project.repo.write('mine/stashed.txt', `stashed ${n}\n`);
    const list = async () => (await git(['stash', 'list'])).split('\n').length;
    const before = await list();
    await git(['stash', 'push', '--quiet', '--include-untracked']);
    if ((await list()) === before) return;
    try {
      await git(['stash', 'pop', '--quiet']);
    } catch (error) {
      // The service committed part of it in the same moment, so that git left it in place: it has to be the same.
      if (!/already exists, no checkout/.test((error as Error).message)) throw error;
      counts.met++;
      await expectInPlace();
      await git(['stash', 'drop', '--quiet']);
    }
    expect(await project.repo.git('ls-files', '--unmerged')).toBe('');
  }

  async function rebase(): Promise<void> {
    try {
      await git(['rebase', '--quiet', '--autostash', '--interactive', 'HEAD~2']);
    } catch (error) {
      // A commit of anybody between git's look and its reset: it goes no further, and leaves the work where it is.
      if (!/would be overwritten by reset.*could not reset --hard/s.test((error as Error).message))
        throw error;
      counts.met++;
      refused.rebase = (refused.rebase ?? 0) + 1;
      await git(['rebase', '--quit']);
      await git(['stash', 'drop', '--quiet']);
    }
  }

  async function expectInPlace(): Promise<void> {
    const listed = (await project.repo.git('ls-tree', '-r', '-z', 'stash@{0}^3'))
      .split('\0')
      .filter((line) => line !== '');
    for (const line of listed) {
      const [info = '', path = ''] = line.split('\t');
      expect(`${info.split(' ')[2]}`, path).toBe((await project.repo.git('hash-object', '--', path)).trim());
    }
  }

  async function linkedWorktree(n: number): Promise<void> {
    const path = `${project.path}-linked-${n}`;
    await git(['worktree', 'add', '--quiet', '--detach', '--no-checkout', path]);
    await git(['worktree', 'remove', '--force', path]);
  }

  await Promise.all([save(), work()]);
  const { body } = await service.api('GET', '/api/sync/history/shared?limit=500');
  const syncs = (body.history as { commit: string | null }[]).filter(({ commit }) => commit !== null).length;
  console.log(`person: ${JSON.stringify(counts)}, ${made.length} commits by hand, ${syncs} by the service`);
  console.log(`person: refused ${JSON.stringify(refused)}, medians ${medians(took)}`);
  await service.untilState('shared', 'safe', 300_000);
  await expectAllThere(project, made);
  // Beside the person, and not when they had gone.
  expect(syncs).toBeGreaterThanOrEqual(Math.max(1, Math.floor(LEAST_MS / 30_000)));
  // One or two in a short run are no rate.
  expect(counts.locked + counts.met).toBeLessThan(Math.max(counts.commands / 100, 3));
});

async function expectAllThere(project: JourneyProject, made: readonly string[]): Promise<void> {
  await journey.server.waitFor(async () => {
    const local = (await project.repo.git('rev-parse', 'refs/heads/main')).trim();
    const isClean = (await project.repo.git('status', '--porcelain')) === '';
    return isClean && (await journey.server.refOf(project.remotePath, 'refs/heads/main')) === local;
  }, 120_000);
  await expectTwins(project);
  for (let n = 0; n < SAVES; n++) expect(await remoteFile(project, `saved/${n}.txt`)).toBe(`save ${n}\n`);
  const reachable = new Set((await project.repo.git('rev-list', 'main')).split('\n'));
  expect(made.length).toBeGreaterThan(3);
  expect(made.filter((oid) => !reachable.has(oid))).toEqual([]);
}

/** Written here and not by the journey, which writes them one after another with their folders. */
async function manyFiles(): Promise<Record<string, string>> {
  const path = join(journey.folder, 'shared');
  for (let folder = 0; folder < FILES / 50; folder++) {
    await mkdir(join(path, `src/${folder}`), { recursive: true });
    const names = Array.from({ length: 50 }, (_, n) => join(path, `src/${folder}/${n}.txt`));
    await Promise.all(names.map((name) => writeFile(name, `${name.slice(-12)}\n`.repeat(10))));
  }
  return { 'README.md': '# hello\n' };
}

function medians(took: Record<string, number[]>): string {
  const text = Object.entries(took).map(([name, each]) => {
    const middle = each.toSorted((a, b) => a - b)[Math.floor(each.length / 2)] ?? 0;
    return `${name} ${Math.round(middle)} ms`;
  });
  return text.join(', ');
}

function createTurn() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
