// Writes a pack of whole objects as a stream. No deltas: what is pushed at once is small, and git repacks it anyway.

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate, deflateSync } from 'node:zlib';
import type { GitObject, ObjectStore } from '../types.ts';

const deflateLater = promisify(deflate);

const TYPE_NUMBER = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;
/** Smaller objects are deflated at once: a trip through the thread pool costs more (about 0.1 ms). */
const SMALL_BYTES = 64 * 1024;

/** The pack's bytes, one chunk or more an object. @throws Failure `object-missing`, `object-corrupt` */
export async function* writePack(objects: ObjectStore, oids: readonly string[]): AsyncGenerator<Uint8Array> {
  const checksum = createHash('sha1');
  const head = Buffer.alloc(12);
  head.write('PACK', 'latin1');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(oids.length, 8);
  checksum.update(head);
  yield head;
  for (const oid of oids) {
    const object = await objects.read(oid);
    const chunk = Buffer.concat([entryHead(object), await compress(object.content)]);
    checksum.update(chunk);
    yield chunk;
  }
  yield checksum.digest();
}

async function compress(content: Buffer): Promise<Buffer> {
  return content.length < SMALL_BYTES ? deflateSync(content) : deflateLater(content);
}

/** Type and inflated length: 4 bits, then 7 bits a byte, lowest first. */
function entryHead({ type, content }: GitObject): Buffer {
  let rest = Math.floor(content.length / 16);
  const bytes = [(TYPE_NUMBER[type] << 4) | (content.length % 16)];
  while (rest > 0) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest % 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from(bytes);
}
