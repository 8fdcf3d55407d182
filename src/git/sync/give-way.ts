// Gives way to a person's git commands: while one runs, or has ended a moment ago, a commit of ours would meet the next
// one of the same burst. Knows nothing of what is to be committed.

import { join } from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { lstat, readdir } from '../../host/small-files.ts';
import { isAbsent } from '../io-failure.ts';
import type { Repository } from '../types.ts';

/** Whoever types, or a script of several commands, begins the next command within this time. */
const CALM_MS = 1_500;
/** Between two commands of somebody who never rests; also from one step of a rebase or stash to its next. */
const PAUSE_MS = 250;
const LONGEST_PAUSE_LOOK_MS = 3_000;
const LOOK_EVERY_MS = 50;
/** A lock that stays for longer was left behind; whoever needs it says so. */
const LONGEST_COMMAND_MS = 60_000;
// What git commands that change something write, of one kind or another. A `git status` shows in none of them.
const OWN_TRACES = ['index', 'HEAD', 'logs/HEAD', 'ORIG_HEAD', 'COMMIT_EDITMSG'];
const SHARED_TRACES = ['logs/refs/stash'];
/** What they hold while they run. */
const AT_WORK = /^(?:index|HEAD)\.lock$|^next-index-|^index\.stash\./;

export type GiveWay = {
  /** How long to leave the repository alone, milliseconds; 0: go on. */
  waitMs(repo: Repository): Promise<number>;
  /**
   * For whoever has waited for long enough: resolves between two commands, or when no pause came within 3 s or
   * `mostMs`. Half-way through a command a commit could spoil it.
   */
  pause(repo: Repository, mostMs: number, signal: AbortSignal): Promise<void>;
  /** What is there now was made by us and keeps nobody waiting. */
  noteOwn(repo: Repository): Promise<void>;
};

export function createGiveWay({ clock }: { clock: Pick<Clock, 'now' | 'monotonic' | 'sleep'> }): GiveWay {
  /** By git folder: what our last commit left. */
  const own = new Map<string, string>();
  return {
    waitMs: async (repo) => restOf(await readTraces(repo), own.get(repo.gitDir), clock.now(), CALM_MS),
    async pause(repo, mostMs, signal) {
      const end = clock.monotonic() + Math.min(mostMs, LONGEST_PAUSE_LOOK_MS);
      while (clock.monotonic() < end) {
        if (restOf(await readTraces(repo), own.get(repo.gitDir), clock.now(), PAUSE_MS) === 0) return;
        await clock.sleep(LOOK_EVERY_MS, signal);
      }
    },
    async noteOwn(repo) {
      own.set(repo.gitDir, (await readTraces(repo)).mark);
    },
  };
}

/** `newestMs` is the latest change (0: none), `lockMs` when the oldest sign of a running command appeared. */
type Traces = { mark: string; newestMs: number; lockMs: number | null };

function restOf(
  { mark, newestMs, lockMs }: Traces,
  own: string | undefined,
  now: number,
  calmMs: number,
): number {
  if (lockMs !== null && now - lockMs < LONGEST_COMMAND_MS) return calmMs;
  if (mark === own) return 0;
  const ageMs = now - newestMs;
  // A clock that was set back must not keep us waiting.
  return ageMs < -calmMs || ageMs >= calmMs ? 0 : Math.ceil(Math.min(calmMs - ageMs, calmMs));
}

async function readTraces({ gitDir, commonDir }: Repository): Promise<Traces> {
  const paths = [
    ...OWN_TRACES.map((name) => join(gitDir, name)),
    ...SHARED_TRACES.map((name) => join(commonDir, name)),
  ];
  const names = await readdir(gitDir);
  const locks = names.filter((name) => AT_WORK.test(name)).map((name) => join(gitDir, name));
  const [seen, held] = await Promise.all([Promise.all(paths.map(timesOf)), Promise.all(locks.map(timesOf))]);
  const heldMs = held.flatMap((times) => times?.changedMs ?? []);
  return {
    mark: seen.map((times) => times?.mark ?? '').join(' '),
    newestMs: Math.max(0, ...seen.map((times) => times?.changedMs ?? 0)),
    lockMs: heldMs.length === 0 ? null : Math.min(...heldMs),
  };
}

async function timesOf(path: string): Promise<{ mark: string; changedMs: number } | null> {
  try {
    const { mtimeNs, ino, size } = await lstat(path, { bigint: true });
    return { mark: `${mtimeNs}:${ino}:${size}`, changedMs: Number(mtimeNs / 1_000_000n) };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
