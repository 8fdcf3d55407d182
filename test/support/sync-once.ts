// One sync of one repository as the service's runner asks for it, without queue and database. The same call serves a
// test's own process and a worker process that is killed. Knows no test framework.

import { createTransport } from '../../src/git/remote/transport.ts';
import type { SyncPorts } from '../../src/git/sync/sync-ports.ts';
import { syncProject } from '../../src/git/sync/sync-project.ts';
import type { SyncAnswer, SyncInput } from '../../src/git/sync/sync-work.ts';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { NO_FACTS, NO_RELEASES } from '../../src/model/project.ts';
import { type GithubConfig, GithubConfigSchema } from '../../src/model/project-config.ts';
import { gitEnv } from './git-repo.ts';

/** Every branch is synced, by the built-in choices for everything else. */
export const SYNC_ALL: GithubConfig = GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'] });

type SyncOnce = Partial<SyncInput> & { worktree: string; ports?: Partial<SyncPorts> };

export function syncPorts(more: Partial<SyncPorts> = {}): SyncPorts {
  return {
    transport: createTransport({
      clock: systemClock,
      credentialFor: async () => null,
      userAgent: 'git/gitferry-test',
      idleTimeoutMs: 20_000,
    }),
    credentialFor: async () => null,
    guard: async () => ({ held: [], massDeletion: null }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    env: gitEnv(),
    homeDir: '',
    pid: process.pid,
    allowMessageCommands: () => false,
    fsync: () => false,
    ...more,
  };
}

/** As after a start: nothing is known, everything is compared. `ports` and all other inputs may be given. */
export function syncOnce({ ports, ...input }: SyncOnce): Promise<SyncAnswer> {
  return syncProject(
    {
      github: SYNC_ALL,
      facts: NO_FACTS,
      dirty: 'all',
      askRemote: false,
      conflictChoice: null,
      releases: NO_RELEASES,
      machineId: 'laptop',
      signal: new AbortController().signal,
      ...input,
    },
    syncPorts(ports),
  );
}
