// Clears away the locks that a killed sync left: ours by their twins, and nobody else's. The caller holds the
// repository lock, so that no other sync is at work.

import { createHash } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lstat, readdir } from '../../host/small-files.ts';
import { isAbsent } from '../io-failure.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import { readHead } from '../refs/refs.ts';
import type { Repository } from '../types.ts';

const CHECKSUM_BYTES = 20;
/** The twin of an index that belongs to this commit. */
const INDEX_TWIN = /^index-([0-9a-f]{40})\./;

/** Whether a sync was killed while it held locks: cheap, for every sync asks. */
export async function hasLeftLocks(repo: Repository): Promise<boolean> {
  return (await namesIn(twinsFolder(repo))).length > 0;
}

/**
 * Removes the locks that a killed sync left. An index whose commit is in force already takes its place: nobody
 * else can have written one meanwhile, and without it git would show the commit as taken back.
 * Answers the commits whose index had no lock any more: it came into force, or somebody removed it.
 */
export async function clearLeftLocks(repo: Repository): Promise<string[]> {
  const folder = twinsFolder(repo);
  const locks = await findLocks(repo);
  const withoutLock: string[] = [];
  for (const name of await namesIn(folder)) {
    const twin = join(folder, name);
    const { ino, dev } = await lstat(twin, { bigint: true });
    const found = locks.size;
    for (const path of locks) {
      const lock = await lstat(path, { bigint: true });
      if (lock.ino !== ino || lock.dev !== dev) continue;
      if (await isDue(repo, name, path)) await rename(path, join(repo.gitDir, 'index'));
      else await rm(path, { force: true });
      locks.delete(path);
    }
    const oid = INDEX_TWIN.exec(name)?.[1];
    if (oid !== undefined && locks.size === found) withoutLock.push(oid);
    await rm(twin, { force: true });
  }
  return withoutLock;
}

async function isDue(repo: Repository, name: string, path: string): Promise<boolean> {
  const oid = INDEX_TWIN.exec(name)?.[1];
  if (oid === undefined || path !== join(repo.gitDir, 'index.lock')) return false;
  const head = await readHead(repo);
  if (head.oid !== oid) return false;
  const bytes = await readFile(path);
  const content = bytes.subarray(0, -CHECKSUM_BYTES);
  return createHash('sha1').update(content).digest().equals(bytes.subarray(-CHECKSUM_BYTES));
}

async function findLocks({ gitDir, commonDir }: Repository): Promise<Set<string>> {
  const own = [join(gitDir, 'index.lock'), join(gitDir, 'HEAD.lock')];
  const found = [...own, join(commonDir, 'packed-refs.lock')];
  const refs = join(commonDir, 'refs');
  for (const name of await readdir(refs, { recursive: true })) {
    if (name.endsWith('.lock')) found.push(join(refs, name));
  }
  const there = await Promise.all(found.map(async (path) => (await exists(path)) && path));
  return new Set(there.filter((path) => path !== false));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}
