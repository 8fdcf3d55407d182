// A repository that was renamed or given to another owner: its host sends on from the old address. The new one is
// remembered beside the address in the settings, and pushes go there; the person's own configuration stays as it is.

import { Failure } from '../../model/failure.ts';
import type { ProjectFacts } from '../../model/project.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { displayUrl, parseRemoteUrl, sameRemote } from '../remote/remote-url.ts';

/** Calls `push` with the address that counts now. A new address that is gone is forgotten. @throws what `push` throws */
export async function followingMove(
  facts: ProjectFacts,
  remote: ChosenRemote,
  push: (remote: ChosenRemote) => Promise<void>,
): Promise<void> {
  const state = primaryOf(facts);
  const now = whereItIs(facts, remote);
  if (state === undefined || now === remote) return push(remote);
  try {
    await push(now);
  } catch (error) {
    if (error instanceof Failure && error.code === 'repository-not-found') state.movedTo = undefined;
    throw error;
  }
}

/** The remote by the address that counts now; itself when it has not moved. */
export function whereItIs(facts: Pick<ProjectFacts, 'remotes'>, remote: ChosenRemote): ChosenRemote {
  const { url, movedTo } = primaryOf(facts) ?? {};
  const isKnown = url !== undefined && movedTo !== undefined && sameRemote(url, remote.url);
  return isKnown ? { ...remote, url: movedTo } : remote;
}

/** Another host is another matter: a credential is for one host alone. */
export function noteMove(facts: ProjectFacts, remote: ChosenRemote, to: string): void {
  const url = displayUrl(to);
  const state = primaryOf(facts);
  if (state !== undefined && parseRemoteUrl(url).host === remote.host) state.movedTo = url;
}

const primaryOf = ({ remotes }: Pick<ProjectFacts, 'remotes'>) => remotes.find(({ primary }) => primary);
