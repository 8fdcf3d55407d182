// What the scanner and its threads say to each other: plain data only.

import type { Reason } from '../../model/failure.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import type { Environment } from '../config/user-config.ts';
import type { Head } from '../types.ts';

/**
 * `branches` are the tips of all local branches by their short names. `work` differs when HEAD or what differs from it
 * does; null where that is not known.
 */
export type ScanResult =
  | { readonly kind: 'blocked'; readonly reason: Reason; readonly work: string | null }
  | {
      readonly kind: 'changes';
      readonly head: Head;
      /** Files that differ from HEAD. */
      readonly changes: number;
      /** Files that could not be read, and so not compared. */
      readonly unreadable: number;
      readonly branches: Readonly<Record<string, string>>;
      readonly work: string | null;
    };

/** Given to a thread at its start. `env` holds only what git's configuration depends on. */
export type ScanSetup = { readonly env: Environment; readonly homeDir: string };

/** `now` is epoch milliseconds. */
export type ScanOrder =
  | { readonly kind: 'scan'; readonly id: number; readonly worktree: string; readonly now: number }
  | { readonly kind: 'abort'; readonly id: number };

export type ScanAnswer = { readonly id: number } & (
  | { readonly result: ScanResult }
  | { readonly failure: { readonly code: FailureCode; readonly detail: string; readonly action: string } }
  | { readonly bug: string }
);
