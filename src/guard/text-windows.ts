// Turns file content into the texts that are searched: windows of bounded size, so that memory and the time
// between two turns of the event loop do not grow with the file.

import { isAscii } from 'node:buffer';

const WINDOW_BYTES = 256 * 1024;
/** Longer than any secret that is looked for, so that none is cut in two. */
const OVERLAP_BYTES = 16 * 1024;
// Stands for every byte that is not ASCII: neither letter, digit nor blank, so it cannot hide a token beside it.
const OTHER = 0xa4;

/** `from`: matches before it were seen in the window before. `line`: 1-based line of the first character. */
export type TextWindow = { readonly text: string; readonly from: number; readonly line: number };

/**
 * Secrets are ASCII, so bytes are read as single characters, whatever the encoding; UTF-16 is decoded first,
 * also without a byte order mark when every other byte is zero.
 */
export function* textWindows(content: Uint8Array): Generator<TextWindow> {
  const bytes = toSingleBytes(content);
  let line = 1;
  for (let start = 0; start < bytes.length || start === 0; ) {
    const end = Math.min(start + WINDOW_BYTES, bytes.length);
    const text = toText(bytes.subarray(start, end));
    yield { text, from: start === 0 ? 0 : 64, line };
    if (end === bytes.length) return;
    const next = end - OVERLAP_BYTES;
    line += countLines(text, next - start);
    start = next;
  }
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

function toSingleBytes(content: Uint8Array): Buffer {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3);
  const low = lowByteOffset(bytes);
  if (low === null) return bytes;
  const narrow = Buffer.alloc(bytes.length >> 1);
  for (let at = 0; at < narrow.length; at++) {
    const high = bytes[at * 2 + (1 - low)] ?? 0;
    narrow[at] = high === 0 ? (bytes[at * 2 + low] ?? 0) : OTHER;
  }
  // The byte order mark became one character that is no text.
  return bytes[0] === 0xff || bytes[0] === 0xfe ? narrow.subarray(1) : narrow;
}

/** Which byte of each UTF-16 pair carries ASCII: 0 little-endian, 1 big-endian, null: not UTF-16. */
function lowByteOffset(bytes: Buffer): 0 | 1 | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 0;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 1;
  const probe = Math.min(bytes.length, 512) & ~1;
  if (probe < 8) return null;
  const zeros = [0, 0];
  for (let at = 0; at < probe; at++) if (bytes[at] === 0) zeros[at & 1] = (zeros[at & 1] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > probe * 0.4 && even < probe * 0.05) return 0;
  return even > probe * 0.4 && odd < probe * 0.05 ? 1 : null;
}
