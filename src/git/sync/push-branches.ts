// The second half of a sync: every matching branch that a remote lacks something of is pushed there.
// Knows one remote at a time; who else there is, and when it is tried again, is not its business.

import { matchesBranch } from '../../model/branch-match.ts';
import { Failure } from '../../model/failure.ts';
import { phaseBegun, type SyncProgress } from '../../model/progress.ts';
import { signature } from '../objects/commit-object.ts';
import { listRefs, readRef, updateRef } from '../refs/refs.ts';
import { countAhead } from '../remote/history.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import type { ObjectStore } from '../types.ts';
import type { Engine } from './engine.ts';
import { pushInParts } from './push-in-parts.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { RemoteWork } from './sync-work.ts';

/** A remote that branches are brought to, and what it is known to hold. */
export type PushTarget = {
  /** As the history of runs names it. */
  name: string;
  remote: ChosenRemote;
  engine: Pick<Engine, 'push'>;
  /** Its tips by branch as last seen or pushed; `keep` replaces them. */
  tips(): Readonly<Record<string, string>>;
  keep(tips: Record<string, string>): void;
  /** Only its own word counts, not what is known of it. */
  ask: boolean;
  /** Its host sends on to this address. */
  noteMove?(url: string): void;
  /** What becomes of pushes that its rules forbid; left out: they fail. */
  refused?: RefusedPushes;
};

export type RefusedPushes = {
  /** Whether this very commit is there beside the branch, where it was put before. */
  isAside(branch: string, tip: string): boolean;
  /** @throws Failure when the host is known to refuse a push to it, or has what we lack */
  foresee(branch: string, tip: string, ask: boolean): Promise<void>;
  /** Puts the work beside the branch, where that is wished; false: the failure stands. @throws Failure as a push */
  putAside(branch: string, tip: string, failure: Failure): Promise<boolean>;
  /** The branch takes the work again. */
  forget(branch: string): void;
};

export type BranchTip = [branch: string, tip: string];

const HEADS = 'refs/heads/';
/** Unpushed commits are counted up to here. */
const MOST_COUNTED = 1_000;

/** Failures after which asking the same host for the next branch is pointless. */
const STOPS_ALL: ReadonlySet<string> = new Set([
  'offline',
  'rate-limited',
  'remote-timeout',
  'credential-missing',
  'credential-rejected',
  'insecure-remote',
  'repository-not-found',
  'repository-archived',
  'account-suspended',
  'sso-required',
  'push-forbidden',
]);

/** Fills in `work.stats` and the target's tips. @throws Failure the first one met, after the other branches were tried */
export async function pushBranches(
  work: RemoteWork,
  target: PushTarget,
  branches: readonly BranchTip[],
  ports: SyncPorts,
): Promise<void> {
  let first: Failure | null = null;
  for (const [branch, tip] of branches) {
    // After a lost answer nothing is known, and the tracking ref is older than what was sent.
    const isUnknown = target.tips()[branch] === undefined;
    if (!target.ask && (await knownTip(work, target, branch, tip)) === tip) continue;
    if (!target.ask && target.refused?.isAside(branch, tip)) continue;
    try {
      await pushOne(work, target, { branch, tip, ask: target.ask || isUnknown }, ports);
      target.refused?.forget(branch);
    } catch (error) {
      const failure = await putAside(target, { branch, tip }, error);
      if (failure === null) continue;
      first ??= failure;
      noteFailed(work, target, { branch, tip }, failure);
      if (STOPS_ALL.has(failure.code) || work.signal.aborted) break;
    }
  }
  if (first) throw first;
}

/** Null: the work is on a side branch now. Where that one is refused too, the other branches go on all the same. */
async function putAside(
  { refused }: PushTarget,
  { branch, tip }: { branch: string; tip: string },
  error: unknown,
): Promise<Failure | null> {
  if (!(error instanceof Failure)) throw error;
  try {
    return (await refused?.putAside(branch, tip, error)) ? null : error;
  } catch (aside) {
    if (aside instanceof Failure) return aside;
    throw aside;
  }
}

/** The synced branches there are; the checked-out one first: it holds what was just saved. */
export async function matchingBranches(work: RemoteWork): Promise<BranchTip[]> {
  const refs = await listRefs(work.probe.repo, HEADS);
  const current = work.probe.head.branch;
  return [...refs]
    .map(([ref, oid]): BranchTip => [ref.slice(HEADS.length), oid])
    .filter(([branch]) => matchesBranch(work.github.syncBranches, branch))
    .sort(([a], [b]) => Number(b === current) - Number(a === current) || (a < b ? -1 : 1));
}

