// git's lock protocol for one file: `<target>.lock` appears exclusively, gets the new content, and is renamed over the
// target. Here it is a hard link of a twin, which can be written before anybody is locked out. Never removes or renames
// a lock file that is not the one made here. What is done while it is held goes without a way to another thread: on a
// busy machine each way takes longer than all the calls together, and a person's git fails meanwhile.

import { type BigIntStats, linkSync, lstatSync, unlinkSync } from 'node:fs';
import type { Clock, Random } from '../../host/clock.ts';
import { type OpenFile, openFile } from '../../host/open-file.ts';
import { replaceFile } from '../../host/replace-file.ts';
import { unlink } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import { createTwin } from './lock-twin.ts';

// Waits of 10, 20, 40, 80, 160 and 9 times 200 ms, each jittered by half: about 2 s in all.
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 200;
const WAITS = 14;

/** A held lock. After `commit` only `release` is left to do, after that nothing. */
export type LockFile = {
  /** When its file was begun, by the file system's clock (nanoseconds). */
  readonly createdNs: bigint;
  /**
   * Writes the whole content in place of what was written before; `fsync` flushes it to the disk. `end` makes what
   * follows the content, while that is on its way.
   */
  write(content: string | Uint8Array, fsync: boolean, end?: () => Uint8Array): Promise<void>;
  /**
   * Renames the lock over the target: the new content is in force. Answers its stat data.
   * @throws Failure `index-busy` when the lock was taken away
   */
  commit(): Promise<BigIntStats>;
  /** Gives the lock up unless it is committed, and tidies away its twin. */
  release(): Promise<void>;
};

/** A lock that is not taken yet; its content may be written first. */
export type PreparedLock = LockFile & {
  /** Takes the lock, waiting about 2 s for another holder; false when it is held for longer. */
  lock(wait: LockWait): Promise<boolean>;
};

/** How long to wait for a lock that another program holds. */
export type LockWait = { clock: Clock; random: Random; signal?: AbortSignal };

/** Where the lock's twin lies, and how its name begins. */
export type LockTwin = { folder: string; label: string };

/** Makes what will be the lock of `target`. @throws Failure `disk-full`, `write-refused`; so do the steps */
export async function prepareLock(target: string, twin: LockTwin, random: Random): Promise<PreparedLock> {
  const made = await createTwin(twin, random);
  return new TwinLock(target, made.twin, made.handle, made.createdNs);
}

/**
 * Takes the lock of `target`, waiting about 2 s for another holder; null when it is held for longer.
 * @throws Failure `disk-full`, `write-refused`
 */
export async function lockFile(target: string, twin: LockTwin, wait: LockWait): Promise<LockFile | null> {
  const lock = await prepareLock(target, twin, wait.random);
  let isHeld = false;
  try {
    isHeld = await lock.lock(wait);
  } finally {
    if (!isHeld) await lock.release();
  }
  return isHeld ? lock : null;
}

class TwinLock implements PreparedLock {
  readonly createdNs: bigint;
  readonly #target: string;
  readonly #path: string;
  readonly #twin: string;
  /** Open until the first write. */
  #handle: OpenFile | null;
  #isWritten = false;
  #state: 'free' | 'locked' | 'committed' | 'done' = 'free';

  constructor(target: string, twin: string, handle: OpenFile, createdNs: bigint) {
    this.#target = target;
    this.#path = `${target}.lock`;
    this.#twin = twin;
    this.#handle = handle;
    this.createdNs = createdNs;
  }

  async write(content: string | Uint8Array, fsync: boolean, end?: () => Uint8Array): Promise<void> {
    try {
      const handle = this.#handle ?? (await openFile(this.#twin, 'r+'));
      this.#handle = null;
      try {
        if (this.#isWritten) await handle.truncate(0);
        this.#isWritten = true;
        const writing = handle.writeFile(content);
        const rest = end?.();
        await writing;
        if (rest !== undefined) await handle.writeFile(rest);
        if (fsync) await handle.sync();
      } finally {
        // Before the rename: some file systems report a full disk only here.
        await handle.close();
      }
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
  }

  async lock({ clock, random, signal }: LockWait): Promise<boolean> {
    let waitMs = FIRST_WAIT_MS;
    for (let waits = 0; ; waits++) {
      try {
        linkSync(this.#twin, this.#path);
        this.#state = 'locked';
        return true;
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw writeFailure(error, this.#path);
      }
      if (waits === WAITS) return false;
      await clock.sleep(waitMs * (0.5 + random()), signal);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  async commit(): Promise<BigIntStats> {
    const stats = this.#ours();
    if (stats === null) throw new Failure('index-busy', `Another program took ${this.#path} away.`);
    try {
      replaceFile(this.#path, this.#target, stats.size);
    } catch (error) {
      throw writeFailure(error, this.#target);
    }
    this.#state = 'committed';
    return stats;
  }

  async release(): Promise<void> {
    const state = this.#state;
    if (state === 'done') return;
    this.#state = 'done';
    try {
      if (state === 'locked' && this.#ours() !== null) unlinkLock(this.#path);
    } finally {
      await this.#handle?.close();
      await unlinkIfThere(this.#twin);
    }
  }

  /**
   * Null when a person deleted the lock, and perhaps another program took it: theirs must stay. The twin is asked each
   * time: while it is there, nobody else's file can have its inode number.
   */
  #ours(): BigIntStats | null {
    const [lock, twin] = [statOf(this.#path), statOf(this.#twin)];
    return lock !== null && lock.ino === twin?.ino && lock.dev === twin.dev ? lock : null;
  }
}

function statOf(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** A person may have been quicker. */
function unlinkLock(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Half the calls of `rm`, which looks first what it is about to remove. */
async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}
