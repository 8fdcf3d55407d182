// The head of an object in a pack: kind, inflated size, and what a delta is based on. Pure.

import type { ObjectType } from '../types.ts';
import { OID_BYTES } from './oid-table.ts';

const OFS_DELTA = 6;
const REF_DELTA = 7;
const KINDS = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;
const TYPES = new Map(Object.entries(KINDS).map(([type, kind]) => [kind as number, type as ObjectType]));

/** A delta's `base` lies so many bytes before it, or is named. `length` is that of the head itself. */
export type PackEntryHead = { readonly sizeBytes: number; readonly length: number } & (
  | { readonly type: ObjectType; readonly base: null }
  | { readonly type: null; readonly base: { readonly distance: number } | { readonly oid: string } }
);

/** Null when the bytes begin with no head, or end within it. */
export function parsePackEntryHead(bytes: Buffer): PackEntryHead | null {
  let p = 0;
  // Reading past the end gives NaN, which the caller's checks below refuse.
  const next = () => bytes[p++] ?? Number.NaN;
  let byte = next();
  const kind = (byte >> 4) & 7;
  let sizeBytes = byte & 15;
  for (let scale = 16; byte & 0x80; scale *= 128) {
    byte = next();
    sizeBytes += (byte & 0x7f) * scale;
  }
  if (p > bytes.length) return null;
  const type = TYPES.get(kind);
  if (type !== undefined) return { type, base: null, sizeBytes, length: p };
  if (kind === OFS_DELTA) {
    byte = next();
    let distance = byte & 0x7f;
    while (byte & 0x80) {
      byte = next();
      distance = (distance + 1) * 128 + (byte & 0x7f);
    }
    return p > bytes.length ? null : { type: null, base: { distance }, sizeBytes, length: p };
  }
  const end = p + OID_BYTES;
  if (kind !== REF_DELTA || end > bytes.length) return null;
  return { type: null, base: { oid: bytes.toString('hex', p, end) }, sizeBytes, length: end };
}

/** Type and inflated size: 4 bits, then 7 bits a byte, lowest first. */
export function packEntryHead(type: ObjectType, sizeBytes: number): Buffer {
  let rest = Math.floor(sizeBytes / 16);
  const bytes = [(KINDS[type] << 4) | (sizeBytes % 16)];
  while (rest > 0) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest % 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from(bytes);
}

/** The first bytes of a pack of so many objects. */
export function packHeader(count: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.write('PACK', 'latin1');
  bytes.writeUInt32BE(2, 4);
  bytes.writeUInt32BE(count, 8);
  return bytes;
}
