// Brings what the remote has into a local branch: fast-forward, else a merge or a rebase made in memory, else an answer
// that says why not. The work tree is touched last and only where it is unmodified. Nothing is forced.

import type { Clock, Random } from '../../host/clock.ts';
import type { ConflictFile } from '../../model/conflict.ts';
import { Failure, type Reason, reasonOf } from '../../model/failure.ts';
import type { GitConfig } from '../config/config-values.ts';
import type { Environment } from '../config/user-config.ts';
import { signature } from '../objects/commit-object.ts';
import { isAncestor } from '../remote/history.ts';
import type { Head, Identity, ObjectStore, Repository } from '../types.ts';
import { refuseBranchInUse } from './branch-in-use.ts';
import { conflictFileOf } from './conflict-files.ts';
import { readGeneralAttributes } from './general-attributes.ts';
import { mergeCommits } from './merge-commits.ts';
import { differencesOf, moveBranch } from './move-branch.ts';
import type { Maker } from './new-commits.ts';
import { rebaseCommits } from './rebase.ts';
import { builtinTools, type WorkTreeTools } from './work-tree-tools.ts';

export type IntegratePorts = {
  repo: Repository;
  objects: ObjectStore;
  /** As probed; a branch other than HEAD's moves without the work tree. */
  head: Head;
  /** Without `refs/heads/`. */
  branch: string;
  /** The local branch's commit; null: HEAD's branch has none yet. */
  ours: string | null;
  /** What the remote has; all of it is here. */
  theirs: string;
  machineId: string;
  /** Who merges. */
  identity: Identity;
  config: GitConfig;
  /** Left out: the built-in engine's. */
  tools?: WorkTreeTools | undefined;
  env: Environment;
  homeDir: string;
  /** Whether a merge commit names the machine; default true. */
  trailers?: boolean;
  clock: Clock;
  random: Random;
  fsync: boolean;
  signal: AbortSignal;
  faultPoint?: (name: string) => void | Promise<void>;
};

export type IntegrateInput = IntegratePorts & {
  /** `merge` is the default of projects: `rebase` rewrites commits that were not pushed yet. */
  policy: 'ff' | 'rebase' | 'merge' | 'off';
};

export type IntegrateAnswer =
  | { kind: 'up-to-date' }
  | { kind: 'advanced'; to: string; how: 'fast-forward' | 'merge' | 'rebase'; files: number }
  /** Nothing has changed; the reason names what stands in the way. */
  | { kind: 'held-back'; reason: Reason }
  /** Nothing has changed. Push ours to `conflictBranchName`, and let a person choose. */
  | { kind: 'conflict'; files: ConflictFile[] };

/** A history that does not decide within so many commits is not walked on. */
const MOST_COMMITS = 100_000;
/** Failures that are answers: a person has to act, nothing was changed. */
const HELD_BACK: ReadonlySet<string> = new Set([
  'integrate-blocked-by-local-changes',
  'branch-in-use',
  'remote-path-unsafe',
  'needs-system-git',
  'history-incomplete',
  'unrelated-histories',
]);

/**
 * The caller holds the repository lock and has called `finishMove`. Where a rebase meets a conflict or merges, it
 * merges instead. Idempotent: once theirs is in, the answer is `up-to-date`.
 * @throws Failure `ref-moved`, `index-busy`, `merge-in-progress` and its kin, `object-missing`, `object-corrupt`,
 *   `file-changing`, `file-unreadable`, `disk-full`, `write-refused`, `aborted`
 */
export async function integrateBranch(input: IntegrateInput): Promise<IntegrateAnswer> {
  return asAnswer(input, () => integrate(input));
}

