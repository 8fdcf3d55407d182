// Lets old snapshots go on this machine. What was pushed is never rewritten and never deleted on a remote: a month's
// branch of snapshots is let go here, as a whole, when a newer one goes on, the policy offers nothing of it any more
// and the remote is known to have all of it. Until then the list alone leaves out what the policy does.

import type { Clock, Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { listRefs, readRef } from '../refs/refs.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { dropRef } from './drop-ref.ts';
import { longestOf, type RetentionPolicy } from './retention.ts';
import { type Generation, listGenerations, refuseInUse, shortName } from './snapshot-refs.ts';

export type ThinInput = {
  repo: Repository;
  objects: ObjectStore;
  policy: RetentionPolicy;
  /** Epoch milliseconds. */
  now: number;
  /** Tips of the remote's branches as last seen or pushed, by name. */
  remoteTips: Readonly<Record<string, string>>;
  /** Name of the remote whose tracking refs go with them; null for none. */
  remote: string | null;
  clock: Clock;
  random: Random;
  /** Called at the named steps of dropping a ref, so that tests can end the process there. */
  faultPoint?: (name: string) => void | Promise<void>;
};

/** Whether there is more than one generation of some branch: without, there is nothing to let go. Reads names only. */
export async function hasOldGenerations(repo: Repository): Promise<boolean> {
  const names = [...(await listRefs(repo, 'refs/heads/auto/')).keys()];
  return names.some((ref) => /@\d{4}-\d{2}$/.test(ref)) && names.length > 1;
}

/**
 * Answers the refs that were let go. The caller holds the repository lock. Idempotent; a branch that is checked out
 * or in use at the moment stays for another time.
 * @throws Failure `write-refused`, `object-missing`, `object-corrupt`
 */
export async function thin(input: ThinInput): Promise<string[]> {
  const generations = await listGenerations(input.repo, input.objects);
  const dropped: string[] = [];
  for (const generation of whichToDrop(generations, input)) {
    if (await letGo(generation, input)) dropped.push(generation.ref);
  }
  return dropped;
}

/** Generations come sorted, oldest first; the newest of each branch is the one that goes on. */
function whichToDrop(generations: readonly Generation[], input: ThinInput): Generation[] {
  const oldestOffered = input.now - longestOf(input.policy);
  return generations.filter(
    ({ ref, branch, tip }, at) =>
      generations[at + 1]?.branch === branch &&
      tip.at < oldestOffered &&
      input.remoteTips[shortName(ref)] === tip.id,
  );
}

async function letGo({ ref, tip }: Generation, input: ThinInput): Promise<boolean> {
  const { repo, remote, clock, random } = input;
  const wait = { clock, random };
  const point = input.faultPoint ? { faultPoint: input.faultPoint } : {};
  try {
    await refuseInUse(repo, ref);
    // A memory of the remote; git makes it anew when a person fetches. First, because it is looked for by the branch.
    const tracking = remote === null ? null : `refs/remotes/${remote}/${shortName(ref)}`;
    if (tracking !== null && (await readRef(repo, tracking)) === tip.id) {
      await dropRef(repo, { ref: tracking, expected: tip.id, wait, ...point });
    }
    await dropRef(repo, { ref, expected: tip.id, wait, ...point });
    return true;
  } catch (error) {
    const isInUse =
      error instanceof Failure &&
      ['ref-moved', 'snapshot-branch-checked-out', 'snapshot-branch-foreign'].includes(error.code);
    if (isInUse) return false;
    throw error;
  }
}
