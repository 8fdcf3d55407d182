// Where the parts of an index file lie: header, entries, extensions, hash. Pure; every length is checked.

import { createHash } from 'node:crypto';
import { Failure } from '../../model/failure.ts';

export const HEADER_BYTES = 12;
export const HASH_BYTES = 20;
/** Within an entry: flags after ten numbers and the id, then the name, two bytes later with extended flags. */
export const FLAGS_AT = 60;
export const NAME_AT = 62;
export const EXTENDED = 0x4000;
export const STAGES = 0x3000;
export const LONGEST_COUNTED_NAME = 0xfff;

/** The bytes of an index without entries. */
export function emptyIndex(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('DIRC', 'latin1');
  header.writeUInt32BE(2, 4);
  return Buffer.concat([header, createHash('sha1').update(header).digest()]);
}

/** @throws Failure `index-corrupt` */
export function checkHeader(raw: Buffer): { version: number; count: number; hashSkipped: boolean } {
  if (raw.length < HEADER_BYTES + HASH_BYTES || raw.toString('latin1', 0, 4) !== 'DIRC') {
    throw corrupt(`it is no index (${raw.length} bytes)`);
  }
  const version = raw.readUInt32BE(4);
  if (version < 2 || version > 4) throw corrupt(`its version is ${version}`);
  const end = raw.length - HASH_BYTES;
  const hash = raw.subarray(end);
  const hashSkipped = hash.every((byte) => byte === 0);
  if (!hashSkipped && !createHash('sha1').update(raw.subarray(0, end)).digest().equals(hash)) {
    throw corrupt('its hash does not fit its content');
  }
  return { version, count: raw.readUInt32BE(8), hashSkipped };
}

/** Where each entry begins, and as the last value where they end. @throws Failure `index-corrupt` */
export function findEntries(raw: Buffer, header: { version: number; count: number }) {
  const end = raw.length - HASH_BYTES;
  if (header.count > (end - HEADER_BYTES) / NAME_AT) throw corrupt(`it cannot hold ${header.count} entries`);
  const offsets = new Uint32Array(header.count + 1);
  let p = HEADER_BYTES;
  let stages = 0;
  // Half of what an index of 50,000 entries costs is spent here: plain numbers only.
  for (let at = 0; at < header.count; at++) {
    offsets[at] = p;
    if (p + NAME_AT > end) throw corrupt(`it ends within entry ${at}`);
    const flags = ((raw[p + FLAGS_AT] as number) << 8) | (raw[p + FLAGS_AT + 1] as number);
    if (flags & EXTENDED && header.version < 3) throw corrupt(`entry ${at} has flags of version 3`);
    stages |= flags & STAGES;
    const to = nameEnd(raw, p, flags);
    // At least one NUL ends the name; entries start at multiples of 8 from their own beginning.
    p += (to - p + 8) & ~7;
    if (to < 0 || p > end) throw corrupt(`it ends within entry ${at}`);
  }
  offsets[header.count] = p;
  return { offsets, hasUnmerged: stages !== 0 };
}

/** Where the name of an entry with these flags ends; negative when it never does. */
export function nameEnd(raw: Buffer, entryAt: number, flags: number): number {
  const from = entryAt + (flags & EXTENDED ? NAME_AT + 2 : NAME_AT);
  const counted = flags & LONGEST_COUNTED_NAME;
  return counted === LONGEST_COUNTED_NAME ? raw.indexOf(0, from + counted) : from + counted;
}

/** Where the name of the entry that begins at `entryAt` lies; `to` is negative when it never ends. */
export function nameRange(raw: Buffer, entryAt: number): { from: number; to: number } {
  const flags = raw.readUInt16BE(entryAt + FLAGS_AT);
  return { from: nameStart(raw, entryAt), to: nameEnd(raw, entryAt, flags) };
}

/** Where the name begins, of version 4 the number before it. */
export function nameStart(raw: Buffer, entryAt: number): number {
  return entryAt + (raw.readUInt16BE(entryAt + FLAGS_AT) & EXTENDED ? NAME_AT + 2 : NAME_AT);
}

/** The extensions that follow the entries, in their order. @throws Failure `index-corrupt` */
export function findExtensions(raw: Buffer, start: number): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const end = raw.length - HASH_BYTES;
  for (let p = start; p < end; ) {
    const next = p + 8 <= end ? p + 8 + raw.readUInt32BE(p + 4) : end + 1;
    if (next > end) throw corrupt('it ends within an extension');
    found.set(raw.toString('latin1', p, p + 4), raw.subarray(p + 8, next));
    p = next;
  }
  return found;
}

function corrupt(detail: string): Failure {
  return new Failure('index-corrupt', `The index is damaged: ${detail}.`);
}
