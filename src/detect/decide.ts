// Pure: whether what a scan found needs a sync. Knows neither the disk nor the queue.

import type { Head } from '../git/types.ts';
import { matchesBranch } from '../model/branch-match.ts';
import type { Reason } from '../model/failure.ts';
import type { GithubConfig } from '../model/project-config.ts';

/** What a look at the disk found. `branches`: tips of the local branches, by name. */
export type LocalState =
  | { readonly kind: 'blocked'; readonly reason: Reason }
  | {
      readonly kind: 'changes';
      readonly head: Head;
      /** Files that differ from HEAD, held ones counted. */
      readonly changes: number;
      /** Files that could not be read and so not compared. */
      readonly unreadable: number;
      readonly branches: Readonly<Record<string, string>>;
    };

export type ScanInput = {
  scan: LocalState;
  /** The rest is what the last sync left. `remoteTips` by branch name. */
  branch: string | null;
  pendingFiles: number;
  heldFiles: number;
  remoteTips: Readonly<Record<string, string>>;
  previousBlocked: Reason | null;
  everSafe: boolean;
  syncBranches: readonly string[];
  mode: GithubConfig['mode'];
};

export type ScanDecision =
  | {
      readonly kind: 'enqueue';
      readonly reason: 'blocked' | 'unblocked' | 'changes' | 'branch-switched' | 'unpushed' | 'never-safe';
    }
  | { readonly kind: 'skip'; readonly reason: 'blocked' | 'no-change' };

/** The first rule that holds wins. */
export function decideScan(input: ScanInput): ScanDecision {
  const { scan, previousBlocked } = input;
  if (scan.kind === 'blocked') {
    // The detail may tell an age or a count, which is no news.
    const known = previousBlocked?.code === scan.reason.code;
    return known ? { kind: 'skip', reason: 'blocked' } : { kind: 'enqueue', reason: 'blocked' };
  }
  const branch = scan.head.kind === 'branch' ? scan.head.branch : null;
  const isSynced = branch !== null && matchesBranch(input.syncBranches, branch);
  const isStill = previousBlocked?.code === 'branch-not-synced' && !isSynced;
  // Whether a person has pushed what it has of its own since, or it has more, whoever compares the looks knows.
  if (isStill && !hasUnpushed(input)) return { kind: 'skip', reason: 'blocked' };
  // Some reasons (a missing remote, a conflict, an identity) cannot be seen here: a sync finds out.
  if (previousBlocked !== null) return { kind: 'enqueue', reason: 'unblocked' };
  if (branch !== input.branch) return { kind: 'enqueue', reason: 'branch-switched' };
  // Fewer than are held or known to wait is news, too: the page would show them for ever.
  const pending = scan.changes + scan.unreadable - input.heldFiles;
  if (input.mode !== 'push' && (pending !== 0 || input.pendingFiles !== 0)) {
    return { kind: 'enqueue', reason: 'changes' };
  }
  if (hasUnpushed(input)) return { kind: 'enqueue', reason: 'unpushed' };
  if (!input.everSafe) return { kind: 'enqueue', reason: 'never-safe' };
  return { kind: 'skip', reason: 'no-change' };
}

function hasUnpushed({ scan, syncBranches, remoteTips }: ScanInput): boolean {
  if (scan.kind === 'blocked') return false;
  return Object.entries(scan.branches).some(
    ([branch, tip]) => matchesBranch(syncBranches, branch) && remoteTips[branch] !== tip,
  );
}
