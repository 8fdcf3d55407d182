// Writes a pack of whole objects as a stream. No deltas: what is pushed at once is small, and git repacks it anyway.

import { createHash } from 'node:crypto';
import { deflateBytes, deflateStream, UPLOAD_LEVEL } from '../objects/inflate.ts';
import { packEntryHead, packHeader } from '../objects/pack-entry.ts';
import type { ObjectStore, ObjectStream } from '../types.ts';

/** Larger contents are deflated piece by piece, so that memory does not grow with them. */
const WHOLE_BYTES = 1024 * 1024;

/** The pack's bytes, one chunk or more an object; `onObject` is called after each. @throws Failure `object-missing`, `object-corrupt` */
export async function* writePack(
  objects: ObjectStore,
  oids: readonly string[],
  onObject?: () => void,
): AsyncGenerator<Uint8Array> {
  const checksum = createHash('sha1');
  const head = packHeader(oids.length);
  checksum.update(head);
  yield head;
  for (const oid of oids) {
    for await (const chunk of entryOf(await objects.open(oid))) {
      checksum.update(chunk);
      yield chunk;
    }
    onObject?.();
  }
  yield checksum.digest();
}

async function* entryOf({ type, sizeBytes, chunks }: ObjectStream): AsyncGenerator<Uint8Array> {
  const head = packEntryHead(type, sizeBytes);
  if (sizeBytes > WHOLE_BYTES) {
    yield head;
    yield* deflateStream(chunks, UPLOAD_LEVEL);
    return;
  }
  const content: Uint8Array[] = [];
  for await (const chunk of chunks) content.push(chunk);
  yield Buffer.concat([head, await deflateBytes(Buffer.concat(content), UPLOAD_LEVEL)]);
}