/** Commits of these branches that a remote with these tips lacks. */
export async function countUnpushed(
  objects: ObjectStore,
  branches: readonly BranchTip[],
  tips: Readonly<Record<string, string>>,
): Promise<number> {
  let unpushed = 0;
  for (const [branch, tip] of branches) {
    const known = tips[branch] ?? null;
    if (known === tip) continue;
    unpushed += (await countAhead(objects, tip, known, MOST_COUNTED)).count;
  }
  return unpushed;
}

/** A person may have pushed by hand: git then noted the tip in its remote-tracking ref. */
async function knownTip(
  work: RemoteWork,
  target: PushTarget,
  branch: string,
  tip: string,
): Promise<string | null> {
  const { remote } = target;
  const known = target.tips()[branch] ?? null;
  if (known === tip || !remote.tracked) return known;
  const tracked = await readRef(work.probe.repo, `refs/remotes/${remote.name}/${branch}`);
  if (tracked === null) return known;
  target.keep({ ...target.tips(), [branch]: tracked });
  return tracked;
}

async function pushOne(
  work: RemoteWork,
  target: PushTarget,
  { branch, tip, ask }: { branch: string; tip: string; ask: boolean },
  ports: SyncPorts,
): Promise<void> {
  const { objects } = work;
  const known = target.tips()[branch] ?? null;
  await target.refused?.foresee(branch, tip, ask);
  await pushInParts({
    ...{ objects, tip, known },
    push: (part, there) =>
      pushPart(work, target, { branch, tip: part, known: there, ask: ask && there === known }, ports),
  });
}

async function pushPart(
  work: RemoteWork,
  target: PushTarget,
  { branch, tip, known, ask }: { branch: string; tip: string; known: string | null; ask: boolean },
  ports: SyncPorts,
): Promise<void> {
  const { stats, signal, onProgress } = work;
  const { name, remote } = target;
  await ports.faultPoint?.('push-ready');
  onProgress?.(phaseBegun('pushing'));
  const answer = await target.engine.push({
    ...{ remote, branch, tip, signal },
    assumed: ask ? null : known,
    lastKnown: known,
    ...(onProgress && {
      onProgress: (sent: Omit<SyncProgress, 'phase'>) => onProgress({ phase: 'pushing', ...sent }),
    }),
  });
  await ports.faultPoint?.('push-answered');
  if (answer.redirectedTo !== null) target.noteMove?.(answer.redirectedTo);
  stats.remotes.push({ name, branch, status: answer.status, from: answer.from, to: answer.to });
  stats.bytesPushed += answer.bytes;
  target.keep({ ...target.tips(), [branch]: tip });
  if (remote.tracked) await noteTracking(work, remote, branch, tip, ports);
  await ports.faultPoint?.('tracking-noted');
}

/** As git does after a push. Somebody fetching at the same moment may win: their ref is newer, ours is not needed. */
async function noteTracking(
  work: RemoteWork,
  remote: ChosenRemote,
  branch: string,
  tip: string,
  { clock, log }: SyncPorts,
): Promise<void> {
  const ref = `refs/remotes/${remote.name}/${branch}`;
  const { repo, identity } = work.probe;
  const who = work.github.commit?.author ?? identity ?? { name: 'gitferry', email: '' };
  const epochMs = clock.now();
  const at = { epochMs, offsetMinutes: -new Date(epochMs).getTimezoneOffset() };
  try {
    const expected = await readRef(repo, ref);
    if (expected === tip) return;
    const reflog = { message: 'update by push', who: signature(who, at) };
    await updateRef(repo, { ref, expected, next: tip, reflog, alsoHead: false, fsync: false });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.debug({ ref, code: error.code }, 'the remote-tracking ref was not updated');
  }
}

function noteFailed(
  work: RemoteWork,
  target: PushTarget,
  { branch, tip }: { branch: string; tip: string },
  failure: Failure,
): void {
  const tips = target.tips();
  const { name } = target;
  work.stats.remotes.push({ name, branch, status: 'failed', from: tips[branch] ?? null, to: tip });
  // The remote may have taken it before the answer was lost: the next try must ask.
  if (failure.data.outcomeUnknown === true) target.keep(without(tips, branch));
}

function without(tips: Readonly<Record<string, string>>, branch: string): Record<string, string> {
  return Object.fromEntries(Object.entries(tips).filter(([name]) => name !== branch));
}
