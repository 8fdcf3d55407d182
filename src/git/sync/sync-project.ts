// One sync of one project: probe, changes, guard, commit, push. Idempotent: run again, it finds nothing to do.
// Knows no queue and no database: what it learned goes back as facts, also when it failed half-way.

import { Failure, type Reason } from '../../model/failure.ts';
import { heldInWorkTree } from '../../model/held-file.ts';
import { failureOfKnown } from '../../model/lost-repository.ts';
import { phaseBegun } from '../../model/progress.ts';
import type { ProjectFacts } from '../../model/project.ts';
import { unsafeRemote } from '../../model/remote-state.ts';
import { NO_STATS, type RunStats } from '../../model/run.ts';
import { openObjects } from '../objects/objects.ts';
import { type ProbeResult, probeRepository } from '../probe/probe.ts';
import { beginPush } from './begin-push.ts';
import { chooseEngine } from './choose-engine.ts';
import { commitWork } from './commit-work.ts';
import { commitsLeftHere } from './commits-left-here.ts';
import type { Engine } from './engine.ts';
import { followingMove } from './follow-move.ts';
import { guardPushes } from './guard-push.ts';
import { currentFacts, mirrorSnapshots } from './mirror-snapshots.ts';
import { isProtected, type ProtectedWork, protectWork } from './protect-work.ts';
import { matchingBranches } from './push-branches.ts';
import { CONFLICTS, pushRemotes } from './push-remotes.ts';
import { finishEarlierMove, noteUnpushed, pushTogether } from './push-together.ts';
import { type ReachedRemote, reachRemote } from './reach-remote.ts';
import { clearAfterKill, takeRepositoryLock } from './repository-lock.ts';
import { portsFor, type SyncPorts } from './sync-ports.ts';
import type { SyncAnswer, SyncInput, SyncOutcome, SyncWork } from './sync-work.ts';
import { tidyAfter } from './tidy-after.ts';

/** Never throws a `Failure`: it is part of the answer, beside the facts learned before it. */
export async function syncProject(input: SyncInput, given: SyncPorts): Promise<SyncAnswer> {
  const ports = portsFor(input.github, given);
  const facts: ProjectFacts = { ...input.facts, blocked: null };
  input.onProgress?.(phaseBegun('looking'));
  let probe: ProbeResult;
  try {
    const repo = await clearAfterKill(input.worktree, ports);
    probe = await probeRepository({
      repo,
      worktree: input.worktree,
      env: ports.env,
      homeDir: ports.homeDir,
      now: ports.clock.now(),
    });
  } catch (error) {
    const failure = failureOfKnown(failed(error).failure, facts);
    return { outcome: { kind: 'failed', failure }, facts, stats: NO_STATS };
  }
  if (input.github.mode === 'snapshot' && mayProtect(probe)) {
    return mirrorSnapshots(input, await snapshotOnly(input, facts, ports), ports);
  }
  if (probe.kind === 'blocked') {
    return whileBlocked(probe.reason, { ...input, facts, stats: NO_STATS }, ports);
  }
  const objects = openObjects(probe.repo, { fsync: ports.fsync() && probe.fsync });
  try {
    const remote = await reachRemote(input.github, probe.config, ports);
    const overSsh = remote.kind === 'chosen' ? remote.overSsh : null;
    const choice = await chooseEngine(
      { probe, objects, wish: input.github.engine ?? 'auto', overSsh },
      ports,
    );
    if (choice.kind === 'blocked') return blocked(choice.reason, facts, NO_STATS);
    const { engine } = choice;
    facts.engine = { name: engine.name, reason: engine.reason };
    const work: SyncWork = {
      ...input,
      probe,
      engine,
      objects,
      facts,
      stats: { ...NO_STATS, remotes: [] },
      tries: [],
      standing: null,
    };
    work.engine = guardPushes(engine, work, ports);
    return await inLock(work, remote, ports);
  } finally {
    await objects.close();
  }
}

