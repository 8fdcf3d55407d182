// A quick look at the index for the probe: its format, unmerged entries, tracked attribute files.
// Must not interpret stat data or verify the checksum: the full reader does, when the index is used.

import { readFile } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { expandEntries } from '../index/index-v4.ts';
import { isAbsent } from '../io-failure.ts';
import { type RepoPath, repoPathOf } from '../paths.ts';
import type { Repository } from '../types.ts';

export type IndexOutline = {
  readonly version: number;
  /** The first path with more than one side of a conflict. */
  readonly unmerged: RepoPath | null;
  readonly attributeFiles: readonly { readonly path: RepoPath; readonly oid: string }[];
  /** A `.gitignore` that sparse checkout keeps out of the work tree: its rules are only in the object store. */
  readonly hiddenIgnoreFile: RepoPath | null;
  /** Four-letter signatures. */
  readonly extensions: readonly string[];
  /** False when the writer left the checksum out. */
  readonly hasChecksum: boolean;
};

const HEADER_BYTES = 12;
const CHECKSUM_BYTES = 20;
const OID_OFFSET = 40;
const FLAGS_OFFSET = 60;
const LONG_NAME = 0xfff;
const STAGE_BITS = 0x3000;
const EXTENDED_BIT = 0x4000;
const SKIP_WORKTREE_BIT = 0x4000;
const ATTRIBUTES = Buffer.from('.gitattributes');
const IGNORES = Buffer.from('.gitignore');

/** Null when there is no index. @throws Failure `index-corrupt` */
export async function outlineIndex(repo: Repository): Promise<IndexOutline | null> {
  const path = `${repo.gitDir}/index`;
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  const sound = bytes.length >= HEADER_BYTES + CHECKSUM_BYTES && bytes.toString('latin1', 0, 4) === 'DIRC';
  const version = sound ? bytes.readUInt32BE(4) : 0;
  if (version < 2 || version > 4) throw corrupt(path);
  const end = bytes.length - CHECKSUM_BYTES;
  const hasChecksum = bytes.subarray(end).some((byte) => byte !== 0);
  if (version === 4) bytes = expandEntries(bytes);
  const entries = lookAtEntries(bytes, version, path);
  return { version, hasChecksum, ...entries, extensions: signatures(bytes, entries.end, path) };
}

function lookAtEntries(bytes: Buffer, version: number, path: string) {
  const limit = bytes.length - CHECKSUM_BYTES;
  const attributeFiles: { path: RepoPath; oid: string }[] = [];
  let hiddenIgnoreFile: RepoPath | null = null;
  let unmerged: RepoPath | null = null;
  let at = HEADER_BYTES;
  for (let left = bytes.readUInt32BE(8); left > 0; left -= 1) {
    if (at + FLAGS_OFFSET + 2 > limit) throw corrupt(path);
    const flags = bytes.readUInt16BE(at + FLAGS_OFFSET);
    const isExtended = version > 2 && (flags & EXTENDED_BIT) !== 0;
    const start = at + FLAGS_OFFSET + (isExtended ? 4 : 2);
    const length = (flags & LONG_NAME) < LONG_NAME ? flags & LONG_NAME : bytes.indexOf(0, start) - start;
    const end = start + length;
    // A split index leaves names empty.
    if (length < 0 || end >= limit) throw corrupt(path);
    const name = () => repoPathOf(bytes.subarray(start, end));
    if (unmerged === null && (flags & STAGE_BITS) !== 0) unmerged = name();
    if (isNamed(bytes, start, end, ATTRIBUTES)) {
      attributeFiles.push({ path: name(), oid: bytes.toString('hex', at + OID_OFFSET, at + FLAGS_OFFSET) });
    }
    const isHidden = isExtended && (bytes.readUInt16BE(start - 2) & SKIP_WORKTREE_BIT) !== 0;
    if (isHidden && isNamed(bytes, start, end, IGNORES)) hiddenIgnoreFile = name();
    // Entries are padded with 1 to 8 zero bytes to a multiple of eight.
    at += (end - at + 8) & ~7;
  }
  return { attributeFiles, hiddenIgnoreFile, unmerged, end: at };
}

function isNamed(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  const from = end - name.length;
  if (from < start || bytes[from] !== name[0] || (from > start && bytes[from - 1] !== 0x2f)) return false;
  return bytes.compare(name, 0, name.length, from, end) === 0;
}

function signatures(bytes: Buffer, from: number, path: string): string[] {
  const found: string[] = [];
  const limit = bytes.length - CHECKSUM_BYTES;
  for (let at = from; at < limit; ) {
    if (at + 8 > limit) throw corrupt(path);
    found.push(bytes.toString('latin1', at, at + 4));
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return found;
}

function corrupt(path: string): Failure {
  return new Failure('index-corrupt', `${path} is not a valid git index.`);
}
