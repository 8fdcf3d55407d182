// A repository as REST paths name it. `host` is the git host, for example `github.com`.

import type { CredentialWish } from '../model/credential-key.ts';

export type RepositoryRef = {
  host: string;
  owner: string;
  name: string;
  /** Which account asks; left out: the host's own. */
  as?: CredentialWish;
  signal?: AbortSignal;
};

export function repositoryPath({ owner, name }: Pick<RepositoryRef, 'owner' | 'name'>): string {
  return `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
}

/** What every request about it has in common. */
export function asked({ host, as, signal }: Pick<RepositoryRef, 'host' | 'as' | 'signal'>) {
  return { host, ...(as && { as }), ...(signal && { signal }) };
}
