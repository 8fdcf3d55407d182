// What the scanner and its threads say to each other: plain data only.

import type { Reason } from '../../model/failure.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import type { Environment } from '../config/user-config.ts';
import type { Head } from '../types.ts';
import type { LookStamp } from './look-stamp.ts';

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

/** What is to be found out, and what else is to stay the same while that counts. */
export type ScanAim = {
  /** Of a branch that fits none of these patterns a person's own push is news; null: of none is it. */
  readonly syncBranches: readonly string[] | null;
  /** Files of the work tree that whoever asks has read. */
  readonly alsoRead: readonly string[];
};

export type LookAgain = { readonly worktree: string; readonly stamp: LookStamp };

/** `now` is epoch milliseconds. */
export type ScanOrder =
  | ({
      readonly kind: 'scan';
      readonly id: number;
      readonly worktree: string;
      readonly now: number;
    } & ScanAim)
  | { readonly kind: 'look-again'; readonly id: number; readonly looks: readonly LookAgain[] }
  | { readonly kind: 'abort'; readonly id: number };

/** `stamp` is null where the same result cannot be foretold; `same` answers each look. */
export type ScanAnswer = { readonly id: number } & (
  | { readonly result: ScanResult; readonly stamp: LookStamp | null }
  | { readonly same: readonly boolean[] }
  | { readonly failure: { readonly code: FailureCode; readonly detail: string; readonly action: string } }
  | { readonly bug: string }
);
