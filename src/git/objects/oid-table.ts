// A sorted table of object ids on disk with its 256-entry fan, as pack indexes and multi-pack indexes hold it.
// Answers positions in the table only; what stands beside an id is the caller's matter.

import type { OpenFile } from '../../host/open-file.ts';
import { damaged, readAt } from './read-at.ts';

export const FAN_BYTES = 1024;
export const OID_BYTES = 20;

/** `path` is for messages. */
export type TableFile = { readonly file: OpenFile; readonly path: string };

export class OidTable {
  readonly #source: TableFile;
  readonly #fan: Uint32Array;
  readonly #namesAt: number;

  /** `fan` are the bytes of the fan, `namesAt` is where the ids begin. @throws Failure `object-corrupt` */
  constructor(source: TableFile, fan: Buffer, namesAt: number) {
    this.#source = source;
    this.#namesAt = namesAt;
    this.#fan = Uint32Array.from({ length: 256 }, (_, first) => fan.readUInt32BE(first * 4));
    if (this.#fan.some((count, i) => i > 0 && count < (this.#fan[i - 1] ?? 0)))
      throw damaged(source.path, 'its table falls');
  }

  /** Number of ids. */
  get count(): number {
    return this.#fan[255] ?? 0;
  }

  /** Null when the id is not in the table. */
  async position(oid: string): Promise<number | null> {
    const first = Number.parseInt(oid.slice(0, 2), 16);
    const low = first === 0 ? 0 : (this.#fan[first - 1] ?? 0);
    const high = this.#fan[first] ?? 0;
    if (low === high) return null;
    const { file, path } = this.#source;
    const names = await readAt(file, this.#namesAt + low * OID_BYTES, (high - low) * OID_BYTES, path);
    const at = searchOid(names, Buffer.from(oid, 'hex'));
    return at === null ? null : low + at;
  }
}

function searchOid(names: Buffer, oid: Buffer): number | null {
  let low = 0;
  let high = names.length / OID_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = names.compare(oid, 0, OID_BYTES, middle * OID_BYTES, (middle + 1) * OID_BYTES);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return null;
}
