// Makes the bytes of a version 2 pack index. Pure.

import { createHash } from 'node:crypto';
import { FAN_BYTES } from './oid-table.ts';
import { LARGE_OFFSET, PACK_INDEX_MAGIC } from './pack-index.ts';

/** Where an object begins in the pack, and the checksum of its bytes there. */
export type PackedPlace = { readonly offset: number; readonly crc: number };

/** `packHash` is what the pack ends with. */
export function packIndexBytes(objects: ReadonlyMap<string, PackedPlace>, packHash: Buffer): Buffer {
  const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  const fan = Buffer.alloc(FAN_BYTES);
  for (const [oid] of sorted) {
    const first = Number.parseInt(oid.slice(0, 2), 16) * 4;
    fan.writeUInt32BE(fan.readUInt32BE(first) + 1, first);
  }
  for (let at = 4; at < FAN_BYTES; at += 4) {
    fan.writeUInt32BE(fan.readUInt32BE(at) + fan.readUInt32BE(at - 4), at);
  }
  const crcs = Buffer.alloc(sorted.length * 4);
  const offsets = Buffer.alloc(sorted.length * 4);
  const large: Buffer[] = [];
  for (const [at, [, { offset, crc }]] of sorted.entries()) {
    crcs.writeUInt32BE(crc, at * 4);
    if (offset < LARGE_OFFSET) offsets.writeUInt32BE(offset, at * 4);
    else {
      offsets.writeUInt32BE(LARGE_OFFSET + large.length, at * 4);
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(offset));
      large.push(bytes);
    }
  }
  const names = Buffer.from(sorted.map(([oid]) => oid).join(''), 'hex');
  const body = Buffer.concat([PACK_INDEX_MAGIC, fan, names, crcs, offsets, ...large, packHash]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}
