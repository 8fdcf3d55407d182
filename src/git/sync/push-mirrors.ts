// Brings what is synced to the mirrors too: one after the other, each by its own address, tips and time. A mirror is
// never fetched or merged from and never forced; one that fails stops neither the others nor the project.

import { matchesBranch } from '../../model/branch-match.ts';
import { Failure } from '../../model/failure.ts';
import type { RemoteState } from '../../model/remote-state.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { parseRemoteUrl } from '../remote/remote-url.ts';
import type { Engine } from './engine.ts';
import { type BranchTip, type PushTarget, pushBranches } from './push-branches.ts';
import { MOVED_ON } from './push-together.ts';
import { reachRemote } from './reach-remote.ts';
import { afterFailure, afterSuccess, afterWaiting, holdBack, keepState } from './remote-progress.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { Patience, RemoteWork } from './sync-work.ts';

/** How a mirror is pushed to. `overSsh` says why only the system's git reaches it. @throws Failure when none can */
export type EngineFor = (overSsh: string | null) => Promise<Pick<Engine, 'push'>>;

type Errand = { branches: readonly BranchTip[]; engineFor: EngineFor; patience: Patience };

/** Fills in `work.facts.remotes`, `work.stats` and `work.tries`. @throws Failure only when the sync is to end */
export async function pushMirrors(work: RemoteWork, errand: Errand, ports: SyncPorts): Promise<void> {
  const mirrors = work.facts.remotes.filter((remote) => !remote.primary);
  // One that does not answer takes its time; those that worked last time do not wait for it.
  const ordered = mirrors.toSorted((a, b) => a.failures - b.failures);
  for (const mirror of ordered) {
    if (isOver(work.signal)) return;
    await pushMirror(work, mirror, errand, ports);
  }
}

/** The end of the job's time is the slow mirror's failure, not the job's: the primary has all. @throws Failure */
function isOver(signal: AbortSignal): boolean {
  const { reason } = signal;
  if (reason instanceof Failure && reason.code === 'job-timeout') return true;
  signal.throwIfAborted();
  return false;
}

async function pushMirror(
  work: RemoteWork,
  mirror: RemoteState,
  { branches, engineFor, patience }: Errand,
  ports: SyncPorts,
): Promise<void> {
  const { name } = mirror;
  const mine = branches.filter(([branch]) => matchesBranch(mirror.branches, branch));
  const known = { tips: mirror.tips };
  const isAllThere = () => mine.every(([branch, tip]) => known.tips[branch] === tip);
  const finish = (next: RemoteState) => keepState(work.facts, { ...next, tips: known.tips });
  let gate = `host:${parseRemoteUrl(mirror.url).host}`;
  try {
    const reached = await reach(work, mirror, ports);
    gate = `host:${reached.remote.host}`;
    const wait = holdBack(mirror, gate, patience, ports.clock.now());
    if (wait !== null) {
      const isSafe = mirror.state === 'safe' && isAllThere();
      noteRest(work, mirror, mine, isSafe ? 'up-to-date' : 'skipped');
      return finish(isSafe ? mirror : afterWaiting(mirror, wait));
    }
    const before = work.stats.remotes.length;
    await pushBranches(work, targetOf(work, mirror, known, reached, engineFor), mine, ports);
    if (work.stats.remotes.length === before) noteRest(work, mirror, mine, 'up-to-date');
    else work.tries.push({ name, primary: false, gate, failure: null });
    const safeAt = work.facts.pendingFiles === 0 ? ports.clock.now() : null;
    finish(afterSuccess(mirror, isAllThere(), safeAt));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const failure = isOver(work.signal) ? tooSlow(name) : asMirrors(error, name);
    work.tries.push({ name, primary: false, gate: failure.data.gate ?? gate, failure });
    finish(afterFailure(mirror, failure));
  }
}

/** @throws Failure when its address is none that can be pushed to */
async function reach({ github, probe }: RemoteWork, mirror: RemoteState, ports: SyncPorts) {
  const reached = await reachRemote({ ...github, remoteUrl: mirror.url }, probe.config, ports);
  if (reached.kind === 'chosen') return reached;
  const { code, detail, action } = reached.reason;
  throw new Failure(code, detail, { action });
}

function targetOf(
  work: RemoteWork,
  mirror: RemoteState,
  known: { tips: Record<string, string> },
  { remote, overSsh }: { remote: ChosenRemote; overSsh: string | null },
  engineFor: EngineFor,
): PushTarget {
  return {
    ...{ name: mirror.name, remote },
    engine: { push: async (push) => (await engineFor(overSsh)).push(push) },
    tips: () => known.tips,
    keep(tips) {
      known.tips = tips;
    },
    ask: work.askRemote || mirror.lastSafeAt === null,
  };
}

function noteRest(
  work: RemoteWork,
  { name, tips }: RemoteState,
  branches: readonly BranchTip[],
  status: 'skipped' | 'up-to-date',
): void {
  const [first] = branches;
  if (first === undefined) return;
  const [branch, to] = first;
  work.stats.remotes.push({ name, branch, status, from: tips[branch] ?? null, to });
}

function tooSlow(name: string): Failure {
  return new Failure('job-timeout', `Mirror "${name}" took longer than a whole sync may take.`);
}

/** The same words with the mirror's name before them, because the project shows them as its own. */
function asMirrors(failure: Failure, name: string): Failure {
  const { code, message, data, action } = failure;
  const detail = `Mirror "${name}": ${message}`;
  if (!MOVED_ON.has(code)) return new Failure(code, detail, { data, action, cause: failure });
  return new Failure('mirror-moved-on', detail, { data, cause: failure });
}
