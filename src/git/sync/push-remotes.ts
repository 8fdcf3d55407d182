// Brings what is synced to every remote: the primary first, then the mirrors, whatever became of the primary.
// Without mirrors a failure is the sync's; with them each remote keeps its own.

import { Failure } from '../../model/failure.ts';
import { STANDING_CODES } from '../../model/failure-codes.ts';
import { isMirrored, type RemoteState } from '../../model/remote-state.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { displayUrl, sameRemote } from '../remote/remote-url.ts';
import type { BranchTip } from './push-branches.ts';
import { type EngineFor, pushMirrors } from './push-mirrors.ts';
import { MOVED_ON, noteUnpushed } from './push-together.ts';
import {
  afterFailure,
  afterSuccess,
  afterWaiting,
  holdBack,
  keepState,
  startState,
} from './remote-progress.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { Patience, RemoteWork } from './sync-work.ts';

export type RemoteErrand = {
  primary: ChosenRemote;
  /** Brings everything to the primary, and notes in the facts what it lacks. @throws Failure */
  push(): Promise<void>;
  /** What every remote is to hold, as of now. */
  branches(): Promise<readonly BranchTip[]>;
  engineFor: EngineFor;
};

const ALL = ['*'];
/** Everything may be tried. */
export const NO_PATIENCE: Patience = { insist: true, closedGates: new Map() };

/** What both sides have apart is for the person, however many mirrors there are. */
export const CONFLICTS: ReadonlySet<string> = new Set([
  ...MOVED_ON,
  'content-conflict',
  'unrelated-histories',
]);

/** Fills in `work.facts`, `work.stats` and `work.tries`. @throws Failure of the primary, where it is not kept in its state */
export async function pushRemotes(work: RemoteWork, errand: RemoteErrand, ports: SyncPorts): Promise<void> {
  const patience = work.patience ?? NO_PATIENCE;
  const { primary, mirrors } = listRemotes(work, errand.primary);
  const failure = await pushPrimary(work, primary, errand, patience, ports);
  if (mirrors.length > 0) {
    const { engineFor } = errand;
    await pushMirrors(work, { branches: await errand.branches(), engineFor, patience }, ports);
  }
  if (failure !== null) throw failure;
}

/** Makes the facts list what the settings list, each with what is known of it. */
export function listRemotes(
  work: RemoteWork,
  { name: primaryName, url: address }: ChosenRemote,
): { primary: RemoteState; mirrors: RemoteState[] } {
  const { github, facts } = work;
  const url = displayUrl(address);
  const known = facts.remotes.find((remote) => remote.primary);
  if (known && !sameRemote(known.url, url)) forgetTips(work);
  const primary = startState(facts, { ...{ primary: true, url }, name: primaryName, branches: ALL });
  const mirrors = (github.remotes ?? []).map((mirror) => {
    const { name, branches = ALL } = mirror;
    return startState(facts, { name, primary: false, url: displayUrl(mirror.url), branches });
  });
  facts.remotes = [primary, ...mirrors];
  return { primary, mirrors };
}

/** Another address is another remote: what the old one holds says nothing, nor do the tracking refs. */
function forgetTips(work: RemoteWork): void {
  work.facts.remoteTips = {};
  work.askRemote = true;
}

/** Answers the failure that is the whole sync's. */
async function pushPrimary(
  work: RemoteWork,
  state: RemoteState,
  errand: RemoteErrand,
  patience: Patience,
  ports: SyncPorts,
): Promise<Failure | null> {
  const { facts } = work;
  const hasMirrors = isMirrored(facts.remotes);
  const { name } = state;
  const gate = `host:${errand.primary.host}`;
  const wait = hasMirrors ? holdBack(state, gate, patience, ports.clock.now()) : null;
  if (wait !== null) {
    await noteUnpushed(work, await errand.branches());
    await noteRest(work, errand);
    keepState(
      facts,
      facts.unpushedCommits === 0 && state.state === 'safe' ? state : afterWaiting(state, wait),
    );
    return null;
  }
  const before = work.stats.remotes.length;
  try {
    await errand.push();
  } catch (error) {
    if (!(error instanceof Failure) || work.signal.aborted) throw error;
    keepState(facts, afterFailure(state, error));
    if (!hasMirrors) throw error;
    work.tries.push({ name, primary: true, gate: error.data.gate ?? gate, failure: error });
    return STANDING_CODES.has(error.code) || CONFLICTS.has(error.code) ? error : null;
  }
  const wasAsked = work.stats.remotes.length > before;
  if (hasMirrors && wasAsked) work.tries.push({ name, primary: true, gate, failure: null });
  else if (hasMirrors) await noteRest(work, errand);
  const safeAt = facts.pendingFiles === 0 ? ports.clock.now() : null;
  keepState(facts, afterSuccess(state, facts.unpushedCommits === 0, safeAt));
  return null;
}

/** The history of runs lists every remote of a project with mirrors, also one to which nothing was sent. */
async function noteRest(work: RemoteWork, { primary, branches }: RemoteErrand): Promise<void> {
  const [first] = await branches();
  if (first === undefined) return;
  const [branch, to] = first;
  const from = work.facts.remoteTips[branch] ?? null;
  const status = work.facts.unpushedCommits === 0 ? 'up-to-date' : 'skipped';
  work.stats.remotes.push({ name: primary.name, branch, status, from, to });
}
