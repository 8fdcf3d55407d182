// What enrolment needs to know of a repository: its branch, its remote, the queue's lane and lock for it.

import { readGitConfig } from '../git/config/user-config.ts';
import { workedOnBranch } from '../git/refs/worked-on.ts';
import { type ChosenRemote, chooseRemote } from '../git/remote/remote-choice.ts';
import { normalRemote } from '../git/remote/remote-url.ts';
import { openRepository } from '../git/repository.ts';
import type { Repository } from '../git/types.ts';
import { credentialKey } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import { credentialGate, hostGate } from '../model/gate-keys.ts';
import type { GithubConfig } from '../model/project-config.ts';
import { NO_CREDENTIAL_GATE, NO_HOST_GATE } from '../model/remote-state.ts';

const UNGATED = { hostGate: NO_HOST_GATE, credentialGate: NO_CREDENTIAL_GATE };

type Lane = { hostGate: string; credentialGate: string };
export type Inspected = {
  repo: Repository;
  /** The one that is worked on, also while HEAD is on none. */
  branch: string | null;
  remote: ChosenRemote | null;
  lane: Lane;
  /** Two projects with the same key never sync at the same moment: they push to the same repository. */
  lockKey: string;
};

type Ports = { env: Readonly<Record<string, string | undefined>>; homeDir: string };

/** @throws Failure `not-a-repository`, `folder-missing`, `folder-unreadable` */
export async function inspectRepository(
  path: string,
  github: Pick<GithubConfig, 'remoteUrl' | 'authentication' | 'remotes' | 'mode'> | null,
  ports: Ports,
): Promise<Inspected> {
  const repo = await openRepository(path);
  const [config, branch] = await Promise.all([readGitConfig({ repo, ...ports }), branchOf(repo)]);
  const byHttps = chooseRemote(github ?? {}, config);
  // A host that serves by SSH alone has its gate and its lock too.
  const chosen = byHttps.kind === 'chosen' ? byHttps : chooseRemote(github ?? {}, config, { keepSsh: true });
  const remote = chosen.kind === 'chosen' ? chosen.remote : null;
  const host = remote?.host ?? 'none';
  const named = github?.authentication?.credential;
  const credential = credentialKey(host, named) ?? named ?? host;
  return {
    repo,
    branch,
    remote,
    lane: looksAtGates(github)
      ? UNGATED
      : { hostGate: hostGate(host), credentialGate: credentialGate(credential) },
    lockKey: remote ? `remote:${normalRemote(remote.url)}` : `path:${repo.worktree}`,
  };
}

/** A closed gate of one remote must not hold up the others: the sync of a mirrored project looks at each by itself. */
function looksAtGates(github: Partial<Pick<GithubConfig, 'remotes' | 'mode'>> | null): boolean {
  return (github?.remotes ?? []).length > 0 && github?.mode !== 'snapshot';
}

/** A broken HEAD is no reason not to enrol: the sync names it. */
async function branchOf(repo: Repository): Promise<string | null> {
  try {
    return await workedOnBranch(repo);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
