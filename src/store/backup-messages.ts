// What backup.ts and its thread say to each other.

import type { FailureCode } from '../model/failure-codes.ts';

/** `part` does not exist yet. */
export type BackupOrder = { source: string; part: string };
export type BackupAnswer =
  | { sizeBytes: number }
  | { failure: { code: FailureCode; detail: string } }
  | { bug: string };
