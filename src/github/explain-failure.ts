// Tells apart why a host refused a push: renamed, archived, no access or really gone. Asks the host's REST API,
// because to git all of them look like "not found". Must not know git, projects or the queue.

import { Failure } from '../model/failure.ts';
import type { RepositoryLookup } from './repositories.ts';
import type { RepositoryRef } from './repository-path.ts';
import type { GithubClient } from './rest-client.ts';

const EXPLAINED = new Set(['repository-not-found', 'push-forbidden']);

/**
 * A failure that says more than the given one: `repository-renamed` with the new address, `repository-archived`,
 * `push-forbidden`, or the given code with what the API adds. Other failures come back as they are. Never throws.
 */
export async function explainPushFailure(
  failure: Failure,
  remote: RepositoryRef,
  client: Pick<GithubClient, 'lookUpRepository'>,
): Promise<Failure> {
  if (!EXPLAINED.has(failure.code)) return failure;
  try {
    return explained(failure, remote, await client.lookUpRepository(remote));
  } catch (error) {
    const why = error instanceof Failure ? error.message : 'an unexpected fault';
    return withFact(failure, `Asking ${remote.host} for the reason failed: ${why}`);
  }
}

function explained(failure: Failure, remote: RepositoryRef, lookup: RepositoryLookup): Failure {
  const name = `${remote.owner}/${remote.name}`;
  switch (lookup.kind) {
    case 'no-api':
      return failure;
    case 'absent':
      return withFact(failure, `${remote.host} knows no repository ${name} that this token may see.`);
    case 'renamed':
      return become('repository-renamed', `${name} is now ${lookup.fullName}: ${lookup.cloneUrl}`, failure, {
        cloneUrl: lookup.cloneUrl,
        fullName: lookup.fullName,
      });
    case 'found':
      if (lookup.archived) {
        return become('repository-archived', `${lookup.fullName} is archived on ${remote.host}.`, failure);
      }
      if (!lookup.canPush) {
        return become('push-forbidden', `The token may read ${lookup.fullName}, not write to it.`, failure);
      }
      return withFact(failure, `${lookup.fullName} is there and the account may write to it.`);
  }
  return lookup satisfies never;
}

function become(
  code: 'repository-renamed' | 'repository-archived' | 'push-forbidden',
  detail: string,
  cause: Failure,
  facts: Record<string, unknown> = {},
): Failure {
  return new Failure(code, detail, { data: { ...cause.data, ...facts }, cause });
}

function withFact(failure: Failure, fact: string): Failure {
  return new Failure(failure.code, `${failure.message} ${fact}`, {
    data: failure.data,
    cause: failure,
    action: failure.action,
  });
}
