// Deflate and inflate that never hold the event loop for long: small inputs at once (a thread costs more),
// larger ones on the thread pool.

import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  constants,
  createDeflate,
  createInflate,
  deflate,
  deflateSync,
  inflate,
  inflateSync,
} from 'node:zlib';

const SYNC_LIMIT_BYTES = 65_536;
// Loose objects are short-lived (gc packs them again), so speed counts and not the last byte.
export const LOOSE_LEVEL = 1;
// Over a network bytes count more.
export const UPLOAD_LEVEL = 6;

const inflateAsync = promisify(inflate);
const deflateAsync = promisify(deflate);

export async function deflateBytes(bytes: Uint8Array, level: number): Promise<Buffer> {
  return bytes.length <= SYNC_LIMIT_BYTES ? deflateSync(bytes, { level }) : deflateAsync(bytes, { level });
}

/** Deflates piece by piece, in flat memory. */
export async function* deflateStream(
  chunks: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks);
  const deflated = createDeflate({ level });
  // A fault of either ends the loop below, which tells it.
  pipeline(source, deflated, () => undefined);
  try {
    for await (const chunk of deflated) yield chunk as Buffer;
  } finally {
    source.destroy();
    deflated.destroy();
  }
}

/**
 * Inflates a whole stream; bytes after its end are ignored. Rejects when the stream is damaged or ends early.
 */
export async function inflateBytes(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.length <= SYNC_LIMIT_BYTES / 4) return inflateSync(bytes);
  return inflateAsync(bytes);
}

/**
 * Inflates a stream that should hold exactly `sizeBytes`, from a window that may end too early: then the answer is
 * shorter. Rejects when the stream is damaged or longer.
 */
export async function inflateWindow(window: Uint8Array, sizeBytes: number): Promise<Buffer> {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: Math.max(sizeBytes, 1) };
  if (sizeBytes <= SYNC_LIMIT_BYTES) return inflateSync(window, options);
  return inflateAsync(window, options);
}

/**
 * Inflates piece by piece, in flat memory; what follows the stream's end is ignored.
 * @throws what `fail` makes of damage, or of another length than `sizeBytes` (null: any)
 */
export async function* inflateStream(
  compressed: AsyncIterable<Uint8Array>,
  sizeBytes: number | null,
  fail: (cause: unknown) => Error,
): AsyncGenerator<Buffer> {
  const source = Readable.from(compressed);
  const inflated = createInflate();
  // A fault of either ends the loop below, which tells it.
  pipeline(source, inflated, () => undefined);
  let length = 0;
  try {
    for await (const chunk of inflated) {
      length += (chunk as Buffer).length;
      if (sizeBytes !== null && length > sizeBytes) throw fail(new Error(`more than ${sizeBytes} bytes`));
      yield chunk as Buffer;
    }
    if (sizeBytes !== null && length !== sizeBytes) throw fail(new Error(`${length} bytes of ${sizeBytes}`));
  } catch (error) {
    throw error instanceof Error && 'errno' in error ? fail(error) : error;
  } finally {
    source.destroy();
    inflated.destroy();
  }
}
