// Holds a ref (and HEAD, when it leads there) still while its new value is prepared and put in force.
// Does not write reflogs: the caller says when.

import { mkdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Random } from '../../host/clock.ts';
import { readdir } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';
import { type LockFile, type LockWait, type PreparedLock, prepareLock } from './lock-file.ts';
import { twinsFolder } from './lock-twin.ts';
import { readPackedRefs } from './packed-refs.ts';
import { followLocked, followRef, isSafeRefName, refPath } from './read-ref.ts';

type RefChange = { ref: string; expected: string | null; next: string; alsoHead: boolean; fsync: boolean };

/** A ref whose new value waits in the lock file. `ref` is the real one when a symbolic ref was named. */
export type RefLock = { readonly ref: string; commit(): Promise<void>; release(): Promise<void> };

/** A new value that waits to be locked. */
export type PreparedRef = {
  /**
   * Locks the ref and compares its value with `expected`. When another value was found, the failure's `data.current`
   * names it.
   * @throws Failure `ref-moved`, `ref-conflict`, `broken-ref`, `disk-full`, `write-refused`
   */
  lock(wait: LockWait): Promise<RefLock>;
  /** Gives up whatever is held. */
  release(): Promise<void>;
};

/** Locks at once what `prepareRef` prepares. @throws Failure as it does */
export async function lockRef(repo: Repository, change: RefChange, wait: LockWait): Promise<RefLock> {
  const prepared = await prepareRef(repo, change, wait.random);
  try {
    return await prepared.lock(wait);
  } catch (error) {
    await prepared.release();
    throw error;
  }
}

/**
 * Writes the new value beside the ref, before anybody is locked out. `release` it on every way out.
 * @throws Failure `broken-ref`, `disk-full`, `write-refused`
 */
export async function prepareRef(repo: Repository, change: RefChange, random: Random): Promise<PreparedRef> {
  if (!isSafeRefName(change.ref)) throw new Failure('broken-ref', `${change.ref} is no name of a ref.`);
  const { ref } = await followRef(repo, change.ref);
  const path = refPath(repo, ref);
  const prepare = (target: string, label: string) =>
    prepareLock(target, { folder: twinsFolder(repo), label }, random);
  const locks: PreparedLock[] = [];
  const release = async () => {
    await Promise.all(locks.map((lock) => lock.release()));
  };
  try {
    const value = await prepare(path, 'ref');
    locks.push(value);
    await value.write(`${change.next}\n`, change.fsync);
    if (change.alsoHead) locks.push(await prepare(`${repo.gitDir}/HEAD`, 'head'));
    const [, head = null] = locks;
    return {
      release,
      async lock(wait) {
        // git's order: HEAD first. While it is locked nobody switches to another branch.
        if (head !== null) await take(head, `${repo.gitDir}/HEAD`, 'HEAD', wait);
        await take(value, path, ref, wait);
        const { isLoose } = await compare(repo, ref, change);
        return { ref, commit: () => commitLock(value, path, ref, isLoose), release };
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

async function take(lock: PreparedLock, path: string, ref: string, wait: LockWait): Promise<void> {
  if (await lockInFolder(lock, path, ref, wait)) return;
  throw new Failure('ref-moved', `${ref} is locked by another program (${path}.lock).`, {
    action: `Nothing to do if a git command is running; if none is, remove ${path}.lock.`,
  });
}

/** The folder of a new ref is to be made, and git removes folders that lost their last one. */
async function lockInFolder(lock: PreparedLock, path: string, ref: string, wait: LockWait): Promise<boolean> {
  try {
    return await lock.lock(wait);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  await makeFolder(path, ref);
  return lock.lock(wait);
}

/** One look tells both where HEAD leads and what is there. */
async function compare(repo: Repository, ref: string, change: RefChange): Promise<{ isLoose: boolean }> {
  const { expected, alsoHead } = change;
  const found = await followLocked(repo, alsoHead ? 'HEAD' : change.ref);
  const data = { current: found.oid };
  if (found.ref !== ref) {
    const from = alsoHead ? 'HEAD' : change.ref;
    throw new Failure('ref-moved', `${from} moved from ${ref} to ${found.ref}.`, { data });
  }
  if (found.oid !== expected) {
    const detail = `${ref} is at ${found.oid ?? 'nothing'} and not at ${expected ?? 'nothing'}.`;
    throw new Failure('ref-moved', detail, { data });
  }
  if (expected === null) await refuseNameConflict(repo, ref);
  return found;
}

async function makeFolder(path: string, ref: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    if (errorCode(error) === 'EEXIST' || isAbsent(error)) throw nameConflict(ref, error);
    throw writeFailure(error, path);
  }
}

/** `a` and `a/b` cannot both be refs; loose ones collide as files and folders, packed ones only here. */
async function refuseNameConflict(repo: Repository, ref: string): Promise<void> {
  const below = await readPackedRefs(repo, `${ref}/`);
  if (below.size > 0) throw nameConflict(ref);
  const parts = ref.split('/');
  for (let length = 3; length < parts.length; length++) {
    const above = parts.slice(0, length).join('/');
    const { oid } = await followRef(repo, above);
    if (oid !== null) throw nameConflict(ref);
  }
}

async function commitLock(lock: LockFile, path: string, ref: string, isLoose: boolean): Promise<void> {
  // Deleted branches leave empty folders behind, never beside a file; git removes them too.
  if (!isLoose && !(await removeEmptyFolders(path))) throw nameConflict(ref);
  await lock.commit();
}

/** Answers false when something is left: a folder that holds refs. */
async function removeEmptyFolders(path: string): Promise<boolean> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
  for (const name of names) {
    if (!(await removeEmptyFolders(`${path}/${name}`))) return false;
  }
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (isAbsent(error)) return code === 'ENOENT';
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw writeFailure(error, path);
  }
}

function nameConflict(ref: string, cause?: unknown): Failure {
  return new Failure('ref-conflict', `${ref} cannot be made: another ref's name is in its way.`, { cause });
}
