// Translates the operating system's errors into failures, by code. Knows no git format.

import { Failure } from '../model/failure.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const REFUSED = new Set(['EACCES', 'EPERM', 'EROFS']);
const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** The system's code of an error (`ENOENT`), or the empty string. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Nothing is at that path, also because a folder on the way is a file. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.has(errorCode(error));
}

/** What was found; null when nothing is at that path. */
export async function unlessAbsent<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** For a failed write under .git: `disk-full`, `write-refused`, or the error itself. */
export function writeFailure(error: unknown, path: string): unknown {
  if (error instanceof Failure) return error;
  const code = errorCode(error);
  if (FULL.has(code)) return new Failure('disk-full', `No space left to write ${path}.`, { cause: error });
  if (REFUSED.has(code))
    return new Failure('write-refused', `Cannot write ${path}: ${code}.`, { cause: error });
  return error;
}

/** For a failed read in the work tree: `file-unreadable`, `file-changing` when it has gone, or the error itself. */
export function readFailure(error: unknown, path: string): unknown {
  if (error instanceof Failure) return error;
  const code = errorCode(error);
  if (ABSENT.has(code) || code === 'ELOOP' || code === 'EISDIR' || code === 'EINVAL') {
    return new Failure('file-changing', `${path} changed while it was read.`, {
      data: { path },
      cause: error,
    });
  }
  if (REFUSED.has(code))
    return new Failure('file-unreadable', `Cannot read ${path}: ${code}.`, { cause: error });
  return error;
}
