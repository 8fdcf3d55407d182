// Applies git's delta format: copy pieces of a base, insert new bytes. Pure; every read and copy is checked.

// More than this no Buffer of every runtime holds.
const LARGEST_BYTES = 2 ** 31 - 1;

/** The result, or null when the delta is damaged or belongs to another base. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer | null {
  const cursor = { at: 0 };
  const baseSize = readSize(delta, cursor);
  const size = readSize(delta, cursor);
  if (baseSize !== base.length || size === null || size > LARGEST_BYTES) return null;
  const out = Buffer.allocUnsafe(size);
  let filled = 0;
  while (cursor.at < delta.length) {
    const step = delta[cursor.at] ?? 0;
    cursor.at++;
    if (step === 0) return null;
    const source = step & 0x80 ? base : delta;
    const { from, length } = step & 0x80 ? readCopy(delta, cursor, step) : { from: cursor.at, length: step };
    if (from + length > source.length || filled + length > size) return null;
    source.copy(out, filled, from, from + length);
    if (!(step & 0x80)) cursor.at += length;
    filled += length;
  }
  return filled === size && cursor.at === delta.length ? out : null;
}

/** Seven bits a byte, lowest first. */
function readSize(delta: Buffer, cursor: { at: number }): number | null {
  let size = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = delta[cursor.at++];
    if (byte === undefined || scale > 2 ** 42) return null;
    size += (byte & 0x7f) * scale;
    if (!(byte & 0x80)) return size;
  }
}

/** Bits 0-3 say which bytes of the offset follow, bits 4-6 which of the length; length 0 means 65536. */
function readCopy(delta: Buffer, cursor: { at: number }, step: number): { from: number; length: number } {
  let from = 0;
  let length = 0;
  for (let bit = 0; bit < 4; bit++) if (step & (1 << bit)) from += (delta[cursor.at++] ?? 0) * 256 ** bit;
  for (let bit = 0; bit < 3; bit++) if (step & (16 << bit)) length += (delta[cursor.at++] ?? 0) * 256 ** bit;
  return { from, length: length === 0 ? 65_536 : length };
}
