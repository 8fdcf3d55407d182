// What a sync is done with: credentials, transport, guard, and the host's API for refusals that need explaining.

import type { Config } from '../config/settings.ts';
import { readGitConfig } from '../git/config/user-config.ts';
import { chooseRemote } from '../git/remote/remote-choice.ts';
import { parseRemoteUrl } from '../git/remote/remote-url.ts';
import { createTransport } from '../git/remote/transport.ts';
import { openRepository } from '../git/repository.ts';
import { createGiveWay } from '../git/sync/give-way.ts';
import type { ChangeGuard, SyncPorts } from '../git/sync/sync-ports.ts';
import { createCredentials } from '../github/credentials.ts';
import { explainPushFailure } from '../github/explain-failure.ts';
import { createGithubClient } from '../github/rest-client.ts';
import { checkChanges } from '../guard/check-changes.ts';
import { createSecretCache, type SecretCache } from '../guard/secret-cache.ts';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import type { Failure } from '../model/failure.ts';
import { MAX_FILE_BYTES } from '../model/held-file.ts';
import type { Project } from '../model/project.ts';
import { VERSION } from '../version.ts';

/** GitHub asks for a name; a "git/" prefix makes hosts answer as to git. */
const USER_AGENT = `git/gitferry-${VERSION}`;
const SCANNED_BLOBS_REMEMBERED = 20_000;

export function createSyncTools(input: { host: Host; log: Log; config: () => Config }): {
  sync: SyncPorts;
  explain(failure: Failure, project: Project): Promise<Failure>;
} {
  const { host, log, config } = input;
  const credentials = createCredentials({ env: host.env, tokens: () => config().tokens });
  const transport = createTransport({
    clock: host.clock,
    credentialFor: (name) => credentials.credentialFor(name),
    userAgent: USER_AGENT,
    idleTimeoutMs: config().networkTimeoutMs,
  });
  const github = createGithubClient({
    apiUrlFor: (name) => config().githubApis[name] ?? null,
    tokenFor: (name) => credentials.tokenFor(name),
    userAgent: `gitferry/${VERSION}`,
    clock: host.clock,
    log,
  });
  const cache = createSecretCache({ entries: SCANNED_BLOBS_REMEMBERED });
  return {
    sync: {
      transport,
      credentialFor: (name) => credentials.credentialFor(name),
      guard: guardWith(cache, log),
      clock: host.clock,
      random: host.random,
      log,
      env: host.env,
      homeDir: host.homeDir,
      pid: host.pid,
      allowMessageCommands: () => config().allowMessageCommands,
      fsync: () => config().fsync,
      giveWay: createGiveWay(host),
    },
    async explain(failure, project) {
      if (failure.code !== 'repository-not-found' && failure.code !== 'push-forbidden') return failure;
      const remote = await remoteOf(project, host);
      return remote === null ? failure : explainPushFailure(failure, remote, github);
    },
  };
}

function guardWith(cache: SecretCache, log: Log): ChangeGuard {
  return async ({ files, trackedFiles, settings, released = [], committed = false, read, signal }) => {
    const policy = {
      secrets: settings?.secrets ?? true,
      maxFileBytes: settings?.maxFileBytes ?? MAX_FILE_BYTES,
      allow: settings?.allow ?? [],
      released,
      committed,
    };
    const { held, massDeletion, warnings } = await checkChanges({
      files,
      trackedFiles,
      policy,
      read,
      cache,
      signal,
    });
    for (const warning of warnings) log.warn(warning, 'a file may cause trouble on the host');
    return { held, massDeletion };
  };
}

async function remoteOf(project: Project, { env, homeDir }: Host) {
  const config = await readGitConfig({ repo: await openRepository(project.path), env, homeDir });
  const chosen = chooseRemote(project.github, config);
  if (chosen.kind === 'none') return null;
  const { host, path } = parseRemoteUrl(chosen.remote.url);
  const [owner, name] = path.replace(/\.git$/, '').split('/');
  return owner === undefined || name === undefined ? null : { host, owner, name };
}
