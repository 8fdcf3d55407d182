// Holds a ref (and HEAD, when it leads there) still while its new value is prepared and put in force.
// Does not write reflogs: the caller says when.

import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';
import { type LockFile, type LockWait, lockFile } from './lock-file.ts';
import { twinsFolder } from './lock-twin.ts';
import { readPackedRefs } from './packed-refs.ts';
import { followRef, isSafeRefName, refPath } from './read-ref.ts';

type RefChange = { ref: string; expected: string | null; next: string; alsoHead: boolean; fsync: boolean };

/** A ref whose new value waits in the lock file. `ref` is the real one when a symbolic ref was named. */
export type RefLock = { readonly ref: string; commit(): Promise<void>; release(): Promise<void> };

/**
 * Locks the ref, compares its value with `expected` and writes the new value into the lock. When another value was
 * found, the failure's `data.current` names it.
 * @throws Failure `ref-moved`, `ref-conflict`, `broken-ref`, `disk-full`, `write-refused`
 */
export async function lockRef(repo: Repository, change: RefChange, wait: LockWait): Promise<RefLock> {
  if (!isSafeRefName(change.ref)) throw new Failure('broken-ref', `${change.ref} is no name of a ref.`);
  const locks: LockFile[] = [];
  const release = async () => {
    for (const lock of locks.splice(0).reverse()) await lock.release();
  };
  try {
    // git's order: HEAD first. While it is locked nobody switches to another branch.
    if (change.alsoHead) {
      locks.push(await take(repo, `${repo.gitDir}/HEAD`, 'HEAD', wait));
      await expectHeadAt(repo, change.ref);
    }
    const { ref } = await followRef(repo, change.ref);
    const path = refPath(repo, ref);
    await makeFolder(path, ref);
    const lock = await take(repo, path, ref, wait);
    locks.push(lock);
    await compare(repo, ref, change.expected);
    if (change.expected === null) await refuseNameConflict(repo, ref);
    await lock.write(`${change.next}\n`, change.fsync);
    return { ref, commit: () => commitLock(lock, path, ref), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function take(repo: Repository, path: string, ref: string, wait: LockWait): Promise<LockFile> {
  const label = ref === 'HEAD' ? 'head' : 'ref';
  const lock = await lockFile(path, { folder: twinsFolder(repo), label }, wait);
  if (lock !== null) return lock;
  throw new Failure('ref-moved', `${ref} is locked by another program (${path}.lock).`, {
    action: `Nothing to do if a git command is running; if none is, remove ${path}.lock.`,
  });
}

async function expectHeadAt(repo: Repository, ref: string): Promise<void> {
  const head = await followRef(repo, 'HEAD');
  const wanted = await followRef(repo, ref);
  if (head.ref !== wanted.ref) {
    throw new Failure('ref-moved', `HEAD moved from ${ref} to ${head.ref}.`, { data: { current: head.oid } });
  }
}

async function compare(repo: Repository, ref: string, expected: string | null): Promise<void> {
  const { oid } = await followRef(repo, ref);
  if (oid === expected) return;
  const detail = `${ref} is at ${oid ?? 'nothing'} and not at ${expected ?? 'nothing'}.`;
  throw new Failure('ref-moved', detail, { data: { current: oid } });
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

async function commitLock(lock: LockFile, path: string, ref: string): Promise<void> {
  // Deleted branches leave empty folders behind; git removes them too.
  if (!(await removeEmptyFolders(path))) throw nameConflict(ref);
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
