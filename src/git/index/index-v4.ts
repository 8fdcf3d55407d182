// Index version 4, in which each name leaves out what it shares with the one before. Everything else of an entry is as
// in version 3, so such an index is turned into that layout when it is read, and back when it is written. Pure.

import { Failure } from '../../model/failure.ts';
import { FLAGS_AT, HASH_BYTES, HEADER_BYTES, LONGEST_COUNTED_NAME, nameStart } from './index-layout.ts';

/** The entries of a version 4 index in the layout of version 3, between the same header and what follows. */
export function expandEntries(raw: Buffer): Buffer {
  const end = raw.length - HASH_BYTES;
  const parts: Buffer[] = [raw.subarray(0, HEADER_BYTES)];
  let name: Buffer = Buffer.alloc(0);
  let p = HEADER_BYTES;
  for (let left = raw.readUInt32BE(8); left > 0; left--) {
    if (p + FLAGS_AT + 2 > end) throw tooShort();
    const nameAt = nameStart(raw, p);
    const stripped = readVarint(raw, nameAt);
    const nul = stripped === null ? -1 : raw.indexOf(0, stripped.end);
    if (stripped === null || nul < 0 || nul >= end || stripped.value > name.length) throw tooShort();
    const kept = name.subarray(0, name.length - stripped.value);
    name = Buffer.concat([kept, raw.subarray(stripped.end, nul)]);
    const counted = raw.readUInt16BE(p + FLAGS_AT) & LONGEST_COUNTED_NAME;
    if (counted !== Math.min(name.length, LONGEST_COUNTED_NAME)) throw tooShort();
    const fixed = raw.subarray(p, nameAt);
    parts.push(fixed, name, Buffer.alloc(paddingAfter(fixed.length + name.length)));
    p = nul + 1;
  }
  parts.push(raw.subarray(p));
  return Buffer.concat(parts);
}

/** The opposite: entries in the layout of version 3 (no header around them) with shortened names. */
export function compressEntries(entries: readonly Buffer[]): Buffer[] {
  const parts: Buffer[] = [];
  let before: Buffer = Buffer.alloc(0);
  for (const bytes of entries) {
    for (let p = 0; p < bytes.length; ) {
      const from = nameStart(bytes, p);
      const to = bytes.indexOf(0, from);
      const name = bytes.subarray(from, to);
      const shared = sharedLength(before, name);
      parts.push(bytes.subarray(p, from), varint(before.length - shared), name.subarray(shared), NUL);
      before = name;
      p = to + paddingAfter(to - p);
    }
  }
  return parts;
}

const NUL = Buffer.alloc(1);

/** At least one NUL ends a name, and the entry's length is a multiple of 8. */
function paddingAfter(length: number): number {
  return 8 - (length % 8);
}

function sharedLength(a: Buffer, b: Buffer): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** Seven bits a byte, highest first; each byte that goes on stands for one more than it says. */
function readVarint(bytes: Buffer, at: number): { value: number; end: number } | null {
  let p = at;
  let byte = bytes[p++];
  if (byte === undefined) return null;
  let value = byte & 0x7f;
  while (byte & 0x80) {
    byte = bytes[p++];
    if (byte === undefined || value > 0xffffff) return null;
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, end: p };
}

function varint(value: number): Buffer {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) {
    rest -= 1;
    bytes.unshift(0x80 | (rest & 0x7f));
  }
  return Buffer.from(bytes);
}

function tooShort(): Failure {
  return new Failure('index-corrupt', 'The index is damaged: a shortened name (version 4) makes no sense.');
}
