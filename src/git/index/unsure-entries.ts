// Finds index entries whose stat data stops being a proof when the index gets a new time. git re-reads the content of
// files written no earlier than the index; writing the index later would end that, so such entries are marked.

import { lstat } from '../../host/small-files.ts';
import { errorCode, isAbsent } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { diskPath } from '../paths.ts';
import { FILE_MODE, type Repository } from '../types.ts';
import { type IndexFile, isRacy, matchesStat } from './index-file.ts';
import { uint32 } from './index-stat.ts';
import type { RecentEntries } from './parse-index.ts';

const MTIME_SECONDS_AT = 8;
const BILLION = 1_000_000_000n;
const LOOKS_AT_ONCE = 16;

/**
 * Positions of entries that may hide a change once the index is written anew. Usually none: only files written in the
 * same second as the old index are looked at, because git compares whole seconds on most systems.
 * `lockedNs` is when the new index was begun, by the file system's clock; `recent` is what `findRecent` answers.
 */
export async function findUnsureEntries(
  repo: Repository,
  index: IndexFile,
  lockedNs: bigint,
  recent: RecentEntries = findRecent(index),
): Promise<number[]> {
  const sure = await mapConcurrently(recent.at, LOOKS_AT_ONCE, (at) => isSure(repo, index, at, lockedNs));
  return recent.at.filter((_at, i) => !sure[i]);
}

/** The entries whose files were written in the second of the index or later. */
export function findRecent(index: IndexFile): RecentEntries {
  const since = uint32(index.mtimeNs / BILLION);
  const { raw, offsets, count } = index;
  const at: number[] = [];
  const take = (entry: number) => {
    // Single bytes are read ten times as fast as by the Buffer's own way.
    const p = (offsets[entry] as number) + MTIME_SECONDS_AT;
    const high = ((raw[p] as number) << 24) | ((raw[p + 1] as number) << 16);
    const seconds = (high | ((raw[p + 2] as number) << 8) | (raw[p + 3] as number)) >>> 0;
    if (seconds >= since) at.push(entry);
  };
  // Every commit passes here, and a loop over all takes milliseconds while it is new to the runtime. Those of an older
  // second are no more than those of a newer one; after a clock was set back they may be less.
  if (index.recent !== null && index.recent.since <= since) for (const entry of index.recent.at) take(entry);
  else for (let entry = 0; entry < count; entry++) take(entry);
  return { since, at };
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
