// One whole look at a work tree, by blocking calls, for threads only: probes it, compares it with its HEAD, lists
// its branches. Keeps nothing of a repository once it has answered.

import { createHash } from 'node:crypto';
import { systemClock } from '../../host/clock.ts';
import { matchesBranch } from '../../model/branch-match.ts';
import { Failure } from '../../model/failure.ts';
import { PROTECTED_CODES } from '../../model/failure-codes.ts';
import { errorCode } from '../io-failure.ts';
import { openObjects } from '../objects/objects.ts';
import { type ProbedRepository, probeRepository } from '../probe/probe.ts';
import { listRefs } from '../refs/refs.ts';
import { openForSnapshot } from '../snapshot/snapshot-repository.ts';
import { whyNoGit } from '../system/git-program.ts';
import { gitRunner } from '../system/run-git.ts';
import { findSystemChanges } from '../system/system-changes.ts';
import type { Head, ObjectStore } from '../types.ts';
import { type FoundChanges, findChanges } from './changes.ts';
import { openIgnoreRules } from './ignore.ts';
import { type LookTrace, newTrace, stampLook, traced } from './look-places.ts';
import type { LookStamp } from './look-stamp.ts';
import type { ScanAim, ScanResult, ScanSetup } from './scan-messages.ts';
import { findSubmoduleChanges, joinChanges } from './submodules.ts';
import { blockingFiles } from './worktree-files.ts';

const HEADS = 'refs/heads/';
const REMOTES = 'refs/remotes/';
// Only some trees of changed folders are ever read.
const MOST_TREE_ENTRIES = 2_000;

type LookInput = ScanSetup & ScanAim & { worktree: string; now: number; signal: AbortSignal };
type Looked = { result: ScanResult; stamp: LookStamp | null };

/** @throws Failure with a code that a sync would retry */
export async function lookAtWorktree(input: LookInput): Promise<Looked> {
  const { worktree, signal } = input;
  const probe = await probeRepository(input);
  if (probe.kind === 'blocked') {
    const { reason } = probe;
    const work = PROTECTED_CODES.has(reason.code) ? await lookAtWork(input) : null;
    return { result: { kind: 'blocked', reason, work }, stamp: null };
  }
  const { repo, head } = probe;
  const objects = openObjects(repo, { fsync: false, treeCacheEntries: MOST_TREE_ENTRIES });
  const trace = newTrace();
  try {
    // Of what another program found nobody knows what it depended on.
    if (probe.kind === 'needs-git') trace.isOpen = true;
    const found =
      probe.kind === 'needs-git'
        ? await askGit(probe, input)
        : await compare(probe, { objects, trace, signal }, input);
    const note = (path: string) => void trace.around.add(path);
    const branches = await listRefs(repo, HEADS, note);
    const isSynced = input.syncBranches !== null && matchesBranch(input.syncBranches, head.branch);
    const pushed = isSynced ? undefined : await listRefs(repo, REMOTES, note);
    const result: ScanResult = {
      kind: 'changes',
      head,
      changes: found.changes.length,
      unreadable: found.unreadable.length,
      branches: Object.fromEntries([...branches].map(([ref, oid]) => [ref.slice(HEADS.length), oid])),
      work: markOf(head, found, pushed),
    };
    for (const name of input.alsoRead) note(`${worktree}/${name}`);
    if (found.unreadable.length > 0) trace.isOpen = true;
    return { result, stamp: await stampIfReadable(probe, trace, input) };
  } catch (error) {
    // The same answer as a sync would give: a person has to act, and no retry helps.
    if (error instanceof Failure && !error.retryable)
      return { result: { kind: 'blocked', reason: error.reason, work: null }, stamp: null };
    throw error;
  } finally {
    await objects.close();
  }
}

/** What was found stands, whatever becomes of the places meanwhile. */
async function stampIfReadable(
  probe: ProbedRepository,
  trace: LookTrace,
  ports: ScanSetup,
): Promise<LookStamp | null> {
  try {
    return await stampLook(probe, trace, ports);
  } catch (error) {
    if (error instanceof Failure || errorCode(error) !== '') return null;
    throw error;
  }
}

/** While a merge or the like is under way: what a snapshot would keep. Null when it cannot be told. */
async function lookAtWork({ worktree, env, homeDir, signal }: LookInput): Promise<string | null> {
  try {
    const opened = await openForSnapshot({ worktree, env, homeDir });
    const { repo, config, ignore, head, fileMode } = opened;
    const objects = openObjects(repo, { fsync: false, treeCacheEntries: MOST_TREE_ENTRIES });
    try {
      const look = { repo, objects, config, ignore, head, fileMode, files: blockingFiles(), signal };
      return markOf(head, await findChanges({ ...look, scope: 'all' }));
    } finally {
      await objects.close();
    }
  } catch (error) {
    // Why it blocks is known already; whether there is news is then for the watcher alone.
    if (error instanceof Failure && !error.retryable) return null;
    throw error;
  }
}

/** `pushed`: what is known of the remotes' branches, where a person's own push is news. */
function markOf(
  head: Head,
  { changes, unreadable }: FoundChanges,
  pushed: ReadonlyMap<string, string> = new Map(),
): string {
  const lines = changes.map((change) => {
    const content = change.kind === 'deleted' ? [] : [change.mode, change.oid];
    return [change.kind, change.path, ...content];
  });
  const branch = head.kind === 'branch' ? head.branch : null;
  const all = JSON.stringify([head.oid, branch, lines, unreadable.map(({ path }) => path), [...pushed]]);
  return createHash('sha256').update(all).digest('hex');
}

async function compare(
  probe: ProbedRepository,
  look: { objects: ObjectStore; trace: LookTrace; signal: AbortSignal },
  { env, homeDir }: ScanSetup,
): Promise<FoundChanges> {
  const { repo, config, head, fileMode } = probe;
  const { objects, trace, signal } = look;
  const ignore = openIgnoreRules({ repo, config, env, homeDir });
  const files = traced(blockingFiles(), trace);
  const input = { repo, objects, config, ignore, head, fileMode, files, signal };
  const found = await findChanges({
    ...input,
    scope: 'all',
    onCompared({ apart, isWhole }) {
      for (const path of apart) trace.apart.add(path);
      if (!isWhole) trace.isOpen = true;
    },
  });
  return joinChanges(found, await findSubmoduleChanges({ repo, objects, head }));
}

/** @throws Failure `needs-system-git` where there is no git to ask */
async function askGit(
  probe: ProbedRepository & { feature: string },
  { env, signal }: LookInput,
): Promise<FoundChanges> {
  const missing = await whyNoGit(env);
  if (missing !== null) {
    throw new Failure('needs-system-git', `In ${probe.repo.worktree} ${probe.feature}. But ${missing}.`);
  }
  const git = gitRunner({ repo: probe.repo, env, clock: systemClock, signal });
  return findSystemChanges(probe, git, { withSubmodules: true });
}