async function integrate(input: IntegrateInput): Promise<IntegrateAnswer> {
  const { ours, theirs, policy, branch } = input;
  const mayRebase = input.tools?.mayRebase ?? true;
  const relation = await relationOf(input);
  if (relation === 'contained') return { kind: 'up-to-date' };
  if (policy === 'off') {
    const code = relation === 'behind' ? 'remote-ahead' : 'remote-diverged';
    return { kind: 'held-back', reason: reasonOf(code, `${branch} has other commits on the remote.`) };
  }
  if (ours === null || relation === 'behind') return advance(input, theirs, 'fast-forward');
  if (policy === 'ff') {
    const detail = `${branch} has commits of its own here and on the remote.`;
    return { kind: 'held-back', reason: reasonOf('remote-diverged', detail) };
  }
  const attributes = await readGeneralAttributes(input);
  const sides = { ...input, ours, attributes };
  if (policy === 'rebase' && mayRebase) {
    const rebased = await rebaseCommits({ ...sides, maker: makerOf(input) });
    if (rebased.kind === 'clean') return advance(input, rebased.oid, 'rebase');
  }
  const merge = await mergeCommits(sides);
  if (merge.kind === 'unrelated') throw unrelated(branch);
  if (merge.kind === 'conflict') return { kind: 'conflict', files: merge.conflicts.map(conflictFileOf) };
  return advanceToMerge(input, ours, merge.tree);
}

/** Expected obstacles become answers, and an abort its own failure. */
export async function asAnswer(
  { signal }: Pick<IntegratePorts, 'signal'>,
  work: () => Promise<IntegrateAnswer>,
): Promise<IntegrateAnswer> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted && error === signal.reason && !(error instanceof Failure)) {
      throw new Failure('aborted', 'The integration was called off before the branch moved.', {
        cause: error,
      });
    }
    if (!(error instanceof Failure) || !HELD_BACK.has(error.code)) throw error;
    return { kind: 'held-back', reason: error.reason };
  }
}

/** `contained`: nothing to bring in; `behind`: a fast-forward; else `diverged`. */
export async function relationOf({
  objects,
  ours,
  theirs,
}: Pick<IntegratePorts, 'objects' | 'ours' | 'theirs'>): Promise<'contained' | 'behind' | 'diverged'> {
  if (ours === null) return 'behind';
  if ((await isAncestor(objects, theirs, ours, MOST_COMMITS)) === 'yes') return 'contained';
  return (await isAncestor(objects, ours, theirs, MOST_COMMITS)) === 'yes' ? 'behind' : 'diverged';
}

export async function advanceToMerge(
  input: IntegratePorts,
  ours: string,
  tree: string,
  choice = '',
): Promise<IntegrateAnswer> {
  const { theirs, branch, machineId } = input;
  const subject = `Merge ${branch} of the remote${choice}`;
  const message = input.trailers === false ? subject : `${subject}\n\nGitferry-Machine: ${machineId}`;
  const { writeMerge } = input.tools ?? builtinTools(input);
  const merged = await writeMerge({ tree, ours, theirs, message }, makerOf(input));
  return advance(input, merged, 'merge');
}

export async function advance(
  input: IntegratePorts,
  to: string,
  how: 'fast-forward' | 'merge' | 'rebase',
): Promise<IntegrateAnswer> {
  const { repo, objects, head, branch, ours, fsync, clock, random } = input;
  const ref = `refs/heads/${branch}`;
  await input.faultPoint?.('prepared');
  input.signal.throwIfAborted();
  const { identity, at } = makerOf(input);
  const reflog = { message: reflogMessage(input.theirs, how), who: signature(identity, at) };
  if (head.kind === 'branch' && head.ref === ref) {
    const files = await moveBranch({ ...input, ref, from: ours, to, reflog });
    return { kind: 'advanced', to, how, files };
  }
  await refuseBranchInUse(repo, ref);
  const { moveRef } = input.tools ?? builtinTools(input);
  await moveRef({ ref, expected: ours, next: to, reflog, alsoHead: false, fsync, clock, random });
  const { length } = await differencesOf(objects, ours, to);
  return { kind: 'advanced', to, how, files: length };
}

function reflogMessage(theirs: string, how: 'fast-forward' | 'merge' | 'rebase'): string {
  const what = how === 'rebase' ? 'rebase (finish): onto' : 'merge';
  const result = { 'fast-forward': ': Fast-forward', merge: ': Merge made in memory', rebase: '' }[how];
  return `${what} ${theirs.slice(0, 10)}${result}`;
}

function makerOf({ identity, clock }: Pick<IntegratePorts, 'identity' | 'clock'>): Maker {
  const epochMs = clock.now();
  return { identity, at: { epochMs, offsetMinutes: -new Date(epochMs).getTimezoneOffset() } };
}

export function unrelated(branch: string): Failure {
  return new Failure('unrelated-histories', `${branch} here and on the remote have no commit in common.`);
}