async function inLock(work: SyncWork, remote: ReachedRemote, ports: SyncPorts): Promise<SyncAnswer> {
  try {
    const lock = await takeRepositoryLock(work.probe.repo, ports);
    try {
      await run(work, remote, ports);
    } finally {
      work.engine.closePush?.();
      await lock.release();
    }
  } catch (error) {
    const outcome = failed(error);
    const { stats, tries } = work;
    if (!CONFLICTS.has(outcome.failure.code)) return { outcome, facts: work.facts, stats, tries };
    const { reason } = outcome.failure;
    return { outcome: { kind: 'conflict', reason }, facts: { ...work.facts, blocked: reason }, stats, tries };
  }
  const { stats, tries } = work;
  if (work.standing) return { ...(await whileBlocked(work.standing, work, ports)), tries };
  return { outcome: done(work), facts: noteSafety(work, ports.clock.now()), stats, tries };
}

async function run(work: SyncWork, chosen: ReachedRemote, ports: SyncPorts): Promise<void> {
  const { probe } = work;
  work.facts.branch = probe.head.branch;
  work.stats.branch = probe.head.branch;
  if (chosen.kind === 'none') {
    work.standing = chosen.reason;
    return;
  }
  await finishEarlierMove(work, chosen.remote, ports);
  await commitWork(work, ports, (changes) => beginPush(work, chosen.remote, changes, ports));
  work.standing ??= await commitsLeftHere(work);
  work.signal.throwIfAborted();
  if (work.localOnly) return noteUnpushed(work, await matchingBranches(work));
  // What is held in commits, every push finds out anew.
  work.facts.heldFiles = heldInWorkTree(work.facts.heldFiles);
  const { remote } = chosen;
  const errand = {
    primary: remote,
    push: () => followingMove(work.facts, remote, (address) => pushTogether(work, address, ports)),
    branches: () => matchingBranches(work),
    engineFor: (overSsh: string | null) => mirrorEngine(work, overSsh, ports),
  };
  await pushRemotes(work, errand, ports);
  await tidyAfter(work, ports);
}

/** A mirror may be reached in another way than the primary, and then by another engine. @throws Failure */
async function mirrorEngine(work: SyncWork, overSsh: string | null, ports: SyncPorts): Promise<Engine> {
  const wish = work.github.engine ?? 'auto';
  const choice = await chooseEngine({ probe: work.probe, objects: work.objects, wish, overSsh }, ports);
  if (choice.kind === 'engine') return guardPushes(choice.engine, work, ports);
  const { code, detail, action } = choice.reason;
  throw new Failure(code, detail, { action });
}

function mayProtect(probe: ProbeResult): boolean {
  return probe.kind !== 'blocked' || isProtected(probe.reason.code);
}

/** Mode `snapshot`: what a remote gets of this project is its snapshots. */
async function snapshotOnly(input: SyncInput, facts: ProjectFacts, ports: SyncPorts): Promise<SyncAnswer> {
  try {
    const known = await currentFacts(input, facts, ports);
    const taken = await protectWork(input, known, { always: true }, ports);
    const { stats, standing, failure } = taken;
    if (failure !== null) {
      // The push counts the branches that wait, and here it is snapshots.
      const waiting = Math.max(taken.facts.unpushedCommits, waitingHere(known, stats));
      return {
        outcome: { kind: 'failed', failure },
        facts: { ...taken.facts, unpushedCommits: waiting },
        stats,
      };
    }
    if (standing !== null) return blocked(standing, taken.facts, stats);
    if (input.localOnly) return keptHere(taken);
    const wasPushed = stats.remotes.some((remote) => remote.status === 'pushed');
    const status = stats.commit === null && !wasPushed ? 'no-change' : 'success';
    const safe = { ...taken.facts, pendingFiles: 0, unpushedCommits: 0, lastSafeAt: ports.clock.now() };
    return { outcome: { kind: 'done', status }, facts: safe, stats };
  } catch (error) {
    return { outcome: failed(error), facts, stats: NO_STATS };
  }
}

