// By which address a sync reaches its remote: https with a token where there is one, else SSH as the person's own git
// would, if there is a git to do it.

import type { Reason } from '../../model/failure.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { GitConfig } from '../config/user-config.ts';
import { type ChosenRemote, chooseRemote } from '../remote/remote-choice.ts';
import { parseRemoteUrl } from '../remote/remote-url.ts';
import { whyNoGit } from '../system/git-program.ts';
import type { SyncPorts } from './sync-ports.ts';

/** `overSsh` says why only the system's git reaches it, in words; null when any engine does. */
export type ReachedRemote =
  | { kind: 'chosen'; remote: ChosenRemote; overSsh: string | null }
  | { kind: 'none'; reason: Reason };

export async function reachRemote(
  github: GithubConfig,
  config: GitConfig,
  ports: Pick<SyncPorts, 'credentialFor' | 'env'>,
): Promise<ReachedRemote> {
  const byHttps = chooseRemote(github, config);
  const plain = byHttps.kind === 'chosen' ? { ...byHttps, overSsh: null } : byHttps;
  const bySsh = chooseRemote(github, config, { keepSsh: true });
  if (bySsh.kind === 'none' || parseRemoteUrl(bySsh.remote.url).kind !== 'ssh') return plain;
  const { remote } = bySsh;
  if (byHttps.kind === 'none') {
    return { kind: 'chosen', remote, overSsh: `${remote.host} is reached by SSH.` };
  }
  if (github.engine === 'builtin' || (await whyNoGit(ports.env)) !== null) return plain;
  if (github.authentication.type === 'ssh') {
    return { kind: 'chosen', remote, overSsh: 'github.authentication.type is "ssh".' };
  }
  const { host, url } = byHttps.remote;
  if ((await ports.credentialFor(host, url)) !== null) return plain;
  return {
    kind: 'chosen',
    remote,
    overSsh: `There is no token for ${host}, so ${remote.host} is reached by SSH.`,
  };
}
