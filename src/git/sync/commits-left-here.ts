// A branch that is not synced is never pushed. What was committed to it by hand then lies on this machine alone, however
// clean the work tree is.

import { matchesBranch } from '../../model/branch-match.ts';
import { type Reason, reasonOf } from '../../model/failure.ts';
import { listRefs } from '../refs/refs.ts';
import { walkAhead } from '../remote/commit-walk.ts';
import { matchingBranches } from './push-branches.ts';
import type { SyncWork } from './sync-work.ts';

const REMOTES = 'refs/remotes/';
/** A snapshot on the remote keeps the work, but is not where a person would look for these commits. */
const SNAPSHOTS = 'auto/';
const MOST_COUNTED = 1_000;

/** Null when the remote has them all, or gets them by a branch that is synced. Asks nobody. */
export async function commitsLeftHere(work: SyncWork): Promise<Reason | null> {
  const { probe, github, objects } = work;
  const { branch, oid } = probe.head;
  const patterns = github.syncBranches;
  if (oid === null || matchesBranch(patterns, branch)) return null;
  const known = [
    ...(await onRemotes(work)),
    ...(await matchingBranches(work)).filter(isNoSnapshot).map(tipOf),
  ];
  const { ahead, complete } = await walkAhead({ objects, tip: oid, known, limit: MOST_COUNTED });
  if (ahead.length === 0 && complete) return null;
  const count = complete ? String(ahead.length) : `more than ${MOST_COUNTED}`;
  const commits = count === '1' ? '1 commit of' : `${count} commits of`;
  const verb = count === '1' ? 'is' : 'are';
  return reasonOf(
    'branch-not-synced',
    `${commits} ${branch} ${verb} on no remote: the branch matches none of ${patterns.join(', ')}.`,
  );
}

async function onRemotes({ probe, facts }: SyncWork): Promise<string[]> {
  const tracked = [...(await listRefs(probe.repo, REMOTES))]
    .map(([ref, oid]): [string, string] => [ref.slice(REMOTES.length).replace(/^[^/]+\//, ''), oid])
    .filter(isNoSnapshot);
  return [...tracked, ...Object.entries(facts.remoteTips).filter(isNoSnapshot)].map(tipOf);
}

function isNoSnapshot([branch]: readonly [string, string]): boolean {
  return !branch.startsWith(SNAPSHOTS);
}

function tipOf([, tip]: readonly [string, string]): string {
  return tip;
}
