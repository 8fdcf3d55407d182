// Git's packet lines: four hexadecimal digits of length, then that many bytes less four. `0000` is a flush.
// Knows nothing about what the packets mean.

import { Failure } from '../../model/failure.ts';

export const FLUSH_PACKET = Buffer.from('0000', 'latin1');

/** Longest payload of one packet, in bytes. */
const MAX_PAYLOAD_BYTES = 65_516;

/** One packet; text is UTF-8. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
  if (bytes.length > MAX_PAYLOAD_BYTES) throw new RangeError(`packet of ${bytes.length} bytes is too long`);
  const length = (bytes.length + 4).toString(16).padStart(4, '0');
  return Buffer.concat([Buffer.from(length, 'latin1'), bytes]);
}

/**
 * Reads packets as their bytes arrive; null is a flush.
 * @throws Failure `remote-invalid-answer` when a length is none, or the bytes end inside a packet
 */
export async function* readPackets(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer | null> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const next = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    pending = pending.length === 0 ? next : Buffer.concat([pending, next]);
    let offset = 0;
    for (let end = packetEnd(pending, offset); end !== null; end = packetEnd(pending, offset)) {
      yield end - offset === 4 && pending.toString('latin1', offset, end) === '0000'
        ? null
        : pending.subarray(offset + 4, end);
      offset = end;
    }
    pending = pending.subarray(offset);
  }
  if (pending.length > 0) {
    throw new Failure(
      'remote-invalid-answer',
      `the answer ends inside a packet after ${pending.length} bytes`,
    );
  }
}

/** Where the packet at `offset` ends; null when it has not arrived completely. */
function packetEnd(bytes: Buffer, offset: number): number | null {
  if (bytes.length - offset < 4) return null;
  const digits = bytes.toString('latin1', offset, offset + 4);
  // 0001 and 0002 belong to protocol version 2, which is never asked for; 0003 means nothing.
  const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (Number.isNaN(length) || (length > 0 && length < 4)) {
    throw new Failure(
      'remote-invalid-answer',
      `the answer has ${JSON.stringify(digits)} where a packet length belongs`,
    );
  }
  const end = offset + (length === 0 ? 4 : length);
  return end <= bytes.length ? end : null;
}
