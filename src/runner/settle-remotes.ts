// What becomes of each remote of a project with mirrors after a sync: when it is tried again, which hosts are left
// alone meanwhile, and when the project's job comes back for it. Knows no git.

import type { Patience, RemoteTry, SyncAnswer } from '../git/sync/sync-work.ts';
import type { Clock, Random } from '../host/clock.ts';
import type { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { ClaimedJob } from '../model/job.ts';
import type { Project } from '../model/project.ts';
import type { RemoteState } from '../model/remote-state.ts';
import { retryDelay } from '../queue/backoff.ts';
import { clearStrikes, listGates, readStrikes } from '../queue/gates.ts';
import type { Database } from '../store/database.ts';
import { decideNextTry, type SettleDecision } from './decide-settle.ts';
import { followed, renamedTo } from './follow-rename.ts';

type Ports = {
  db: Database;
  clock: Clock;
  random: Random;
  explain(failure: Failure, project: Project): Promise<Failure>;
  settings(): { retryDelayMs: number; rateLimitDelayMs: number };
};

/** From an address that is gone to the one that the host names. */
const FOLLOW_MS = 250;
/** By the database's clock a gate may be closed a moment longer than by ours. */
const LEAST_PAUSE_MS = 1_000;

/** Remembers, for one life of the service, with which settings the remotes of a project were last tried. */
export function createPatience({ db, clock }: Pick<Ports, 'db' | 'clock'>) {
  const tried = new Map<ProjectId, string>();
  /** Undefined for a project without mirrors: the queue holds back such a project's jobs as a whole. */
  return async (job: ClaimedJob, project: Project): Promise<Patience | undefined> => {
    const { remotes = [], remoteUrl, authentication, engine } = project.github;
    if (remotes.length === 0) return undefined;
    const settings = JSON.stringify([remotes, remoteUrl, authentication, engine]);
    const isNew = tried.get(project.projectId) !== settings;
    tried.set(project.projectId, settings);
    const now = clock.now();
    const paused = (await listGates(db)).filter(({ state }) => state === 'paused');
    const gates = paused.map(({ key, pausedUntil, reason }) => {
      return [key, { pausedUntil: Math.max(pausedUntil, now + LEAST_PAUSE_MS), reason }] as const;
    });
    return { insist: isNew || job.trigger === 'api', closedGates: new Map(gates) };
  };
}

/** The answer with the time of each failed remote's next try, and what is to be closed and queued for it. */
export async function settleRemotes(
  synced: SyncAnswer,
  project: Project,
  ports: Ports,
): Promise<{ synced: SyncAnswer; pauses: SettleDecision['pauses']; againMs: number | null }> {
  const { tries = [] } = synced;
  const pauses: SettleDecision['pauses'] = [];
  let { remotes } = synced.facts;
  await forgetStrikes(tries, ports.db);
  for (const each of tries) {
    if (each.failure === null) continue;
    const failure = each.primary ? await ports.explain(each.failure, project) : each.failure;
    const remote = remotes.find(({ name, primary }) => name === each.name && primary === each.primary);
    if (remote === undefined) continue;
    const next = await nextState(remote, { ...each, failure }, pauses, ports);
    remotes = remotes.map((other) => (other === remote ? next : other));
  }
  const facts = { ...synced.facts, remotes };
  return {
    synced: { ...synced, facts, outcome: explained(synced, remotes) },
    pauses,
    againMs: again(remotes, ports),
  };
}

async function forgetStrikes(tries: readonly RemoteTry[], db: Database): Promise<void> {
  for (const { gate, failure } of tries) {
    if (failure === null && (await readStrikes(db, gate)) > 0) await clearStrikes(db, [gate]);
  }
}

async function nextState(
  remote: RemoteState,
  { failure, gate }: { failure: Failure; gate: string },
  pauses: SettleDecision['pauses'],
  { db, clock, random, settings }: Ports,
): Promise<RemoteState> {
  const rules = { ...settings(), random, now: clock.now() };
  const movedTo = renamedTo(failure, remote);
  if (remote.primary && movedTo !== null) {
    const { reason } = followed(failure);
    const delayMs = remote.failures > 1 ? retryDelay({ ...rules, attempt: remote.failures }) : FOLLOW_MS;
    return { ...remote, movedTo, state: 'retrying', reason, retryAt: rules.now + delayMs };
  }
  const { reason } = failure;
  if (remote.state !== 'retrying') return { ...remote, reason };
  const strikes = await readStrikes(db, gate);
  const { delayMs, pause } = decideNextTry(failure, { failures: remote.failures, gate, strikes }, rules);
  if (pause !== null) pauses.push(pause);
  return { ...remote, reason, retryAt: rules.now + delayMs };
}

/** The reason as the host's API explained it. */
function explained({ outcome, facts }: SyncAnswer, remotes: readonly RemoteState[]): SyncAnswer['outcome'] {
  if (outcome.kind !== 'partial') return outcome;
  const at = facts.remotes.findIndex(({ reason }) => reason === outcome.reason);
  const known = remotes[at];
  if (known === undefined) return outcome;
  const status = known.state === 'retrying' ? 'retrying' : outcome.status;
  return { ...outcome, status, reason: known.reason ?? outcome.reason };
}

/** Milliseconds until the first remote's next try; null when none has one. */
function again(remotes: readonly RemoteState[], { clock }: Ports): number | null {
  const times = remotes.flatMap(({ state, retryAt }) =>
    state === 'retrying' && retryAt !== null ? [retryAt] : [],
  );
  return times.length === 0 ? null : Math.max(0, Math.min(...times) - clock.now());
}
