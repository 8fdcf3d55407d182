// Work that cannot be committed where it belongs (mode `snapshot`; a merge or rebase in progress; a detached HEAD) goes
// to `auto/<branch>` all the same: HEAD, index and files stay as they are.

import { Failure, type Reason, reasonOf } from '../../model/failure.ts';
import { type FailureCode, PROTECTED_CODES } from '../../model/failure-codes.ts';
import { phaseBegun } from '../../model/progress.ts';
import type { ProjectFacts } from '../../model/project.ts';
import { NO_STATS, type RunStats } from '../../model/run.ts';
import { openRepository } from '../repository.ts';
import { type Protection, protect } from '../snapshot/protect.ts';
import { pushSnapshots, type SnapshotPush } from './push-snapshots.ts';
import { takeRepositoryLock } from './repository-lock.ts';
import type { ChangeGuard, SyncPorts } from './sync-ports.ts';
import type { SyncInput } from './sync-work.ts';

/** Whether a project that is blocked by this is protected by snapshots meanwhile. */
export function isProtected(code: FailureCode): boolean {
  return PROTECTED_CODES.has(code);
}

/**
 * What was learned, whatever became of it. `standing` says why not everything here is on the remote although nothing
 * failed; `failure` is that of the push.
 */
export type ProtectedWork = {
  facts: ProjectFacts;
  stats: RunStats;
  standing: Reason | null;
  failure: Failure | null;
  /** The snapshot branch that has all of now, held files aside; null: there is none, or none was needed. */
  kept: { on: string; isOnRemote: boolean } | null;
};

/**
 * Takes a snapshot if anything would be lost without it, and pushes every snapshot that the remote lacks, also those of
 * earlier times. @throws Failure when none could be taken
 */
export async function protectWork(
  input: SyncInput,
  facts: ProjectFacts,
  { always }: { always: boolean },
  ports: SyncPorts,
): Promise<ProtectedWork> {
  const lock = await takeRepositoryLock(await openRepository(input.worktree), ports);
  const work: SnapshotPush = {
    input,
    facts: { ...facts },
    stats: { ...NO_STATS, remotes: [] },
    take: (remoteTips, again) => take(input, { always: always || again, remoteTips }, ports),
  };
  input.onProgress?.(phaseBegun('snapshot'));
  try {
    const answer = await work.take(facts.remoteTips, false);
    if (answer.kind === 'refused') {
      ports.log.warn({ worktree: input.worktree, ...answer.reason }, 'no snapshot was taken');
      return { ...resultOf(work), standing: answer.reason };
    }
    noteTaken(work, answer);
    const keptIn = (isOnRemote: boolean) =>
      answer.keptOn === null ? null : { on: answer.keptOn, isOnRemote };
    if (input.localOnly) return { ...resultOf(work), kept: keptIn(false) };
    const unreadable = unreadableOf(answer);
    const standing = await pushSnapshots(work, ports);
    return { ...resultOf(work), kept: keptIn(standing === null), standing: standing ?? unreadable };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...resultOf(work), failure: error };
  } finally {
    await lock.release();
  }
}

function resultOf({ facts, stats }: SnapshotPush): ProtectedWork {
  return { facts, stats, standing: null, failure: null, kept: null };
}

function take(
  { worktree, github, machineId, releases, signal }: SyncInput,
  { always, remoteTips }: { always: boolean; remoteTips: Readonly<Record<string, string>> },
  ports: SyncPorts,
): Promise<Protection> {
  const guard: ChangeGuard = ({ released = [], ...asked }) =>
    ports.guard({ ...asked, released: [...released, ...releases.files] });
  return protect({ worktree, github, machineId, remoteTips, always, signal }, { ...ports, guard });
}

function noteTaken({ facts, stats }: SnapshotPush, answer: Exclude<Protection, { kind: 'refused' }>): void {
  facts.heldFiles = answer.held;
  facts.engine = answer.engine;
  facts.branch = answer.branch;
  stats.branch = answer.branch;
  if (answer.kind === 'unchanged') return;
  stats.commit = answer.snapshot.oid;
  stats.filesChanged = answer.snapshot.files;
}

function unreadableOf({ unreadable }: Exclude<Protection, { kind: 'refused' }>): Reason | null {
  const problem = unreadable.find(({ code }) => code === 'file-unreadable') ?? unreadable[0];
  return problem ? reasonOf(problem.code, `${problem.path} cannot be read: ${problem.detail}`) : null;
}
