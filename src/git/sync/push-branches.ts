// The second half of a sync: every matching branch that the remote lacks something of is pushed.

import { matchesBranch } from '../../model/branch-match.ts';
import { Failure } from '../../model/failure.ts';
import { listRefs, readRef, updateRef } from '../refs/refs.ts';
import { countAhead } from '../remote/history.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

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

/** Fills in `work.facts` and `work.stats`. @throws Failure the first one met, after the other branches were tried */
export async function pushBranches(work: SyncWork, remote: ChosenRemote, ports: SyncPorts): Promise<void> {
  const branches = await matchingBranches(work);
  // Before a project was ever known to be safe, only the remote's own word counts.
  const ask = work.askRemote || work.facts.lastSafeAt === null;
  let first: Failure | null = null;
  for (const [branch, tip] of branches) {
    // After a lost answer nothing is known, and the tracking ref is older than what was sent.
    const isUnknown = work.facts.remoteTips[branch] === undefined;
    if (!ask && (await knownTip(work, remote, branch, tip)) === tip) continue;
    try {
      await pushOne(work, remote, branch, tip, ask || isUnknown, ports);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      first ??= error;
      noteFailed(work, remote, branch, tip, error);
      if (STOPS_ALL.has(error.code) || work.signal.aborted) break;
    }
  }
  await countUnpushed(work, branches);
  if (first) throw first;
}

/** The checked-out branch first: it holds what was just saved. */
async function matchingBranches(work: SyncWork): Promise<[string, string][]> {
  const refs = await listRefs(work.probe.repo, HEADS);
  const current = work.probe.head.branch;
  return [...refs]
    .map(([ref, oid]): [string, string] => [ref.slice(HEADS.length), oid])
    .filter(([branch]) => matchesBranch(work.github.syncBranches, branch))
    .sort(([a], [b]) => Number(b === current) - Number(a === current) || (a < b ? -1 : 1));
}

/** A person may have pushed by hand: git then noted the tip in its remote-tracking ref. */
async function knownTip(
  work: SyncWork,
  remote: ChosenRemote,
  branch: string,
  tip: string,
): Promise<string | null> {
  const known = work.facts.remoteTips[branch] ?? null;
  if (known === tip || !remote.tracked) return known;
  const tracked = await readRef(work.probe.repo, `refs/remotes/${remote.name}/${branch}`);
  if (tracked === null) return known;
  work.facts.remoteTips = { ...work.facts.remoteTips, [branch]: tracked };
  return tracked;
}

async function pushOne(
  work: SyncWork,
  remote: ChosenRemote,
  branch: string,
  tip: string,
  ask: boolean,
  ports: SyncPorts,
): Promise<void> {
  const { engine, facts, stats, signal } = work;
  await ports.faultPoint?.('push-ready');
  const answer = await engine.push({
    remote,
    branch,
    tip,
    assumed: ask ? null : (facts.remoteTips[branch] ?? null),
    lastKnown: facts.remoteTips[branch] ?? null,
    signal,
  });
  await ports.faultPoint?.('push-answered');
  stats.remotes.push({ name: remote.name, branch, status: answer.status, from: answer.from, to: answer.to });
  stats.bytesPushed += answer.bytes;
  facts.remoteTips = { ...facts.remoteTips, [branch]: tip };
  if (remote.tracked) await noteTracking(work, remote, branch, tip, ports);
  await ports.faultPoint?.('tracking-noted');
}

/** As git does after a push. Somebody fetching at the same moment may win: their ref is newer, ours is not needed. */
async function noteTracking(
  work: SyncWork,
  remote: ChosenRemote,
  branch: string,
  tip: string,
  ports: SyncPorts,
): Promise<void> {
  const ref = `refs/remotes/${remote.name}/${branch}`;
  const { repo } = work.probe;
  try {
    const expected = await readRef(repo, ref);
    if (expected === tip) return;
    const reflog = { message: 'update by push', who: whoLine(work, ports.clock.now()) };
    await updateRef(repo, { ref, expected, next: tip, reflog, alsoHead: false, fsync: false });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    ports.log.debug({ ref, code: error.code }, 'the remote-tracking ref was not updated');
  }
}

function whoLine(work: SyncWork, now: number): string {
  const who = work.github.commit?.author ?? work.probe.identity ?? { name: 'gitferry', email: '' };
  const minutes = -new Date(now).getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  const pad = (value: number) => String(value).padStart(2, '0');
  const zone = `${sign}${pad(Math.floor(Math.abs(minutes) / 60))}${pad(Math.abs(minutes) % 60)}`;
  return `${who.name} <${who.email}> ${Math.floor(now / 1000)} ${zone}`;
}

function noteFailed(
  work: SyncWork,
  remote: ChosenRemote,
  branch: string,
  tip: string,
  failure: Failure,
): void {
  const from = work.facts.remoteTips[branch] ?? null;
  work.stats.remotes.push({ name: remote.name, branch, status: 'failed', from, to: tip });
  // The remote may have taken it before the answer was lost: the next try must ask.
  if (failure.data.outcomeUnknown === true) work.facts.remoteTips = without(work.facts.remoteTips, branch);
  if (failure.code === 'remote-ahead' || failure.code === 'remote-diverged') {
    work.facts.behindCommits = Math.max(1, work.facts.behindCommits);
  }
}

function without(tips: Record<string, string>, branch: string): Record<string, string> {
  return Object.fromEntries(Object.entries(tips).filter(([name]) => name !== branch));
}

async function countUnpushed(work: SyncWork, branches: readonly [string, string][]): Promise<void> {
  let unpushed = 0;
  for (const [branch, tip] of branches) {
    const known = work.facts.remoteTips[branch] ?? null;
    if (known === tip) continue;
    unpushed += (await countAhead(work.objects, tip, known, MOST_COUNTED)).count;
  }
  work.facts.unpushedCommits = unpushed;
  if (unpushed === 0) work.facts.behindCommits = 0;
}
