// Brings branches of a remote here by the system's git: SSH, partial and shallow clones and alternates are then as a
// person has them. Knows no work tree.

import type { ProbedRepository } from '../probe/probe.ts';
import { readRef } from '../refs/refs.ts';
import type { EngineFetch } from '../sync/engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { RunGit } from './run-git.ts';
import { listRemoteTips, openSystemRemote, reaching, remoteTrouble } from './system-remote.ts';

const FETCH_TIMEOUT_MS = 60 * 60_000;
/** A remote that no tracking refs belong to: what comes in is held here until the next fetch. */
const HELD = 'refs/gitferry/incoming/';
const QUIETLY = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];
/** A branch went away between being asked for and being fetched. */
const GONE = /couldn't find remote ref/i;

export type SystemFetch = EngineFetch & {
  probe: Pick<ProbedRepository, 'repo' | 'config'>;
  git: RunGit;
  ports: Pick<SyncPorts, 'credentialFor' | 'env' | 'clock'>;
};

/**
 * The caller holds the repository lock. Null: the remote has no such branch.
 * @throws Failure as a push that got no answer, `git-failed`
 */
export async function fetchBySystem(fetch: SystemFetch): Promise<Record<string, string | null>> {
  const { branches, git, probe, ports } = fetch;
  const remote = await openSystemRemote(fetch.remote, probe, ports);
  const nowMs = ports.clock.now();
  const heads = branches.map((branch) => `refs/heads/${branch}`);
  const there = await listRemoteTips(git, remote, heads, nowMs);
  const tips: Record<string, string | null> = {};
  for (const branch of branches) {
    const ref = `refs/heads/${branch}`;
    if (!there.has(ref)) {
      tips[branch] = null;
      continue;
    }
    const local = fetch.remote.tracked ? `refs/remotes/${fetch.remote.name}/${branch}` : `${HELD}${branch}`;
    const args = ['fetch', ...QUIETLY, '--recurse-submodules=no', '--', remote.url, `+${ref}:${local}`];
    const answer = await reaching(git, remote)(args, { changes: true, timeoutMs: FETCH_TIMEOUT_MS });
    if (answer.code !== 0 && !GONE.test(answer.err)) {
      throw remoteTrouble(remote, answer, { nowMs, what: 'The fetch from' });
    }
    tips[branch] = answer.code === 0 ? await readRef(probe.repo, local) : null;
  }
  return tips;
}
