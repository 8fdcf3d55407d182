// What a sync is done with: credentials, transport, guard, and the host's API for refusals that need explaining.

import type { Config } from '../config/settings.ts';
import type { McpGitClient } from '../git/mcp/git-tools.ts';
import { createGiveWay } from '../git/sync/give-way.ts';
import type { ChangeGuard, SyncPorts } from '../git/sync/sync-ports.ts';
import { explainPushFailure } from '../github/explain-failure.ts';
import { checkChanges } from '../guard/check-changes.ts';
import { createSecretCache, type SecretCache } from '../guard/secret-cache.ts';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import type { Failure } from '../model/failure.ts';
import { MAX_FILE_BYTES } from '../model/held-file.ts';
import type { Project } from '../model/project.ts';
import { remoteRefOf } from '../projects/remote-ref.ts';
import type { Database } from '../store/database.ts';
import { createBranchRules } from './branch-rules.ts';
import { createGithubTools, type GithubTools } from './github-tools.ts';

const SCANNED_BLOBS_REMEMBERED = 20_000;

export function createSyncTools(input: {
  host: Host;
  log: Log;
  db: Database;
  config: () => Config;
  secretEnv: Host['env'];
  mcpClient?: McpGitClient;
}): {
  sync: SyncPorts;
  github: GithubTools;
  explain(failure: Failure, project: Project): Promise<Failure>;
} {
  const { host, log, config } = input;
  const github = createGithubTools(input);
  const cache = createSecretCache({ entries: SCANNED_BLOBS_REMEMBERED });
  return {
    github,
    sync: {
      transport: github.transport,
      credentialFor: github.credentialFor,
      forProject: github.forProject,
      whyRefused: createBranchRules({ ...github, clock: host.clock, log }),
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
      ...(input.mcpClient && { mcpClient: input.mcpClient }),
    },
    async explain(failure, project) {
      if (failure.code !== 'repository-not-found' && failure.code !== 'push-forbidden') return failure;
      const remote = await remoteRefOf(project, host);
      if (remote === null) return failure;
      const as = project.github.authentication;
      return explainPushFailure(failure, { ...remote, as }, github.github);
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
