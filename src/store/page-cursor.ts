// Cursors of paged lists: opaque to callers, the sort key of the last row inside.

import { Buffer } from 'node:buffer';
import type { z } from 'zod';
import { Failure } from '../model/failure.ts';

export function writeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Null stands for the beginning. @throws Failure `invalid-request` for a cursor that this list did not give out */
export function readCursor<T>(cursor: string | null, schema: z.ZodType<T>): T | null {
  if (cursor === null) return null;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch (cause) {
    throw new Failure(
      'invalid-request',
      `The cursor "${cursor.slice(0, 200)}" is none that this list gave out.`,
      {
        cause,
        action: 'Pass nextCursor of the previous page unchanged, or none to begin at the start.',
      },
    );
  }
}
