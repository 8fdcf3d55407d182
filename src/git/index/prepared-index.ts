// A new index, written whole beside the old one before anybody is locked out: its lock is then a mere link to it, held
// for some milliseconds whatever the size of the index. Knows nothing of what is in it.

import type { Random } from '../../host/clock.ts';
import { type PreparedLock, prepareLock } from '../refs/lock-file.ts';
import { twinsFolder } from '../refs/lock-twin.ts';
import type { Repository } from '../types.ts';

/**
 * Begins a new index for the commit `oid`; the name of its file tells, after a kill, which commit it belongs to.
 * @throws Failure `disk-full`, `write-refused`; so do the steps
 */
export function prepareIndex(repo: Repository, oid: string, random: Random): Promise<PreparedLock> {
  return prepareLock(`${repo.gitDir}/index`, { folder: twinsFolder(repo), label: `index-${oid}` }, random);
}
