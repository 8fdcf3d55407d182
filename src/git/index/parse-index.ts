// Takes an index apart once, so that all who need it can share what was found. Pure; reads no file.

import { checkHeader, findEntries, findExtensions, HEADER_BYTES } from './index-layout.ts';
import { expandEntries } from './index-v4.ts';

/** Never changed, so that several readers may share it. */
export type IndexLayout = {
  /** The whole file, of version 4 as if it were 3. */
  readonly raw: Buffer;
  readonly version: number;
  /** Number of entries. */
  readonly count: number;
  readonly hashSkipped: boolean;
  readonly hasUnmerged: boolean;
  /** Where each entry begins, and as the last value where they end. */
  readonly offsets: Uint32Array;
  readonly extensions: ReadonlyMap<string, Buffer>;
  /** The entries written lately, where that is known. */
  readonly recent?: RecentEntries | null;
};

/** Positions among which are all entries whose files were written in the second `since` (uint32) or later. */
export type RecentEntries = { readonly since: number; readonly at: readonly number[] };

/** What whoever made an index knows of it; null where that is to be found. */
export type KnownLayout = { readonly offsets: Uint32Array | null; readonly recent: RecentEntries | null };

type Header = Pick<IndexLayout, 'version' | 'count' | 'hashSkipped'>;

/** @throws Failure `index-corrupt` */
export function parseIndex(bytes: Buffer): IndexLayout {
  const header = checkHeader(bytes);
  return layOut(header.version === 4 ? expandEntries(bytes) : bytes, header);
}

/**
 * As `parseIndex`, for bytes that were made here a moment ago, without conflicts: their hash proves nothing that is not
 * known, and what is known need not be found.
 */
export function parseOwnIndex(
  bytes: Buffer,
  { offsets, recent }: KnownLayout = { offsets: null, recent: null },
): IndexLayout {
  const header = { version: bytes.readUInt32BE(4), count: bytes.readUInt32BE(8), hashSkipped: false };
  if (offsets !== null && header.version !== 4) {
    const extensions = findExtensions(bytes, offsets[header.count] ?? HEADER_BYTES);
    return { raw: bytes, ...header, hasUnmerged: false, offsets, extensions, recent };
  }
  return layOut(header.version === 4 ? expandEntries(bytes) : bytes, header);
}

function layOut(raw: Buffer, header: Header): IndexLayout {
  const { offsets, hasUnmerged } = findEntries(raw, header);
  const extensions = findExtensions(raw, offsets[header.count] ?? HEADER_BYTES);
  return { raw, ...header, hasUnmerged, offsets, extensions };
}
