// Who is ahead of whom, when a git program was refused a push: the same answers as the built-in engine's.

import { Failure } from '../../model/failure.ts';
import { isAncestor } from '../remote/history.ts';
import type { EnginePush } from '../sync/engine.ts';
import type { ObjectStore } from '../types.ts';

const MOST_WALKED_COMMITS = 100_000;

type Standing = Pick<EnginePush, 'branch' | 'tip' | 'assumed' | 'lastKnown'> & { objects: ObjectStore };

/** Whether a push over `there` would be a fast-forward. */
export async function isFastForward(
  { objects, tip }: Pick<Standing, 'objects' | 'tip'>,
  there: string,
): Promise<boolean> {
  if (!(await objects.has(there))) return false;
  return (await isAncestor(objects, there, tip, MOST_WALKED_COMMITS)) === 'yes';
}

/** Answers Failure `remote-ahead` or `remote-diverged`. */
export async function behindFailure(push: Standing, host: string, there: string): Promise<Failure> {
  const { objects, tip, branch } = push;
  const known = await objects.has(there);
  const data = { host, remoteTip: there, known };
  const text = `${branch} on ${host} is at ${there.slice(0, 10)}`;
  if (!known) {
    const lastKnown = push.lastKnown ?? push.assumed;
    return lastKnown !== null && lastKnown !== tip
      ? new Failure('remote-diverged', `${text}, which is not here, and there is work here.`, { data })
      : new Failure('remote-ahead', `${text}, which is not here.`, { data });
  }
  return (await isAncestor(objects, tip, there, MOST_WALKED_COMMITS)) === 'yes'
    ? new Failure('remote-ahead', `${text}, ahead of ${tip.slice(0, 10)} here.`, { data })
    : new Failure(
        'remote-diverged',
        `${text}, and ${tip.slice(0, 10)} is here: both have commits of their own.`,
        { data },
      );
}
