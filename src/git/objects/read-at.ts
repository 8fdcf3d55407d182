// Positioned reads of pack files and their indexes that come back whole or not at all.

import type { OpenFile } from '../../host/open-file.ts';
import { Failure } from '../../model/failure.ts';

/** Exactly `length` bytes from `position`. @throws Failure `object-corrupt` when the file ends before */
export async function readAt(
  file: OpenFile,
  position: number,
  length: number,
  path: string,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw damaged(path, `it ends at ${position + filled}`);
    filled += bytesRead;
  }
  return buffer;
}

export function damaged(path: string, detail: string, cause?: unknown): Failure {
  return new Failure('object-corrupt', `The pack file ${path} is damaged: ${detail}.`, { cause });
}
