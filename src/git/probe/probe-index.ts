// A quick look at the index for the probe: its format, unmerged entries, tracked attribute files.
// Must not interpret stat data.

import { type IndexFile, readIndex } from '../index/index-file.ts';
import { EXTENDED, FLAGS_AT, NAME_AT, nameEnd, nameStart, STAGES } from '../index/index-layout.ts';
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

const OID_AT = 40;
const SKIP_WORKTREE = 0x4000;
const ATTRIBUTES = Buffer.from('.gitattributes');
const IGNORES = Buffer.from('.gitignore');
const LAST_OF_ATTRIBUTES = ATTRIBUTES.at(-1);
const LAST_OF_IGNORES = IGNORES.at(-1);

/** Of a repository without an index: that of an empty one. @throws Failure `index-corrupt` */
export async function outlineIndex(repo: Repository): Promise<IndexOutline> {
  const index = await readIndex(repo);
  const { version, extensions, hashSkipped } = index;
  return { version, extensions, hasChecksum: !hashSkipped, ...lookAtEntries(index) };
}

function lookAtEntries(index: IndexFile) {
  const { raw, offsets, count } = index;
  const attributeFiles: { path: RepoPath; oid: string }[] = [];
  let hiddenIgnoreFile: RepoPath | null = null;
  let unmerged: RepoPath | null = null;
  // Every sync passes here: nothing is made of entries that do not matter.
  for (let at = 0; at < count; at++) {
    const p = offsets[at] as number;
    const flags = ((raw[p + FLAGS_AT] as number) << 8) | (raw[p + FLAGS_AT + 1] as number);
    const end = nameEnd(raw, p, flags);
    if (unmerged === null && (flags & STAGES) !== 0) unmerged = pathOf(raw, p, end);
    const last = raw[end - 1];
    if (last === LAST_OF_ATTRIBUTES && isNamed(raw, p, end, ATTRIBUTES)) {
      attributeFiles.push({ path: pathOf(raw, p, end), oid: raw.toString('hex', p + OID_AT, p + FLAGS_AT) });
    } else if (last === LAST_OF_IGNORES && isHidden(raw, p, flags) && isNamed(raw, p, end, IGNORES)) {
      hiddenIgnoreFile = pathOf(raw, p, end);
    }
  }
  return { attributeFiles, hiddenIgnoreFile, unmerged };
}

function isHidden(raw: Buffer, entryAt: number, flags: number): boolean {
  return (flags & EXTENDED) !== 0 && (raw.readUInt16BE(entryAt + NAME_AT) & SKIP_WORKTREE) !== 0;
}

function isNamed(raw: Buffer, entryAt: number, end: number, name: Buffer): boolean {
  const start = nameStart(raw, entryAt);
  const from = end - name.length;
  if (from < start || (from > start && raw[from - 1] !== 0x2f)) return false;
  return raw.compare(name, 0, name.length, from, end) === 0;
}

function pathOf(raw: Buffer, entryAt: number, end: number): RepoPath {
  return repoPathOf(raw.subarray(nameStart(raw, entryAt), end));
}
