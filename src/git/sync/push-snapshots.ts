// Brings every snapshot branch to the remote that lacks something of it, not only what was taken just now: an earlier
// push may have failed. Never forced: what another machine pushed to the same branch is joined.

import { matchesBranch } from '../../model/branch-match.ts';
import { Failure, type Reason, reasonOf } from '../../model/failure.ts';
import type { ProjectFacts } from '../../model/project.ts';
import type { RunStats } from '../../model/run.ts';
import { fetchBranches } from '../fetch/fetch.ts';
import { listRefs } from '../refs/refs.ts';
import { type PushResult, pushBranch } from '../remote/push.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { type Protection, withRepository } from '../snapshot/protect.ts';
import { branchOf, type Generation, listGenerations, shortName } from '../snapshot/snapshot-refs.ts';
import type { SnapshotRepository } from '../snapshot/snapshot-repository.ts';
import { whyNoGit } from '../system/git-program.ts';
import { gitRunner } from '../system/run-git.ts';
import { pushBySystem } from '../system/system-push.ts';
import type { ObjectStore } from '../types.ts';
import type { Engine } from './engine.ts';
import { guardPushes } from './guard-push.ts';
import { reachRemote } from './reach-remote.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncInput } from './sync-work.ts';

/** Another machine may push again while both sides are joined. */
const MOST_ROUNDS = 3;
const MOVED_ON = new Set(['remote-ahead', 'remote-diverged', 'push-rejected-non-fast-forward']);

/** `facts` and `stats` are filled in as things become known. */
export type SnapshotPush = {
  input: SyncInput;
  facts: ProjectFacts;
  stats: RunStats;
  /** Takes a snapshot of now that stands on these tips; `again` also when nothing changed. */
  take(remoteTips: Readonly<Record<string, string>>, again: boolean): Promise<Protection>;
};

type Open = { opened: SnapshotRepository; objects: ObjectStore; remote: ChosenRemote; bySystem: boolean };

/**
 * Answers why some snapshots stay on this machine, null when the remote has them all. The caller holds the repository
 * lock. @throws Failure as `pushBranch` and `pushBySystem`
 */
export function pushSnapshots(push: SnapshotPush, ports: SyncPorts): Promise<Reason | null> {
  const { worktree, github } = push.input;
  return withRepository({ worktree }, ports, async (opened, objects) => {
    const waiting = await findWaiting(push, opened, objects);
    push.facts.unpushedCommits = waiting.length;
    const allowed = waiting.filter(({ branch }) => mayLeave(github.syncBranches, branch));
    const [kept] = waiting.filter((generation) => !allowed.includes(generation));
    const standing = kept ? keptHere(kept, github.syncBranches) : null;
    if (allowed.length === 0) return standing;
    const reached = await reachRemote(github, opened.config, ports);
    if (reached.kind === 'none') return reached.reason;
    const { remote, overSsh } = reached;
    const bySystem = overSsh !== null || push.facts.engine?.name === 'git';
    if (bySystem && (await whyNoGit(ports.env)) !== null) {
      return reasonOf(
        'needs-system-git',
        overSsh ?? `${push.facts.engine?.reason} But git is not installed.`,
      );
    }
    for (const generation of allowed) {
      await pushGeneration(generation, { opened, objects, remote, bySystem }, push, ports);
    }
    return standing;
  });
}

/** The branch that is worked on comes first. */
async function findWaiting({ facts }: SnapshotPush, opened: SnapshotRepository, objects: ObjectStore) {
  const current = branchOf(opened.head);
  const all = await listGenerations(opened.repo, objects);
  return all
    .filter(({ ref, tip }) => facts.remoteTips[shortName(ref)] !== tip.id)
    .sort((a, b) => Number(b.branch === current) - Number(a.branch === current));
}

/** What a person lets leave the machine: the branch itself, or its snapshots. */
function mayLeave(patterns: readonly string[], branch: string): boolean {
  return matchesBranch(patterns, branch) || matchesBranch(patterns, `auto/${branch}`);
}

function keptHere({ ref, branch }: Generation, patterns: readonly string[]): Reason {
  const detail = `Neither ${branch} nor ${shortName(ref)} matches ${patterns.join(', ')}: snapshots stay here.`;
  return reasonOf('branch-not-synced', detail);
}

