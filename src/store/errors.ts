// Translates what libSQL throws into failures of the product, by code. Knows no statement and no driver.
// What it does not know (a broken constraint, a typing error in SQL) is a bug and passes through unchanged.

import { Failure } from '../model/failure.ts';

const RESULT_CODES = {
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_CONSTRAINT: 19,
  SQLITE_NOTADB: 26,
} as const;
type ResultName = keyof typeof RESULT_CODES;

/** SQLite's primary result, from the number (local; may be an extended code) or the name (remote). */
function resultOf(error: unknown): ResultName | null {
  if (!(error instanceof Error)) return null;
  const { rawCode, code } = error as Error & { rawCode?: unknown; code?: unknown };
  for (const name of Object.keys(RESULT_CODES) as ResultName[]) {
    if (typeof rawCode === 'number' && (rawCode & 0xff) === RESULT_CODES[name]) return name;
    if (typeof code === 'string' && (code === name || code.startsWith(`${name}_`))) return name;
  }
  return null;
}

/** Another connection held the lock: nothing was written, trying again is safe. */
export function isBusy(error: unknown): boolean {
  const result = resultOf(error);
  return result === 'SQLITE_BUSY' || result === 'SQLITE_LOCKED';
}

/** A row that already exists, for example because another process was first. */
export function isConstraint(error: unknown): boolean {
  return resultOf(error) === 'SQLITE_CONSTRAINT';
}

/**
 * The failure that a person can act on, or the error itself when it is a bug. `name` is the file or the address
 * without credentials.
 */
export function translateSqliteError(error: unknown, name: string): unknown {
  if (error instanceof Failure) return error;
  switch (resultOf(error)) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return new Failure('database-busy', `The database ${name} is locked by another process.`, {
        cause: error,
      });
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
      return new Failure('database-read-only', `The database ${name} cannot be written to.`, {
        cause: error,
      });
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return new Failure('database-corrupt', `${name} is damaged or not a database.`, { cause: error });
    case 'SQLITE_FULL':
      return new Failure('disk-full', `No space is left for the database ${name}.`, { cause: error });
    case 'SQLITE_IOERR':
      return new Failure('database-unreachable', `The disk failed while using the database ${name}.`, {
        cause: error,
        action: 'Check the disk and the system log; it is tried again by itself.',
      });
    default:
      return error;
  }
}
