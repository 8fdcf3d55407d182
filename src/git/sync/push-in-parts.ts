// A branch that a host takes in no single push, because there is too much of it, is brought there by some of its
// commits first: each part is an ordinary push of an older commit of the branch, so nothing is ever forced.

import { Failure } from '../../model/failure.ts';
import { walkAhead } from '../remote/commit-walk.ts';
import { isAncestor } from '../remote/history.ts';
import type { ObjectStore } from '../types.ts';

const MOST_COMMITS = 100_000;

type Parts = {
  objects: ObjectStore;
  tip: string;
  /** The remote's tip, as known; null: not known, or none. */
  known: string | null;
  /** Pushes this commit of the branch. `known` is where the remote is by now. @throws Failure */
  push(tip: string, known: string | null): Promise<void>;
};

/** As one push where that goes. @throws Failure as `push`; `push-too-large` when a single commit is too much */
export async function pushInParts({ objects, tip, known, push }: Parts): Promise<void> {
  const waiting = [tip];
  let there = known;
  for (let next = waiting.at(-1); next !== undefined; next = waiting.at(-1)) {
    try {
      await push(next, there);
      there = next;
      waiting.pop();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { remoteTip } = error.data;
      if (error.code === 'remote-ahead' && next !== tip && typeof remoteTip === 'string') {
        // It had more than was known: what was to come first is there.
        there = remoteTip;
        waiting.pop();
        continue;
      }
      if (error.code !== 'push-too-large') throw error;
      const middle = await middleOf(objects, next, there);
      if (middle === null) throw tooLarge(error, next);
      waiting.push(middle);
    }
  }
}

/** A commit half-way down the branch's own line, which the remote's tip leads to; null when there is none between. */
async function middleOf(objects: ObjectStore, tip: string, there: string | null): Promise<string | null> {
  const walk = await walkAhead({
    objects,
    tip,
    known: there === null ? [] : [there],
    limit: MOST_COMMITS,
  });
  const ahead = new Map(walk.ahead.map((commit) => [commit.oid, commit]));
  const line: string[] = [];
  for (let at = ahead.get(tip)?.parents[0]; at !== undefined && ahead.has(at); ) {
    line.push(at);
    at = ahead.get(at)?.parents[0];
  }
  for (let half = Math.floor(line.length / 2); half >= 0; half = half === 0 ? -1 : Math.floor(half / 2)) {
    const middle = line[half];
    if (middle === undefined) return null;
    if (there === null || (await isAncestor(objects, there, middle, MOST_COMMITS)) === 'yes') return middle;
  }
  return null;
}

function tooLarge(error: Failure, commit: string): Failure {
  return new Failure(
    'push-too-large',
    `${error.message} The commit ${commit.slice(0, 10)} alone is too large.`,
    {
      cause: error,
      data: error.data,
      action:
        'Divide this commit (`git rebase -i`, only what is not pushed), or keep large files in Git LFS.',
    },
  );
}
