// A new index, written whole beside the old one before anybody is locked out: its lock is then a mere link to it, held
// for some milliseconds whatever the size of the index. Knows nothing of what is in it.

import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import type { Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { LockWait } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import type { Repository } from '../types.ts';

// As long as for other locks: waits of 10, 20, 40, 80, 160 and 9 times 200 ms, each jittered by half.
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 200;
const WAITS = 14;

/** What is written last counts. After `commit` or `release` nothing more can be done with it. */
export type PreparedIndex = {
  /** When it was begun, by the file system's clock (nanoseconds). */
  readonly createdNs: bigint;
  /** Writes the whole content in place of what was written before; `fsync` flushes it to the disk. */
  write(bytes: Uint8Array, fsync: boolean): Promise<void>;
  /** Takes `index.lock`, waiting about 2 s for another holder; false when it is held for longer. */
  lock(wait: LockWait): Promise<boolean>;
  /** Puts it in force; answers its stat data. @throws Failure `index-busy` when the lock was taken away */
  commit(): Promise<BigIntStats>;
  /** Gives it up, with the lock; does nothing once committed. */
  release(): Promise<void>;
};

/**
 * Begins a new index for the commit `oid`; the name of its file tells, after a kill, which commit it belongs to.
 * @throws Failure `disk-full`, `write-refused`; so do the steps
 */
export async function prepareIndex(repo: Repository, oid: string, random: Random): Promise<PreparedIndex> {
  const target = `${repo.gitDir}/index`;
  const path = `${target}.lock`;
  const { twin, created } = await createTwin(`${twinsFolder(repo)}/index-${oid}`, random);
  let ours = created;
  let state: 'free' | 'locked' | 'done' = 'free';
  // A person may have deleted the lock and another program taken it: theirs must stay. Inode numbers are
  // used again, so the time counts too.
  const isOurs = async () => {
    const found = await statOf(path);
    return found?.ino === ours.ino && found.ctimeNs === ours.ctimeNs;
  };
  return {
    createdNs: created.mtimeNs,
    async write(bytes, fsync) {
      ours = await fill(twin, bytes, fsync);
    },
    async lock(wait) {
      if (!(await linkInTime(twin, path, wait))) return false;
      state = 'locked';
      // The link is a change of the file, too.
      ours = (await statOf(twin)) ?? ours;
      return true;
    },
    async commit() {
      if (!(await isOurs())) throw new Failure('index-busy', `Another program took ${path} away.`);
      await refusingWrites(target, () => rename(path, target));
      state = 'done';
      await rm(twin, { force: true });
      return ours;
    },
    async release() {
      if (state === 'done') return;
      if (state === 'locked' && (await isOurs())) await rm(path, { force: true });
      state = 'done';
      await rm(twin, { force: true });
    },
  };
}

/** A name that a killed process used is taken; the next one is not. */
async function createTwin(name: string, random: Random): Promise<{ twin: string; created: BigIntStats }> {
  const stem = `${name}.${Math.floor(random() * 2 ** 32)}`;
  for (let n = 0; ; n++) {
    const twin = `${stem}.${n}`;
    try {
      const file = await open(twin, 'wx', 0o666);
      try {
        return { twin, created: await file.stat({ bigint: true }) };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT')
        await mkdir(twin.slice(0, twin.lastIndexOf('/')), { recursive: true });
      else if (errorCode(error) !== 'EEXIST') throw writeFailure(error, twin);
    }
  }
}

async function fill(path: string, bytes: Uint8Array, fsync: boolean): Promise<BigIntStats> {
  return refusingWrites(path, async () => {
    const file = await open(path, 'r+');
    try {
      await file.truncate(0);
      await file.writeFile(bytes);
      if (fsync) await file.sync();
      return await file.stat({ bigint: true });
    } finally {
      // Before the rename: some file systems report a full disk only here.
      await file.close();
    }
  });
}

async function linkInTime(from: string, to: string, { clock, random, signal }: LockWait): Promise<boolean> {
  let waitMs = FIRST_WAIT_MS;
  for (let waits = 0; ; waits++) {
    try {
      await link(from, to);
      return true;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw writeFailure(error, to);
    }
    if (waits === WAITS) return false;
    await clock.sleep(waitMs * (0.5 + random()), signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function refusingWrites<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw writeFailure(error, path);
  }
}
