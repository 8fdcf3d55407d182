// Which remote a project is pushed to, and by which address.

import { type Reason, reasonOf } from '../../model/failure.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { GitConfig } from '../config/user-config.ts';
import { displayUrl, httpsEquivalent, parseRemoteUrl, sameRemote } from './remote-url.ts';

export type ChosenRemote = {
  /** The name in the person's own configuration, or `gitferry` when no remote of theirs has this address. */
  name: string;
  /** Whether `refs/remotes/<name>/*` mirrors this remote, so that a push is to be noted there as git does. */
  tracked: boolean;
  /** What requests are sent to; holds no credentials. */
  url: string;
  host: string;
};

/**
 * Settings first, then `origin`, then the only remote there is. SSH addresses are pushed to over https, unless they
 * are to be kept.
 */
export function chooseRemote(
  github: Pick<GithubConfig, 'remoteUrl'>,
  config: GitConfig,
  { keepSsh = false }: { keepSsh?: boolean } = {},
): { kind: 'chosen'; remote: ChosenRemote } | { kind: 'none'; reason: Reason } {
  const names = config.subsections('remote');
  const urlOf = (name: string) => config.get(`remote.${name}.pushurl`) ?? config.get(`remote.${name}.url`);
  const wished = github.remoteUrl;
  const named = names.find((name) => {
    const url = urlOf(name);
    return wished !== undefined && url !== undefined && sameRemote(url, wished);
  });
  const name = wished === undefined ? (names.includes('origin') ? 'origin' : names[0]) : named;
  const url = wished ?? (name === undefined ? undefined : urlOf(name));
  if (url === undefined)
    return { kind: 'none', reason: reasonOf('remote-missing', 'The repository has no remote.') };

  const parsed = parseRemoteUrl(url);
  const isKept = parsed.kind === 'ssh' && keepSsh;
  const address = parsed.kind === 'ssh' && !isKept ? httpsEquivalent(url) : displayUrl(url);
  const { kind, host } = parseRemoteUrl(address ?? url);
  if (address === null || (kind !== 'https' && kind !== 'http' && !isKept)) {
    const detail = `The built-in engine cannot push to ${displayUrl(url)}.`;
    return { kind: 'none', reason: reasonOf('remote-unsupported', detail) };
  }
  const tracked =
    name !== undefined &&
    isFetchedFrom(name, url, config) &&
    config.getAll(`remote.${name}.fetch`).includes(mirrors(name));
  return { kind: 'chosen', remote: { name: name ?? 'gitferry', tracked, url: address, host } };
}

/** With a `pushurl` to a fork, git notes in the tracking refs what the upstream holds, not what is pushed to. */
function isFetchedFrom(name: string, url: string, config: GitConfig): boolean {
  const fetchUrl = config.get(`remote.${name}.url`);
  return fetchUrl === undefined || sameRemote(fetchUrl, url);
}

function mirrors(name: string): string {
  return `+refs/heads/*:refs/remotes/${name}/*`;
}
