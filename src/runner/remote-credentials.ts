// Which account a project's remotes are reached by: each remote has its own, also where two of them lie on one host.

import { normalRemote, parseRemoteUrl } from '../git/remote/remote-url.ts';
import type { TransportInput } from '../git/remote/transport.ts';
import type { Credentials } from '../github/credentials.ts';
import { type CredentialWish, credentialKey, splitKey } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import type { GithubConfig } from '../model/project-config.ts';

type CredentialFor = TransportInput['credentialFor'];
type Finder = Pick<Credentials, 'credentialFor'>;

const SERVICE = /\/(?:info\/refs|git-receive-pack|git-upload-pack)(?:\?.*)?$/;

/** Null: the project does as all do. What is found throws Failure `credential-missing` for a name that nobody knows. */
export function credentialsOfRemotes(
  { authentication, remotes = [], remoteUrl }: GithubConfig,
  credentials: Finder,
): CredentialFor | null {
  const { credential, type } = authentication;
  const isPlain = credential === undefined && (type === 'token' || type === 'ssh');
  if (isPlain && remotes.every((remote) => remote.credential === undefined)) return null;
  const own: CredentialWish = { type, ...(credential !== undefined && { credential }) };
  const primary = remoteUrl === undefined ? null : normalRemote(remoteUrl);
  const mirrors = new Map(remotes.map((remote) => [normalRemote(remote.url), remote.credential ?? null]));
  return async (host, url) => {
    const remote = normalRemote(url.replace(SERVICE, ''));
    const mirror = remote === primary ? undefined : mirrors.get(remote);
    // Nobody named an account for a mirror without one: the project's name counts where its host knows it.
    if (mirror === null)
      return (await credentials.credentialFor(host, own)) ?? credentials.credentialFor(host);
    const wish = mirror === undefined ? own : { credential: mirror };
    const found = await credentials.credentialFor(host, wish);
    // By SSH none is needed. Sent on to another host, a request goes without: the name was not meant for that one.
    const { kind, host: meant } = parseRemoteUrl(url);
    if (found === null && kind !== 'ssh' && meant === host) refuseMissing(wish, host);
    return found;
  };
}

/**
 * Another account, or none, is not what was asked for. By SSH none is needed.
 * @throws Failure `credential-missing`, naming the credential
 */
export function refuseMissing({ credential, type }: CredentialWish, host: string): void {
  if (!credential || type === 'ssh' || type === 'none') return;
  const key = credentialKey(host, credential);
  const detail =
    key === null
      ? `The settings name the credential "${credential}", which is none for ${host}.`
      : `The settings name the credential "${key}", and nobody has one of this name.`;
  const name = key === null ? null : splitKey(key).name;
  const known =
    name === null ? 'name one for this host' : `run \`gitferry login --name ${name}\` for ${host}`;
  throw new Failure('credential-missing', detail, {
    data: { host },
    action: `Correct the name in github.authentication.credential (of a mirror: in its credential), or ${known}.`,
  });
}
