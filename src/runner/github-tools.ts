// How hosts are reached: credentials, pace and gates for git and for the REST API alike, as each project's settings
// choose its account.

import type { Config } from '../config/settings.ts';
import { parseRemoteUrl } from '../git/remote/remote-url.ts';
import { createTransport, type TransportInput } from '../git/remote/transport.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import type { PassGates } from '../github/api.ts';
import { apiUrlFor, type CredentialPlaces, openCredentials } from '../github/open-credentials.ts';
import { createPace } from '../github/pace.ts';
import { createGithubClient, type GithubClient } from '../github/rest-client.ts';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import { CREATION_SPACING_MS, creationGate, credentialGate, hostGate } from '../model/gate-keys.ts';
import { type CallGate, createCallGate } from '../queue/gated-call.ts';
import type { Database } from '../store/database.ts';
import { VERSION } from '../version.ts';
import { credentialsOfRemotes, refuseMissing } from './remote-credentials.ts';

/** GitHub asks for a name; a "git/" prefix makes hosts answer as to git. */
const GIT_AGENT = `git/gitferry-${VERSION}`;

export type GithubTools = Pick<CredentialPlaces, 'credentials' | 'stored'> & {
  github: GithubClient;
  /** Whether the host has a REST API that is known. */
  hasApi(host: string): boolean;
  transport: SyncPorts['transport'];
  credentialFor: SyncPorts['credentialFor'];
  forProject: NonNullable<SyncPorts['forProject']>;
};

type Input = { host: Host; log: Log; db: Database; config: () => Config; secretEnv: Host['env'] };

/** `secretEnv` may hold what `host.env` does not: private keys. */
export function createGithubTools({ host, log, db, config, secretEnv }: Input): GithubTools {
  const { homeDir, clock, random, pid } = host;
  const places = openCredentials({
    pid,
    env: secretEnv,
    homeDir,
    clock,
    log,
    settings: config,
    userAgent: `gitferry/${VERSION}`,
  });
  const { credentials } = places;
  const pace = createPace({ clock });
  const gates = createCallGate({
    ...{ db, clock, random, log },
    settings: () => ({ rateLimitDelayMs: config()['schedulerOptions.rateLimitDelay'] }),
  });
  const hasApi = (name: string) => apiUrlFor(config(), name) !== null;
  const github = createGithubClient({
    apiUrlFor: (name) => apiUrlFor(config(), name),
    async tokenFor(name, as = {}) {
      const found = await credentials.tokenFor(name, as);
      if (found === null) refuseMissing(as, name);
      return found;
    },
    userAgent: `gitferry/${VERSION}`,
    ...{ clock, log, pace },
    pass: passGates(gates),
  });
  const transportWith = (credentialFor: TransportInput['credentialFor']) =>
    createTransport({
      ...{ clock, credentialFor },
      userAgent: GIT_AGENT,
      idleTimeoutMs: config().networkTimeoutMs,
      // Rates are documented by GitHub; other hosts have limits of their own, and say so.
      async admit({ url, isUpload, signal }) {
        const { host: name, path } = parseRemoteUrl(url);
        if (!hasApi(name)) return;
        await pace.git(`${name}/${repositoryOf(path)}`, isUpload ? 'push' : 'read', signal);
      },
    });
  const credentialFor = (name: string) => credentials.credentialFor(name);
  const transport = transportWith(credentialFor);
  return {
    ...places,
    ...{ github, hasApi, transport, credentialFor },
    forProject(config) {
      const own = credentialsOfRemotes(config, credentials);
      return own === null
        ? { transport, credentialFor }
        : { transport: transportWith(own), credentialFor: own };
    },
  };
}

/** `owner/name` of what a git request asks for. */
function repositoryOf(path: string): string {
  return path
    .replace(/\/(?:info\/refs|git-receive-pack|git-upload-pack)(?:\?.*)?$/, '')
    .replace(/\.git$/, '');
}

/** Calls to the API pass the gates of the jobs, and what creates keeps its distance. */
export function passGates(gates: CallGate): PassGates {
  return ({ apiHost, account, creates, signal }, make) => {
    const spacing = { key: creationGate(account), spacingMs: CREATION_SPACING_MS };
    return gates.call(
      {
        hostGate: hostGate(apiHost),
        credentialGate: credentialGate(account),
        ...(creates && { spacing }),
        ...(signal && { signal }),
      },
      make,
    );
  };
}
