// Reads the version 2 index of one pack: where in the pack each object begins. Never held in memory as a whole.

import { openFile } from '../../host/open-file.ts';
import { Failure } from '../../model/failure.ts';
import { FAN_BYTES, OID_BYTES, OidTable } from './oid-table.ts';
import { readAt } from './read-at.ts';

/** What such an index begins with: its mark and its version. */
export const PACK_INDEX_MAGIC = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]);
const NAMES_AT = PACK_INDEX_MAGIC.length + FAN_BYTES;
const CRC_BYTES = 4;
/** An offset with this bit is a position in the table of large ones. */
export const LARGE_OFFSET = 0x80000000;

/** What knows where the objects of a pack begin; null: not in this pack. */
export type PackNames = {
  find(oid: string): Promise<number | null>;
  close(): Promise<void>;
};

/** @throws Failure `object-corrupt`, `needs-system-git` (index version 1) */
export async function openPackIndex(path: string): Promise<PackNames> {
  const file = await openFile(path);
  try {
    const head = await readAt(file, 0, NAMES_AT, path);
    if (!head.subarray(0, PACK_INDEX_MAGIC.length).equals(PACK_INDEX_MAGIC)) {
      throw new Failure('needs-system-git', `${path} is no pack index of version 2.`);
    }
    const table = new OidTable({ file, path }, head.subarray(PACK_INDEX_MAGIC.length), NAMES_AT);
    const offsetsAt = NAMES_AT + table.count * (OID_BYTES + CRC_BYTES);
    return {
      async find(oid) {
        const at = await table.position(oid);
        if (at === null) return null;
        const small = (await readAt(file, offsetsAt + at * 4, 4, path)).readUInt32BE(0);
        if (small < LARGE_OFFSET) return small;
        const largeAt = offsetsAt + table.count * 4 + (small - LARGE_OFFSET) * 8;
        return Number((await readAt(file, largeAt, 8, path)).readBigUInt64BE(0));
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