/** One more snapshot waits for the remote, if one was needed. */
function keptHere({ facts, stats }: ProtectedWork): SyncAnswer {
  const status = stats.commit === null ? 'no-change' : 'success';
  return {
    outcome: { kind: 'done', status },
    facts: { ...facts, pendingFiles: 0, unpushedCommits: waitingHere(facts, stats) },
    stats,
  };
}

function waitingHere({ unpushedCommits }: ProjectFacts, { commit }: RunStats): number {
  return unpushedCommits + (commit === null ? 0 : 1);
}

/** The reason stands, and the work is protected meanwhile where that is possible. */
async function whileBlocked(
  reason: Reason,
  input: SyncInput & { stats: RunStats },
  ports: SyncPorts,
): Promise<SyncAnswer> {
  const { facts, stats: before } = input;
  if (!isProtected(reason.code)) return blocked(reason, facts, before);
  try {
    const taken = await protectWork(input, facts, { always: false }, ports);
    const stats = { ...taken.stats, ...(before.commit !== null && before) };
    stats.remotes = [...before.remotes, ...taken.stats.remotes];
    // How many commits wait on the person's own branches is not for snapshots to say.
    const learned = { ...taken.facts, branch: facts.branch, unpushedCommits: facts.unpushedCommits };
    if (taken.failure === null) return blocked(withSnapshot(reason, taken), learned, stats);
    throw taken.failure;
  } catch (error) {
    const { failure } = failed(error);
    if (failure.retryable)
      return { outcome: { kind: 'failed', failure }, facts: { ...facts, blocked: reason }, stats: before };
    ports.log.warn(
      { worktree: input.worktree, code: failure.code, detail: failure.message },
      'a snapshot was not pushed',
    );
    return blocked(reason, facts, before);
  }
}

/** Who is blocked wants to know first whether the work is kept. Of deletions it is what is gone that matters. */
function withSnapshot(reason: Reason, { kept, standing }: ProtectedWork): Reason {
  if (kept === null || reason.code === 'mass-deletion') return reason;
  const where = kept.isOnRemote ? `on the remote, on ${kept.on}` : `on ${kept.on}, on this machine alone`;
  const but = standing === null ? '' : ` But: ${standing.detail}`;
  return { ...reason, detail: `${reason.detail} Your work is kept ${where}.${but}` };
}

function done(work: SyncWork): SyncOutcome {
  const lacking = unsafeRemote(work.facts.remotes);
  if (lacking?.reason) {
    const status = lacking.state === 'blocked' ? 'blocked' : 'retrying';
    return { kind: 'partial', status, reason: lacking.reason };
  }
  const pushed = work.stats.remotes.some((remote) => remote.status === 'pushed');
  return { kind: 'done', status: pushed || work.stats.commit !== null ? 'success' : 'no-change' };
}

/** Safe: nothing uncommitted (held files aside), and every remote has everything, as known at this instant. */
function noteSafety(work: SyncWork, now: number): ProjectFacts {
  const { pendingFiles, unpushedCommits, remotes } = work.facts;
  const isSafe = pendingFiles === 0 && unpushedCommits === 0 && unsafeRemote(remotes) === null;
  return isSafe ? { ...work.facts, lastSafeAt: now } : work.facts;
}

function blocked(reason: Reason, facts: ProjectFacts, stats: RunStats): SyncAnswer {
  return { outcome: { kind: 'blocked', reason }, facts: { ...facts, blocked: reason }, stats };
}

/** Rethrows what is no `Failure`: that is a bug, and the caller treats it as one. */
function failed(error: unknown): { kind: 'failed'; failure: Failure } {
  if (error instanceof Failure) return { kind: 'failed', failure: error };
  throw error;
}
