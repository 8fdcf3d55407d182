// Makes the bytes of a new index from those of an old one by cutting and inserting entries; nothing is decoded that
// does not change. Writes no file: commit.ts does, under the lock.

import { createHash } from 'node:crypto';
import { Failure } from '../../model/failure.ts';
import { bytesOf, displayPath, type RepoPath } from '../paths.ts';
import type { FileStat } from '../types.ts';
import { invalidateTrees } from './cache-tree.ts';
import type { IndexFile } from './index-file.ts';
import { HASH_BYTES, HEADER_BYTES, LONGEST_COUNTED_NAME, NAME_AT } from './index-layout.ts';
import { indexStat, uint32 } from './index-stat.ts';
import { compressEntries } from './index-v4.ts';
import type { KnownLayout, RecentEntries } from './parse-index.ts';

const SIZE_AT = 36;
// Kept as it is: what a resolved conflict looked like. UNTR, FSMN, EOIE, IEOT and unknown ones describe the old file.
const KEPT = 'REUC';

/** The new entry of a path, or null to remove it. */
export type IndexChange = {
  readonly path: RepoPath;
  readonly entry: { readonly mode: number; readonly oid: string; readonly stat: FileStat } | null;
};

export type IndexPatch = {
  changes: Iterable<IndexChange>;
  /** Positions of entries whose content nobody vouches for: marked so that git and we hash them. */
  unsure?: Iterable<number>;
  /** Those of the old index, where they are known. */
  recent?: RecentEntries;
};

/** More are looked for each time. */
const MOST_RECENT = 1_000;

/** What happens at positions of the old index. */
type Edits = { removed: Set<number>; inserted: Map<number, { name: Buffer; bytes: Buffer }[]> };

/** What is known of its layout is that of the old index where its entries begin at the same places. */
export type PatchedIndex = KnownLayout & { readonly bytes: Buffer };

/** As `draftIndex`, with its hash: the bytes of the file. @throws as it does */
export function patchIndex(index: IndexFile, patch: IndexPatch): Buffer {
  const { bytes } = draftIndex(index, patch);
  sealIndex(bytes);
  return bytes;
}

/** Puts the hash at the end of the bytes, and answers it. */
export function sealIndex(bytes: Buffer): Buffer {
  const end = bytes.subarray(-HASH_BYTES);
  createHash('sha1').update(bytes.subarray(0, -HASH_BYTES)).digest().copy(end);
  return end;
}

/**
 * The bytes of the index, in its own version, with the changes in force; the hash at their end is to come. Adding `a/b` removes a file `a`, adding `a` removes what lies
 * below `a/`; everything else, staged or not, stays.
 * @throws Failure `unmerged-entries`, `needs-system-git` (an extension that must be understood),
 *   `file-changing` (a path that was deleted is marked as left out of the work tree)
 */
export function draftIndex(index: IndexFile, patch: IndexPatch): PatchedIndex {
  if (index.hasUnmerged) throw new Failure('unmerged-entries', 'The index holds files in conflict.');
  const unknown = index.extensions.find((name) => !/^[A-Z]/.test(name));
  if (unknown !== undefined) {
    throw new Failure('needs-system-git', `The index has the extension ${JSON.stringify(unknown)}.`);
  }
  const edits: Edits = { removed: new Set(), inserted: new Map() };
  const paths: RepoPath[] = [];
  for (const change of patch.changes) {
    paths.push(change.path);
    applyChange(index, change, edits);
  }
  for (const at of patch.unsure ?? []) markUnsure(index, at, edits);
  const { parts, count, isShifted } = mergeEntries(index, edits);
  const entries = index.version === 4 ? compressEntries(parts) : parts;
  const all = [header(index.version, count), ...entries, ...extensions(index, paths)];
  const bytes = Buffer.concat([...all, Buffer.alloc(HASH_BYTES)]);
  if (isShifted) return { bytes, offsets: null, recent: null };
  return { bytes, offsets: index.offsets, recent: recentAfter(patch.recent, edits) };
}

/** All that is written anew may be newer than anything. */
function recentAfter(before: RecentEntries | undefined, { removed }: Edits): RecentEntries | null {
  if (before === undefined || before.at.length + removed.size > MOST_RECENT) return null;
  return { since: before.since, at: [...new Set([...before.at, ...removed])] };
}

