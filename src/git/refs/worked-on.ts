// The branch that a person works on, also where HEAD is on none: in a rebase, in a bisect, or after a look at an old commit.

import { open, readFile } from 'node:fs/promises';
import { isAbsent } from '../io-failure.ts';
import type { Repository } from '../types.ts';
import { isSafeRefName } from './read-ref.ts';
import { readHead, readRef } from './refs.ts';

const BRANCHES = 'refs/heads/';
/** Of the reflog so much is read, from its end: some hundred moves. */
const MOST_BYTES = 65_536;

/**
 * The branch that is checked out; in a rebase or a bisect the one it began on; on no branch the last one that was left
 * and is still there. Null when nothing tells. @throws Failure `broken-head`, `broken-ref`
 */
export async function workedOnBranch(repo: Repository): Promise<string | null> {
  const head = await readHead(repo);
  if (head.kind === 'branch') return head.branch;
  return (await rebasedBranch(repo)) ?? (await bisectedBranch(repo)) ?? (await lastLeftBranch(repo));
}

/** The branch under the rebase that is in progress; null when there is none. */
export async function rebasedBranch({ gitDir }: Repository): Promise<string | null> {
  for (const folder of ['rebase-merge', 'rebase-apply']) {
    const ref = (await readIfThere(`${gitDir}/${folder}/head-name`))?.trim();
    if (ref?.startsWith(BRANCHES) && isSafeRefName(ref)) return ref.slice(BRANCHES.length);
  }
  return null;
}

async function bisectedBranch(repo: Repository): Promise<string | null> {
  const start = (await readIfThere(`${repo.gitDir}/BISECT_START`))?.trim();
  return start !== undefined && (await isBranch(repo, start)) ? start : null;
}

async function lastLeftBranch(repo: Repository): Promise<string | null> {
  const lines = (await readEnd(`${repo.gitDir}/logs/HEAD`)).split('\n').reverse();
  for (const line of lines) {
    const [, left] = /\tcheckout: moving from (\S+) to \S+$/.exec(line) ?? [];
    if (left !== undefined && (await isBranch(repo, left))) return left;
  }
  return null;
}

async function isBranch(repo: Repository, name: string): Promise<boolean> {
  const ref = BRANCHES + name;
  return isSafeRefName(ref) && (await readRef(repo, ref)) !== null;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function readEnd(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const length = Math.min(size, MOST_BYTES);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return '';
    throw error;
  }
}
