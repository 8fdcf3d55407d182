// A short record of what a look at a work tree depended on, but for tracked files that are as the index says: while
// none of it changes, the same look would find the same. Knows the disk, not what the places mean.

import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { isAbsent } from '../io-failure.ts';

/** Plain data. Lists are texts with NUL between the names; names that are not absolute lie in the work tree. */
export type LookStamp = {
  /** Of the work tree, which has the empty name itself: looked at without following links. */
  readonly inside: string;
  /** Of git, and files of the person: links are followed. */
  readonly around: string;
  /** Tracked paths (byte strings) that are not as the index says; they lie `inside`, too. */
  readonly apart: string;
  /** Where the index lies, and its last bytes. */
  readonly index: string;
  readonly indexHash: string;
  /** Whether execute bits on disk mean anything. */
  readonly fileMode: boolean;
  /** Of all this, and of the stat data at each place. */
  readonly digest: string;
};

export type StampedPlaces = Omit<LookStamp, 'digest'>;

/** What was seen of places outside of work trees: many work trees depend on the same ones. */
export type SharedPlaces = {
  readonly stats: Map<string, Stats | null>;
  readonly parents: Map<string, string>;
};

export const noSharedPlaces = (): SharedPlaces => ({ stats: new Map(), parents: new Map() });

const QUIET = { throwIfNoEntry: false } as const;
const NUMBERS = 6;
let room = new Float64Array(NUMBERS * 64);

/** The stamp of these places as they are now. @throws what the file system says, but for what is not there */
export function stampOf(worktree: string, places: StampedPlaces, shared: SharedPlaces): LookStamp {
  const names = places.inside.split('\0');
  const others = places.around.split('\0');
  const used = (names.length + others.length) * NUMBERS;
  if (used > room.length) room = new Float64Array(used * 2);
  let at = 0;
  for (const name of names) at = write(look(pathIn(worktree, name), lstatSync), at);
  for (const name of others) at = write(followed(pathIn(worktree, name), name, shared), at);
  const digest = createHash('sha1')
    .update(JSON.stringify([parentOf(worktree, shared), places]))
    .update(new Uint8Array(room.buffer, 0, used * room.BYTES_PER_ELEMENT))
    .digest('base64');
  return { ...places, digest };
}

/** The place of a listed name. */
export function pathIn(worktree: string, name: string): string {
  if (name === '') return worktree;
  return isAbsolute(name) ? name : `${worktree}/${name}`;
}

function followed(path: string, name: string, shared: SharedPlaces): Stats | null {
  if (path !== name) return look(path, statSync);
  const known = shared.stats.get(path);
  if (known !== undefined) return known;
  const stats = look(path, statSync);
  shared.stats.set(path, stats);
  return stats;
}

/** Where the folder around the work tree really is: a link on the way there may lead elsewhere by now. */
function parentOf(worktree: string, { parents }: SharedPlaces): string {
  const parent = dirname(worktree);
  const known = parents.get(parent) ?? realpathSync.native(parent);
  parents.set(parent, known);
  return known;
}

function look(path: string, how: typeof lstatSync): Stats | null {
  try {
    return how(path, QUIET) ?? null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Times in milliseconds with fractions are exact to a quarter of a microsecond: no two changes are as close. */
function write(stats: Stats | null, at: number): number {
  if (stats === null) {
    room.fill(-1, at, at + NUMBERS);
    return at + NUMBERS;
  }
  room[at] = stats.mtimeMs;
  room[at + 1] = stats.ctimeMs;
  room[at + 2] = stats.ino;
  room[at + 3] = stats.dev;
  room[at + 4] = stats.size;
  room[at + 5] = stats.mode;
  return at + NUMBERS;
}
