// How far each remote is, kept in the facts: pure steps from one state to the next. When a failed remote is tried
// again, whoever settles the job decides.

import { type Failure, type Reason, reasonOf } from '../../model/failure.ts';
import { FAILURES, type FailureCode, STANDING_CODES } from '../../model/failure-codes.ts';
import type { ProjectFacts } from '../../model/project.ts';
import type { RemoteState } from '../../model/remote-state.ts';
import { sameRemote } from '../remote/remote-url.ts';
import type { Patience } from './sync-work.ts';

/** Told by a look that costs little, so that every sync takes it: a person may have set it right meanwhile. */
const LOOKED_AT_AGAIN: ReadonlySet<FailureCode> = new Set([
  ...STANDING_CODES,
  'mirror-moved-on',
  'remote-ahead',
  'remote-diverged',
  'push-rejected-non-fast-forward',
  'content-conflict',
  'unrelated-histories',
]);

/** A remote of that name that moved to another address is another one: nothing is known of it. */
export function startState(
  facts: ProjectFacts,
  wished: Pick<RemoteState, 'name' | 'primary' | 'url' | 'branches'>,
): RemoteState {
  const known = facts.remotes.find(
    ({ name, primary }) => primary === wished.primary && (primary || name === wished.name),
  );
  if (known && sameRemote(known.url, wished.url)) return { ...known, ...wished };
  const nothing = { tips: {}, reason: null, failures: 0, retryAt: null, lastSafeAt: null };
  return { ...wished, state: 'pending', ...nothing };
}

export function keepState(facts: ProjectFacts, state: RemoteState): void {
  facts.remotes = facts.remotes.map((remote) =>
    remote.name === state.name && remote.primary === state.primary ? state : remote,
  );
}

/** Everything that was to be brought there is there, or still more is to come. */
export function afterSuccess(state: RemoteState, isAllThere: boolean, safeAt: number | null): RemoteState {
  const calm = { ...state, reason: null, failures: 0, retryAt: null };
  if (!isAllThere) return { ...calm, state: 'pending' };
  return { ...calm, state: 'safe', lastSafeAt: safeAt ?? state.lastSafeAt };
}

export function afterFailure(
  state: RemoteState,
  { code, reason }: Pick<Failure, 'code' | 'reason'>,
): RemoteState {
  const failed = { ...state, reason, failures: state.failures + 1, retryAt: null };
  return { ...failed, state: FAILURES[code].retry === 'never' ? 'blocked' : 'retrying' };
}

/** Why the remote is to be left alone for now; null: it may be spoken to. */
export function holdBack(
  state: RemoteState,
  gate: string,
  patience: Patience,
  now: number,
): { reason: Reason; until: number | null } | null {
  const closed = patience.closedGates.get(gate);
  if (closed !== undefined) {
    const code = closed.reason === 'offline' ? 'offline' : 'rate-limited';
    const host = gate.slice(gate.indexOf(':') + 1);
    const why = code === 'offline' ? 'could not be reached' : 'asked for a pause';
    return { reason: reasonOf(code, `${host} ${why}; it is left alone for now.`), until: closed.pausedUntil };
  }
  if (patience.insist || state.reason === null) return null;
  const { reason, retryAt } = state;
  if (state.state === 'blocked' && !LOOKED_AT_AGAIN.has(reason.code)) return { reason, until: null };
  const waits = state.state === 'retrying' && retryAt !== null && retryAt > now;
  return waits ? { reason, until: retryAt } : null;
}

/** Left alone: what it lacks is for later. */
export function afterWaiting(
  state: RemoteState,
  { reason, until }: { reason: Reason; until: number | null },
): RemoteState {
  return { ...state, reason, retryAt: until, state: until === null ? 'blocked' : 'retrying' };
}
