// Finds out whether a look at a work tree would find what the last one found: by stat data alone, with blocking
// calls, for threads only. No content is read but the index, and nothing is made of entries that are as they were.

import { closeSync, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../model/failure.ts';
import { EXTENDED, FLAGS_AT, HASH_BYTES, NAME_AT, nameEnd, nameStart } from '../index/index-layout.ts';
import { type IndexLayout, parseOwnIndex } from '../index/parse-index.ts';
import { errorCode } from '../io-failure.ts';
import { diskPath } from '../paths.ts';
import { FILE_MODE } from '../types.ts';
import { type LookStamp, pathIn, type SharedPlaces, stampOf } from './look-stamp.ts';

/** With the time of the file, as entries keep times. */
type KnownIndex = IndexLayout & { readonly mtimeS: number; readonly mtimeNs: number };

const QUIET = { throwIfNoEntry: false } as const;
const BILLION = 1_000_000_000n;
const ENTRIES_PER_TURN = 4_096;
const ASSUME_VALID = 0x8000;
const SKIP_WORKTREE = 0x4000;
const EMPTY_BLOB = Buffer.from('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391', 'hex');
const OID_AT = 40;
const EXECUTE_BIT = 0o100;
const LOST_CHARACTER = '\uFFFD';

/** False only means: look closer, for something may be other than it was. */
export async function looksTheSame(
  worktree: string,
  stamp: LookStamp,
  { shared, signal }: { shared: SharedPlaces; signal: AbortSignal },
): Promise<boolean> {
  try {
    const { digest, ...places } = stamp;
    if (stampOf(worktree, places, shared).digest !== digest) return false;
    const index = readKnownIndex(pathIn(worktree, stamp.index), stamp.indexHash);
    return index !== null && (await areAsIndexed(worktree, { index, stamp, signal }));
  } catch (error) {
    // Whoever looks closer meets it again, and says what it is.
    if (error instanceof Failure || errorCode(error) !== '') return false;
    throw error;
  }
}

let room = Buffer.allocUnsafeSlow(64 * 1024);
const MOST_ROOM_BYTES = 1024 * 1024;

/** Its content was proven when it was read for the stamp. Null when it is another one. */
function readKnownIndex(path: string, hash: string): KnownIndex | null {
  const file = openSync(path, 'r');
  try {
    const { size, mtimeNs } = fstatSync(file, { bigint: true });
    const bytes = roomFor(Number(size));
    if (readSync(file, bytes, 0, bytes.length, 0) !== bytes.length || bytes.length < HASH_BYTES) return null;
    if (bytes.toString('latin1', bytes.length - HASH_BYTES) !== hash) return null;
    const layout = parseOwnIndex(bytes);
    return { ...layout, mtimeS: Number(mtimeNs / BILLION), mtimeNs: Number(mtimeNs % BILLION) };
  } finally {
    closeSync(file);
  }
}

/** One after another is looked at, and nothing of an index is kept. */
function roomFor(sizeBytes: number): Buffer {
  if (sizeBytes > MOST_ROOM_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
  if (sizeBytes > room.length) room = Buffer.allocUnsafeSlow(sizeBytes * 2);
  return room.subarray(0, sizeBytes);
}

async function areAsIndexed(
  worktree: string,
  { index, stamp, signal }: { index: KnownIndex; stamp: LookStamp; signal: AbortSignal },
): Promise<boolean> {
  const { raw, offsets, count } = index;
  const apart = stamp.apart === '' ? null : new Set(stamp.apart.split('\0'));
  for (let at = 0; at < count; at++) {
    if (at % ENTRIES_PER_TURN === ENTRIES_PER_TURN - 1) await nextTurn();
    if (signal.aborted) throw signal.reason;
    const p = offsets[at] as number;
    const flags = raw.readUInt16BE(p + FLAGS_AT);
    if (isLeftAlone(raw, p, flags)) continue;
    const [from, to] = [nameStart(raw, p), nameEnd(raw, p, flags)];
    if (apart?.has(raw.toString('latin1', from, to))) continue;
    const stats = lstatSync(placeOf(worktree, raw, from, to), QUIET);
    if (stats === undefined || !isAsIndexed(stats, p, index, stamp.fileMode)) return false;
  }
  return true;
}

/** A person told git not to look. */
function isLeftAlone(raw: Buffer, p: number, flags: number): boolean {
  if (flags & ASSUME_VALID) return true;
  return (flags & EXTENDED) !== 0 && (raw.readUInt16BE(p + NAME_AT) & SKIP_WORKTREE) !== 0;
}

function placeOf(worktree: string, raw: Buffer, from: number, to: number): string | Buffer {
  const name = raw.toString('utf8', from, to);
  return name.includes(LOST_CHARACTER)
    ? diskPath(worktree, raw.toString('latin1', from, to))
    : `${worktree}/${name}`;
}

/** As file-comparison.ts judges it by `isClean`, on the bytes of the index: the times first, for they change most. */
function isAsIndexed(stats: Stats, p: number, index: KnownIndex, fileMode: boolean): boolean {
  const { raw } = index;
  const mtimeS = raw.readUInt32BE(p + 8);
  const mtimeNs = raw.readUInt32BE(p + 12);
  if (!isTime(stats, 'mtimeMs', mtimeS, mtimeNs)) return false;
  if (!isTime(stats, 'ctimeMs', raw.readUInt32BE(p), raw.readUInt32BE(p + 4))) return false;
  // Written no earlier than the index: it may have changed unseen.
  if (mtimeS > index.mtimeS || (mtimeS === index.mtimeS && mtimeNs >= index.mtimeNs)) return false;
  const size = raw.readUInt32BE(p + 36);
  if (size !== stats.size % 2 ** 32 || raw.readUInt32BE(p + 20) !== stats.ino % 2 ** 32) return false;
  if (raw.readUInt32BE(p + 28) !== stats.uid || raw.readUInt32BE(p + 32) !== stats.gid) return false;
  if (size === 0 && EMPTY_BLOB.compare(raw, p + OID_AT, p + FLAGS_AT) !== 0) return false;
  return modeOf(stats, raw.readUInt32BE(p + 24), fileMode) === raw.readUInt32BE(p + 24);
}

/**
 * Milliseconds with fractions are exact to a quarter of a microsecond: no two changes are as close. A runtime that
 * tells whole ones tells them of both times.
 */
function isTime(stats: Stats, which: 'mtimeMs' | 'ctimeMs', s: number, ns: number): boolean {
  const ms = stats[which];
  if (ms === s * 1_000 + ns / 1_000_000) return true;
  if (!Number.isInteger(stats.mtimeMs) || !Number.isInteger(stats.ctimeMs)) return false;
  return ms === s * 1_000 + (ms % 1_000 === 0 ? 0 : Math.floor(ns / 1_000_000));
}

/** Submodules are no files: whoever looks closer looks at them. */
function modeOf(stats: Stats, tracked: number, fileMode: boolean): number {
  if (stats.isSymbolicLink()) return FILE_MODE.symlink;
  if (!stats.isFile()) return FILE_MODE.tree;
  if (!fileMode) return tracked === FILE_MODE.executable ? FILE_MODE.executable : FILE_MODE.file;
  return (stats.mode & EXECUTE_BIT) === 0 ? FILE_MODE.file : FILE_MODE.executable;
}
