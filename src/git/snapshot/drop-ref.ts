// Removes a ref on this machine, with git's own locks and in git's own order. What it led to stays until gc finds that
// nothing needs it any more. Only for refs whose commits are known to be elsewhere.

import { readFile, rm } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { errorCode } from '../io-failure.ts';
import { type LockFile, type LockWait, lockFile } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import { lockRef } from '../refs/ref-lock.ts';
import type { Repository } from '../types.ts';

/** `faultPoint` is called at the steps ref-locked, packed-locked, unpacked, loose-removed. */
type Drop = {
  ref: string;
  expected: string;
  wait: LockWait;
  faultPoint?: (name: string) => void | Promise<void>;
};

/**
 * Removes `ref` if it still is at `expected`.
 * @throws Failure `ref-moved` when it is not, or when another program holds a lock for about 2 s; `write-refused`
 */
export async function dropRef(repo: Repository, { ref, expected, wait, faultPoint }: Drop): Promise<void> {
  const change = { ref, expected, next: expected, alsoHead: false, fsync: false };
  const held = await lockRef(repo, change, wait);
  try {
    await faultPoint?.('ref-locked');
    // The packed value first: otherwise a crash in between would bring an old value to light.
    await unpack(repo, ref, wait, async () => faultPoint?.('packed-locked'));
    await faultPoint?.('unpacked');
    await rm(`${repo.commonDir}/${ref}`, { force: true });
    await faultPoint?.('loose-removed');
    await rm(`${repo.commonDir}/logs/${ref}`, { force: true });
  } finally {
    await held.release();
  }
}

async function unpack(
  repo: Repository,
  ref: string,
  wait: LockWait,
  locked: () => Promise<void>,
): Promise<void> {
  const path = `${repo.commonDir}/packed-refs`;
  const twin = { folder: twinsFolder(repo), label: 'packed-refs' };
  const lock: LockFile | null = await lockFile(path, twin, wait);
  if (lock === null) throw new Failure('ref-moved', `Another program holds ${path}.lock.`);
  try {
    await locked();
    const text = await readIfThere(path);
    const rest = withoutRef(text, ref);
    if (rest === text) return;
    await lock.write(Buffer.from(rest, 'latin1'), true);
    await lock.commit();
  } finally {
    await lock.release();
  }
}

/** A line that begins with `^` belongs to the one above. */
function withoutRef(text: string, ref: string): string {
  const kept: string[] = [];
  const name = Buffer.from(ref, 'utf8').toString('latin1');
  let dropped = false;
  for (const line of text.split('\n')) {
    dropped = line.startsWith('^') ? dropped : line.slice(41) === name;
    if (!dropped) kept.push(line);
  }
  return kept.join('\n');
}

/** As bytes, one character each: names of other refs need not be UTF-8. */
async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
}
