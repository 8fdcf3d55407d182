// git's lock protocol for one file: create `<target>.lock` exclusively, write the new content into it,
// rename it over the target. Never removes or renames a lock file that is not the one created here.

import type { BigIntStats } from 'node:fs';
import { type FileHandle, lstat, rename, rm } from 'node:fs/promises';
import type { Clock, Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent, writeFailure } from '../io-failure.ts';
import { createLock } from './lock-twin.ts';

// Waits of 10, 20, 40, 80, 160 and 9 times 200 ms, each jittered by half: about 2 s in all.
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 200;
const WAITS = 14;

/** A held lock. After `commit` or `release` it does nothing more. */
export type LockFile = {
  /** When the lock was created, by the file system's clock (nanoseconds). */
  readonly createdNs: bigint;
  /** Writes the whole new content; `fsync` flushes it to the disk. Called once. */
  write(content: string | Uint8Array, fsync: boolean): Promise<void>;
  /** Renames the lock over the target: the new content is in force. @throws Failure `index-busy` when it was taken away */
  commit(): Promise<void>;
  /** Gives the lock up; does nothing once committed. */
  release(): Promise<void>;
};

/** How long to wait for a lock that another program holds. */
export type LockWait = { clock: Clock; random: Random; signal?: AbortSignal };

/** Where the lock's twin lies, and how its name begins. */
export type LockTwin = { folder: string; label: string };

/**
 * Takes the lock of `target`, waiting about 2 s for another holder; null when it is held for longer.
 * @throws Failure `disk-full`, `write-refused`
 */
export async function lockFile(target: string, twin: LockTwin, wait: LockWait): Promise<LockFile | null> {
  let waitMs = FIRST_WAIT_MS;
  for (let waits = 0; ; waits++) {
    const lock = await tryLock(target, { ...twin, random: wait.random });
    if (lock !== null || waits === WAITS) return lock;
    await wait.clock.sleep(waitMs * (0.5 + wait.random()), wait.signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function tryLock(target: string, twins: LockTwin & { random: Random }): Promise<LockFile | null> {
  const path = `${target}.lock`;
  try {
    const made = await createLock(path, twins);
    if (made === null) return null;
    return heldLock({ path, target, ...made }, await made.handle.stat({ bigint: true }));
  } catch (error) {
    throw writeFailure(error, path);
  }
}

type NewLock = { path: string; target: string; twin: string; handle: FileHandle };

function heldLock({ path, target, twin, handle }: NewLock, created: BigIntStats): LockFile {
  let state: 'open' | 'closed' | 'done' = 'open';
  let ours = created;
  // A person may have deleted the lock and another program taken it: theirs must stay. Inode numbers are
  // used again, so the time counts too.
  const isOurs = async () => {
    try {
      const found = await lstat(path, { bigint: true });
      return found.ino === ours.ino && found.ctimeNs === ours.ctimeNs;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  };
  return {
    createdNs: created.mtimeNs,
    async write(content, fsync) {
      try {
        await handle.writeFile(content);
        if (fsync) await handle.sync();
        ours = await handle.stat({ bigint: true });
        // Closed before the rename: some file systems report a full disk only here.
        state = 'closed';
        await handle.close();
      } catch (error) {
        throw writeFailure(error, path);
      }
    },
    async commit() {
      if (!(await isOurs())) throw new Failure('index-busy', `Another program took ${path} away.`);
      try {
        await rename(path, target);
      } catch (error) {
        throw writeFailure(error, target);
      }
      state = 'done';
      await rm(twin, { force: true });
    },
    async release() {
      if (state === 'done') return;
      if (state === 'open') {
        ours = await handle.stat({ bigint: true });
        await handle.close();
      }
      state = 'done';
      if (await isOurs()) await rm(path, { force: true });
      await rm(twin, { force: true });
    },
  };
}
