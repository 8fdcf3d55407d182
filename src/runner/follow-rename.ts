// A repository with another name or owner, of which git only hears "not found": the host's API says where it is. The new
// address is remembered beside the one in the settings, as after a redirect, and tried at once.

import { addressOf, sameRemote } from '../git/remote/remote-url.ts';
import type { SyncAnswer } from '../git/sync/sync-work.ts';
import { Failure } from '../model/failure.ts';
import type { RemoteState } from '../model/remote-state.ts';

const FOLLOWED = 'Nothing to do: it is followed. Set the remote to the new address when you like.';

/** The answer with the new address noted, and its failure as one to try again; itself where there is none to try. */
export function followRename(synced: SyncAnswer): SyncAnswer {
  const { outcome, facts } = synced;
  if (outcome.kind !== 'failed') return synced;
  const primary = facts.remotes.find((remote) => remote.primary);
  const movedTo = primary === undefined ? null : renamedTo(outcome.failure, primary);
  if (movedTo === null) return synced;
  const remotes = facts.remotes.map((remote) => (remote === primary ? { ...remote, movedTo } : remote));
  return {
    ...synced,
    facts: { ...facts, remotes },
    outcome: { kind: 'failed', failure: followed(outcome.failure) },
  };
}

/** Where the primary is now, on the same host; null where nobody says so, or where it was tried already. */
export function renamedTo({ code, data }: Failure, { url, movedTo }: RemoteState): string | null {
  if (code !== 'repository-renamed' || typeof data.fullName !== 'string') return null;
  const next = addressOf(url, data.fullName);
  return next === null || sameRemote(next, movedTo ?? url) ? null : next;
}

export function followed(failure: Failure): Failure {
  const data = { ...failure.data, isFollowed: true };
  return new Failure(failure.code, failure.message, { data, action: FOLLOWED, cause: failure });
}
