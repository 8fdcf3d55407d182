// Turns file content into the texts that are searched: windows of bounded size, so that memory and the time
// between two turns of the event loop do not grow with the file.

import { isAscii } from 'node:buffer';
import type { Content } from '../model/content.ts';

const WINDOW_BYTES = 256 * 1024;
/** Longer than any secret that is looked for, so that none is cut in two. */
const OVERLAP_BYTES = 16 * 1024;
/** So much of the beginning tells UTF-16 without a mark. */
const PROBED_BYTES = 512;
// Stands for every byte that is not ASCII: neither letter, digit nor blank, so it cannot hide a token beside it.
const OTHER = 0xa4;

/** `from`: matches before it were seen in the window before. `line`: 1-based line of the first character. */
export type TextWindow = { readonly text: string; readonly from: number; readonly line: number };

/**
 * Secrets are ASCII, so bytes are read as single characters, whatever the encoding; UTF-16 is decoded first,
 * also without a byte order mark when every other byte is zero.
 */
export async function* textWindows(content: Content): AsyncGenerator<TextWindow> {
  let line = 1;
  let isFirst = true;
  let bytes: Buffer = Buffer.alloc(0);
  const windowOf = (end: number): TextWindow => {
    const window = { text: toText(bytes.subarray(0, end)), from: isFirst ? 0 : 64, line };
    isFirst = false;
    return window;
  };
  for await (const more of singleBytes(content)) {
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
    while (bytes.length > WINDOW_BYTES) {
      const window = windowOf(WINDOW_BYTES);
      yield window;
      line += countLines(window.text, WINDOW_BYTES - OVERLAP_BYTES);
      bytes = bytes.subarray(WINDOW_BYTES - OVERLAP_BYTES);
    }
  }
  yield windowOf(bytes.length);
}

/** Line breaks before `end`. */
export function countLines(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

function toText(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  const plain = Buffer.from(bytes);
  for (let at = 0; at < plain.length; at++) if ((plain[at] ?? 0) > 0x7f) plain[at] = OTHER;
  return plain.toString('latin1');
}

/** One byte a character, whatever the encoding; the beginning tells which it is. */
async function* singleBytes(content: Content): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let low: 0 | 1 | null | undefined;
  for await (const piece of content instanceof Uint8Array ? [content] : content) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (low === undefined) {
      if (rest.length < PROBED_BYTES) continue;
      low = lowByteOffset(rest);
      rest = withoutMark(rest);
    }
    // Of an odd number the last byte waits for its pair.
    const whole = low === null ? rest.length : rest.length & ~1;
    yield narrowed(rest.subarray(0, whole), low);
    rest = rest.subarray(whole);
  }
  if (low === undefined) {
    low = lowByteOffset(rest);
    rest = withoutMark(rest);
  }
  yield narrowed(rest, low);
}

/** A byte order mark is no text. */
function withoutMark(bytes: Buffer): Buffer {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3);
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return isWide ? bytes.subarray(2) : bytes;
}

function narrowed(bytes: Buffer, low: 0 | 1 | null): Buffer {
  if (low === null) return bytes;
  const narrow = Buffer.alloc(bytes.length >> 1);
  for (let at = 0; at < narrow.length; at++) {
    const high = bytes[at * 2 + (1 - low)] ?? 0;
    narrow[at] = high === 0 ? (bytes[at * 2 + low] ?? 0) : OTHER;
  }
  return narrow;
}

/** Which byte of each UTF-16 pair carries ASCII: 0 little-endian, 1 big-endian, null: not UTF-16. */
function lowByteOffset(bytes: Buffer): 0 | 1 | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 0;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 1;
  const probe = Math.min(bytes.length, PROBED_BYTES) & ~1;
  if (probe < 8) return null;
  const zeros = [0, 0];
  for (let at = 0; at < probe; at++) if (bytes[at] === 0) zeros[at & 1] = (zeros[at & 1] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > probe * 0.4 && even < probe * 0.05) return 0;
  return even > probe * 0.4 && odd < probe * 0.05 ? 1 : null;
}
