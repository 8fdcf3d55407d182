// Reads objects/pack/multi-pack-index: one table over many packs. Needed for packs whose own index is gone, which git
// takes away or never makes where this file stands in for it.

import { type OpenFile, openFile } from '../../host/open-file.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import { FAN_BYTES, OidTable } from './oid-table.ts';
import { LARGE_OFFSET, type PackNames } from './pack-index.ts';
import { damaged, readAt } from './read-at.ts';

const HEADER_BYTES = 12;
const CHUNK_ROW_BYTES = 12;
const VERSION_AND_SHA1 = Buffer.from([1, 1]);

export type MultiPackIndex = {
  /** File names of the packs, ending in `.pack`. */
  readonly packs: readonly string[];
  /** The objects that are looked for in one of the packs; another of them may hold the same again. */
  namesOf(pack: string): PackNames;
  close(): Promise<void>;
};

/** Null when there is none. @throws Failure `object-corrupt`, `needs-system-git` for another version */
export async function openMultiPackIndex(path: string): Promise<MultiPackIndex | null> {
  let file: OpenFile;
  try {
    file = await openFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    return await readTables(file, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readTables(file: OpenFile, path: string): Promise<MultiPackIndex> {
  const chunks = await readChunkTable(file, path);
  const chunk = (id: string) => {
    const found = chunks.get(id);
    if (found === undefined) throw damaged(path, `it has no part ${id}`);
    return found;
  };
  const names = chunk('PNAM');
  const packs = (await readAt(file, names.at, names.length, path))
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => name.replace(/\.idx$/, '.pack'));
  const fan = await readAt(file, chunk('OIDF').at, FAN_BYTES, path);
  const table = new OidTable({ file, path }, fan, chunk('OIDL').at);
  const placesAt = chunk('OOFF').at;

  const find = async (oid: string): Promise<{ pack: string | undefined; offset: number } | null> => {
    const at = await table.position(oid);
    if (at === null) return null;
    const place = await readAt(file, placesAt + at * 8, 8, path);
    const pack = packs[place.readUInt32BE(0)];
    const small = place.readUInt32BE(4);
    const large = chunks.get('LOFF');
    // Without a table of large offsets all 32 bits count.
    if (small < LARGE_OFFSET || large === undefined) return { pack, offset: small };
    const bytes = await readAt(file, large.at + (small - LARGE_OFFSET) * 8, 8, path);
    return { pack, offset: Number(bytes.readBigUInt64BE(0)) };
  };

  return {
    packs,
    namesOf: (pack) => ({
      async find(oid) {
        const found = await find(oid);
        return found?.pack === pack ? found.offset : null;
      },
      close: async () => {},
    }),
    close: () => file.close(),
  };
}

/** Where each part of the file lies. */
async function readChunkTable(
  file: OpenFile,
  path: string,
): Promise<Map<string, { at: number; length: number }>> {
  const head = await readAt(file, 0, HEADER_BYTES, path);
  if (head.toString('latin1', 0, 4) !== 'MIDX') throw damaged(path, 'it is no multi-pack index');
  if (!head.subarray(4, 6).equals(VERSION_AND_SHA1)) {
    throw new Failure('needs-system-git', `${path} is no multi-pack index of version 1.`);
  }
  const count = head[6] ?? 0;
  const rows = await readAt(file, HEADER_BYTES, (count + 1) * CHUNK_ROW_BYTES, path);
  const startOf = (row: number) => Number(rows.readBigUInt64BE(row * CHUNK_ROW_BYTES + 4));
  const chunks = new Map<string, { at: number; length: number }>();
  for (let row = 0; row < count; row++) {
    const length = startOf(row + 1) - startOf(row);
    if (length < 0) throw damaged(path, 'its parts overlap');
    const id = rows.toString('latin1', row * CHUNK_ROW_BYTES, row * CHUNK_ROW_BYTES + 4);
    chunks.set(id, { at: startOf(row), length });
  }
  return chunks;
}