function applyChange(index: IndexFile, { path, entry }: IndexChange, edits: Edits): void {
  const { at, found } = index.position(path);
  if (found) {
    if (entry === null && index.entryAt(at).skipWorktree) {
      throw new Failure('file-changing', `${displayPath(path)} is left out of the work tree on purpose.`);
    }
    edits.removed.add(at);
  }
  if (entry === null) return;
  removeInTheWay(index, path, edits);
  const name = bytesOf(path);
  insert(edits, at, name, entryBytes(name, entry));
}

/** An index cannot hold both `a` and `a/b`. */
function removeInTheWay(index: IndexFile, path: RepoPath, edits: Edits): void {
  const { from, to } = index.rangeUnder(path);
  for (let at = from; at < to; at++) edits.removed.add(at);
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const parent = index.position(path.slice(0, slash) as RepoPath);
    if (parent.found) edits.removed.add(parent.at);
  }
}

function markUnsure(index: IndexFile, at: number, edits: Edits): void {
  if (edits.removed.has(at)) return;
  const bytes = Buffer.from(index.raw.subarray(index.offset(at), index.offset(at + 1)));
  bytes.writeUInt32BE(0, SIZE_AT);
  edits.removed.add(at);
  insert(edits, at, bytesOf(index.entryAt(at).path), bytes);
}

function insert(edits: Edits, at: number, name: Buffer, bytes: Buffer): void {
  const here = edits.inserted.get(at);
  if (here === undefined) edits.inserted.set(at, [{ name, bytes }]);
  else here.push({ name, bytes });
}

/** Copies the stretches between the edits as they are. `isShifted`: an entry is not where it was. */
function mergeEntries(index: IndexFile, { removed, inserted }: Edits) {
  const parts: Buffer[] = [];
  let isShifted = false;
  let count = index.count - removed.size;
  let copied = 0;
  for (const at of [...new Set([...removed, ...inserted.keys()])].sort((a, b) => a - b)) {
    parts.push(index.raw.subarray(index.offset(copied), index.offset(at)));
    const added = inserted.get(at) ?? [];
    // Names put at one position (all absent before) still have an order among themselves.
    added.sort((a, b) => Buffer.compare(a.name, b.name));
    for (const { bytes } of added) parts.push(bytes);
    count += added.length;
    copied = removed.has(at) ? at + 1 : at;
    const lengths = added.map(({ bytes }) => bytes.length);
    if (lengths.length !== 1 || lengths[0] !== index.offset(copied) - index.offset(at)) isShifted = true;
  }
  parts.push(index.raw.subarray(index.offset(copied), index.offset(index.count)));
  return { parts, count, isShifted };
}

function entryBytes(name: Buffer, entry: NonNullable<IndexChange['entry']>): Buffer {
  const stat = indexStat(entry.stat);
  // At least one NUL ends the name, and the entry's length is a multiple of 8.
  const bytes = Buffer.alloc((NAME_AT + name.length + 8) & ~7);
  const times = [stat.ctimeS, stat.ctimeNs, stat.mtimeS, stat.mtimeNs];
  const numbers = [...times, stat.dev, stat.ino, entry.mode, stat.uid, stat.gid, uint32(entry.stat.size)];
  numbers.forEach((number, i) => {
    bytes.writeUInt32BE(number, i * 4);
  });
  bytes.write(entry.oid, SIZE_AT + 4, 'hex');
  bytes.writeUInt16BE(Math.min(name.length, LONGEST_COUNTED_NAME), NAME_AT - 2);
  name.copy(bytes, NAME_AT);
  return bytes;
}

function header(version: number, count: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write('DIRC', 'latin1');
  bytes.writeUInt32BE(version, 4);
  bytes.writeUInt32BE(count, 8);
  return bytes;
}

function extensions(index: IndexFile, paths: readonly RepoPath[]): Buffer[] {
  const parts: Buffer[] = [];
  const keep = (name: string, data: Buffer | null) => {
    if (data === null) return;
    const head = Buffer.alloc(8);
    head.write(name, 'latin1');
    head.writeUInt32BE(data.length, 4);
    parts.push(head, data);
  };
  const trees = index.extension('TREE');
  keep('TREE', trees === null ? null : invalidateTrees(trees, paths));
  keep(KEPT, index.extension(KEPT));
  return parts;
}
