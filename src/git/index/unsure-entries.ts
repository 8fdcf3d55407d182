// Finds index entries whose stat data stops being a proof when the index gets a new time. git re-reads the content of
// files written no earlier than the index; writing the index later would end that, so such entries are marked.

import { lstat } from '../../host/small-files.ts';
import { errorCode, isAbsent } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { diskPath } from '../paths.ts';
import { FILE_MODE, type Repository } from '../types.ts';
import { type IndexFile, isRacy, matchesStat } from './index-file.ts';
import { uint32 } from './index-stat.ts';

const MTIME_SECONDS_AT = 8;
const BILLION = 1_000_000_000n;
const LOOKS_AT_ONCE = 16;

/**
 * Positions of entries that may hide a change once the index is written anew. Usually none: only files written in the
 * same second as the old index are looked at, because git compares whole seconds on most systems.
 * `lockedNs` is when the new index was begun, by the file system's clock.
 */
export async function findUnsureEntries(
  repo: Repository,
  index: IndexFile,
  lockedNs: bigint,
): Promise<number[]> {
  const indexSeconds = uint32(index.mtimeNs / BILLION);
  const suspects: number[] = [];
  const { raw, offsets, count } = index;
  // Every commit passes here: single bytes are read ten times as fast as by the Buffer's own way.
  for (let at = 0; at < count; at++) {
    const p = (offsets[at] as number) + MTIME_SECONDS_AT;
    const high = ((raw[p] as number) << 24) | ((raw[p + 1] as number) << 16);
    const seconds = (high | ((raw[p + 2] as number) << 8) | (raw[p + 3] as number)) >>> 0;
    if (seconds >= indexSeconds) suspects.push(at);
  }
  const sure = await mapConcurrently(suspects, LOOKS_AT_ONCE, (at) => isSure(repo, index, at, lockedNs));
  return suspects.filter((_at, i) => !sure[i]);
}

async function isSure(repo: Repository, index: IndexFile, at: number, lockedNs: bigint): Promise<boolean> {
  const entry = index.entryAt(at);
  if (entry.mode === FILE_MODE.submodule || entry.size === 0) return true;
  // Still the same second: a later change in it would not show.
  if (entry.stat.mtimeS >= uint32(lockedNs / BILLION)) return false;
  try {
    const stats = await lstat(diskPath(repo.worktree, entry.path), { bigint: true });
    return matchesStat(entry, stats) && !isRacy(entry, index);
  } catch (error) {
    // A deletion shows without stat data; so does a folder that became a link, also one that leads to itself.
    if (isAbsent(error) || errorCode(error) === 'ELOOP') return true;
    // Nobody may look at it now: whoever may later has to read it.
    if (errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM') return false;
    throw error;
  }
}