async function pushGeneration(
  generation: Generation,
  open: Open,
  push: SnapshotPush,
  ports: SyncPorts,
): Promise<void> {
  const name = shortName(generation.ref);
  const isCurrent = generation.branch === branchOf(open.opened.head);
  let tip = generation.tip.id;
  for (let round = 1; ; round++) {
    try {
      return note(push, open.remote, name, await pushTip(name, tip, open, push, ports));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      noteFailed(push, open.remote, { name, tip }, error);
      if (!MOVED_ON.has(error.code) || !isCurrent || open.bySystem || round > MOST_ROUNDS) throw error;
      tip = (await joinTheirs(name, open, push, ports)) ?? tip;
    }
  }
}

function pushTip(
  branch: string,
  tip: string,
  { opened, objects, remote, bySystem }: Open,
  { input, facts, stats }: SnapshotPush,
  ports: SyncPorts,
): Promise<PushResult> {
  const { repo, config } = opened;
  const { transport, clock, env } = ports;
  const { github, releases, signal } = input;
  const lastKnown = facts.remoteTips[branch] ?? null;
  // A person's pre-push hook is asked as before every push: it may be what keeps things on this machine.
  const push: Engine['push'] = (rest) => {
    if (!bySystem) return pushBranch({ ...rest, transport, objects, repo, url: remote.url, clock, env });
    const git = gitRunner({ repo, env, clock, signal });
    return pushBySystem({ ...rest, probe: { repo, config }, objects, git, ports });
  };
  // A snapshot stands on the person's own commits.
  const work = { objects, github, releases, facts, stats, signal, probe: { repo } };
  return guardPushes({ push }, work, ports).push({ branch, tip, assumed: null, lastKnown, signal, remote });
}

/** Fetches what another machine pushed and takes a snapshot on top of both; null when the remote's branch went away. */
async function joinTheirs(
  branch: string,
  { opened, objects, remote }: Open,
  push: SnapshotPush,
  ports: SyncPorts,
): Promise<string | null> {
  const { repo } = opened;
  const { transport, env, clock, random } = ports;
  const refs = await listRefs(repo, 'refs/');
  const { tips } = await fetchBranches({
    ...{ transport, objects, repo, url: remote.url, branches: [branch], env, clock, random },
    ...{ signal: push.input.signal, haveTips: [...refs.values()], tracking: null, fsync: ports.fsync() },
  });
  const theirs = tips[branch] ?? null;
  if (theirs === null) return null;
  push.facts.remoteTips = { ...push.facts.remoteTips, [branch]: theirs };
  const joined = await push.take(push.facts.remoteTips, true);
  if (joined.kind === 'refused') throw new Failure(joined.reason.code, joined.reason.detail);
  if (joined.kind === 'taken') push.stats.commit = joined.snapshot.oid;
  return joined.kind === 'taken' ? joined.snapshot.oid : null;
}

function note(push: SnapshotPush, remote: ChosenRemote, branch: string, answer: PushResult): void {
  const { facts, stats } = push;
  const { status, from, to, bytes } = answer;
  stats.remotes = stats.remotes.filter((each) => each.branch !== branch);
  stats.remotes.push({ name: remote.name, branch, status, from, to });
  stats.bytesPushed += bytes;
  facts.remoteTips = { ...facts.remoteTips, [branch]: to };
  facts.unpushedCommits = Math.max(0, facts.unpushedCommits - 1);
}

/** After a lost answer nothing is known of the remote any more. */
function noteFailed(
  { facts, stats }: SnapshotPush,
  { name: remote }: ChosenRemote,
  { name: branch, tip }: { name: string; tip: string },
  failure: Failure,
): void {
  stats.remotes = stats.remotes.filter((each) => each.branch !== branch);
  const from = facts.remoteTips[branch] ?? null;
  stats.remotes.push({ name: remote, branch, status: 'failed', from, to: tip });
  if (failure.data.outcomeUnknown !== true) return;
  const known = Object.entries(facts.remoteTips).filter(([name]) => name !== branch);
  facts.remoteTips = Object.fromEntries(known);
}
