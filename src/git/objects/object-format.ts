// The bytes of objects: header and id, tree entries, the two lines of a commit that matter here.
// Pure; knows no files.

import { createHash } from 'node:crypto';
import { Failure } from '../../model/failure.ts';
import type { Commit, ObjectType, TreeEntry } from '../types.ts';
import { FILE_MODE } from '../types.ts';

const HEADER = /^(commit|tree|blob|tag) (0|[1-9]\d{0,15})$/;
/** `commit` and 16 digits fit well within. */
const LONGEST_HEADER = 32;
const COMMIT_HEAD = /^tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)/;
const OID_BYTES = 20;

/** What stands before the content in a loose object and in the hash. */
export function objectHeader(type: ObjectType, sizeBytes: number): Buffer {
  return Buffer.from(`${type} ${sizeBytes}\0`, 'latin1');
}

/** Null when the bytes open with no valid header. `start` is where the content begins. */
export function parseObjectHeader(
  bytes: Buffer,
): { type: ObjectType; sizeBytes: number; start: number } | null {
  const end = bytes.subarray(0, LONGEST_HEADER).indexOf(0);
  const match = end < 0 ? null : HEADER.exec(bytes.toString('latin1', 0, end));
  if (!match) return null;
  return { type: match[1] as ObjectType, sizeBytes: Number(match[2]), start: end + 1 };
}

/** The id of an object, without writing it. */
export function objectId(type: ObjectType, content: Uint8Array): string {
  return createHash('sha1').update(objectHeader(type, content.length)).update(content).digest('hex');
}

/** @throws Failure `object-corrupt` */
export function parseTree(oid: string, content: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const end = content.indexOf(0, space + 1);
    const mode = space > at ? Number.parseInt(content.toString('latin1', at, space), 8) : Number.NaN;
    if (Number.isNaN(mode) || end <= space + 1 || end + OID_BYTES >= content.length) {
      throw new Failure('object-corrupt', `The tree ${oid} is damaged at byte ${at}.`);
    }
    const name = content.toString('latin1', space + 1, end);
    entries.push({ mode, name, oid: content.toString('hex', end + 1, end + 1 + OID_BYTES) });
    at = end + 1 + OID_BYTES;
  }
  return entries;
}

/** The bytes of a tree in git's order, in which a folder's name counts as if it ended in `/`. */
export function serializeTree(entries: Iterable<TreeEntry>): Buffer {
  const sorted = [...entries].map((entry) => ({ entry, key: sortKey(entry) }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const parts: Buffer[] = [];
  for (const { entry } of sorted) {
    parts.push(
      Buffer.from(`${entry.mode.toString(8)} ${entry.name}\0`, 'latin1'),
      Buffer.from(entry.oid, 'hex'),
    );
  }
  return Buffer.concat(parts);
}

/** @throws Failure `object-corrupt` */
export function parseCommit(oid: string, content: Buffer): Commit {
  const match = COMMIT_HEAD.exec(content.toString('latin1'));
  if (match?.[1] === undefined) throw new Failure('object-corrupt', `The commit ${oid} names no tree.`);
  const parents = (match[2] ?? '').split('\n').filter((line) => line !== '');
  return { tree: match[1], parents: parents.map((line) => line.slice('parent '.length)) };
}

function sortKey(entry: TreeEntry): string {
  return entry.mode === FILE_MODE.tree ? `${entry.name}/` : entry.name;
}
