// Keeps trees that were read or written a short while ago, beyond the sync that did: the next one in the same repository
// builds on them. Not commits, for how far a history reaches only the disk says, nor whether an object is there at all.

import { systemClock } from '../../host/clock.ts';
import type { GitObject } from '../types.ts';
import { LruCache } from './lru-cache.ts';

/** The trees on the way to a file take some kilobytes; of folders with thousands of files, some hundred. */
const MOST_KEPT_BYTES = 8 * 1024 * 1024;
const OBJECT_OVERHEAD_BYTES = 256;
const KEPT_IDLE_MS = 30_000;

const kept = new LruCache<string, GitObject>(
  MOST_KEPT_BYTES,
  ({ content }) => content.length + OBJECT_OVERHEAD_BYTES,
);
let wasUsed = false;
let isWatched = false;

/** A sync after a sync has the trees on the way to what was saved from here: some sixteen calls of the file system less. */
export function recallObject(objectsDir: string, oid: string): GitObject | undefined {
  const found = kept.get(keyOf(objectsDir, oid));
  if (found !== undefined) wasUsed = true;
  return found;
}

/** Others than trees are not kept. */
export function rememberObject(objectsDir: string, oid: string, object: GitObject): void {
  if (object.type !== 'tree') return;
  kept.set(keyOf(objectsDir, oid), object);
  wasUsed = true;
  watch();
}

const keyOf = (objectsDir: string, oid: string) => `${objectsDir}/${oid}`;

/** All is let go when nobody asked for a while. */
function watch(): void {
  if (isWatched) return;
  isWatched = true;
  wasUsed = false;
  systemClock.timer(KEPT_IDLE_MS, () => {
    isWatched = false;
    if (wasUsed) watch();
    else kept.clear();
  });
}
