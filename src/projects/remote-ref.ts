// Which repository of which host a project pushes to, as the host's API names it.

import { readGitConfig } from '../git/config/user-config.ts';
import { chooseRemote } from '../git/remote/remote-choice.ts';
import { parseRemoteUrl } from '../git/remote/remote-url.ts';
import { openRepository } from '../git/repository.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';

export type RemoteRef = { url: string; host: string; owner: string; name: string };

type Machine = { env: Readonly<Record<string, string | undefined>>; homeDir: string };

/** Null when it has no remote by https. @throws Failure as opening the repository */
export async function remoteRefOf(
  { path, github, facts }: Pick<Project, 'path' | 'github' | 'facts'>,
  { env, homeDir }: Machine,
): Promise<RemoteRef | null> {
  const config = await readGitConfig({ repo: await openRepository(path), env, homeDir });
  const chosen = chooseRemote(github, config);
  if (chosen.kind === 'none') return null;
  const known = facts.remotes.find(({ primary }) => primary);
  const url =
    known?.movedTo !== undefined && known.url === chosen.remote.url ? known.movedTo : chosen.remote.url;
  const { host, path: repositoryPath } = parseRemoteUrl(url);
  // Some hosts nest groups: the last part is the name.
  const parts = repositoryPath
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '')
    .split('/');
  return { url, host, owner: parts.slice(0, -1).join('/'), name: parts.at(-1) ?? '' };
}

/** The host of its remote, however it is reached; null when it has none, or when the folder cannot be read now. */
export async function hostOfRemote(
  { path, github }: Pick<Project, 'path' | 'github'>,
  { env, homeDir }: Machine,
): Promise<string | null> {
  try {
    const config = await readGitConfig({ repo: await openRepository(path), env, homeDir });
    const chosen = chooseRemote(github, config);
    return chosen.kind === 'chosen' ? chosen.remote.host : null;
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
