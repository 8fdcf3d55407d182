// A branch beside the remote's own, for work that cannot be brought together with it yet. Never forced: when the work
// was written anew (amended, rebased), what was put aside before stays, and a further branch takes the new.

import { Failure } from '../../model/failure.ts';
import { conflictBranchName } from '../integrate/conflict-branch.ts';
import { isAncestor } from '../remote/history.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import type { SyncWork } from './sync-work.ts';

/** Names that are tried; whoever needs more of them has a matter to clean up first. */
const MOST_NAMES = 100;
/** A history that does not decide within so many commits is left for the push to judge. */
const MOST_WALKED = 10_000;

type Aside = { branch: string; tip: string };

/** Answers the side branch of the remote that has `tip`. @throws Failure as the engine's push */
export async function pushAside(work: SyncWork, remote: ChosenRemote, aside: Aside): Promise<string> {
  const first = conflictBranchName(work.machineId, aside.branch);
  for (let number = 1; ; number++) {
    const name = number === 1 ? first : `${first}-${number}`;
    const isLast = number === MOST_NAMES;
    if (!isLast && (await holdsOther(work, name, aside.tip))) continue;
    try {
      await pushOnce(work, remote, name, aside.tip);
      return name;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // Ahead by commits that are here: the branch has this work, and more.
      if (error.code === 'remote-ahead' && error.data.known === true) return name;
      if (isLast || (error.code !== 'remote-ahead' && error.code !== 'remote-diverged')) throw error;
    }
  }
}

async function holdsOther({ facts, objects }: SyncWork, name: string, tip: string): Promise<boolean> {
  const known = facts.remoteTips[name];
  if (known === undefined || (await isAncestor(objects, known, tip, MOST_WALKED)) !== 'no') return false;
  return (await isAncestor(objects, tip, known, MOST_WALKED)) === 'no';
}

async function pushOnce(work: SyncWork, remote: ChosenRemote, branch: string, tip: string): Promise<void> {
  const known = work.facts.remoteTips[branch] ?? null;
  if (known === tip) return;
  const { status, from, to, bytes } = await work.engine.push({
    ...{ remote, branch, tip, assumed: null, lastKnown: known, signal: work.signal },
  });
  work.stats.remotes.push({ name: remote.name, branch, status, from, to });
  work.stats.bytesPushed += bytes;
  work.facts.remoteTips = { ...work.facts.remoteTips, [branch]: tip };
}
