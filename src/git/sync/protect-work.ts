// Work that cannot be committed where it belongs (mode `snapshot`; a merge or rebase in progress; a detached HEAD) goes
// to `auto/<branch>` all the same: HEAD, index and files stay as they are.

import { type FailureCode, PROTECTED_CODES } from '../../model/failure-codes.ts';
import type { ProjectFacts } from '../../model/project.ts';
import { NO_STATS, type RunStats } from '../../model/run.ts';
import { readGitConfig } from '../config/user-config.ts';
import { openObjects } from '../objects/objects.ts';
import { pushBranch } from '../remote/push.ts';
import { openRepository } from '../repository.ts';
import { protect } from '../snapshot/protect.ts';
import { reachRemote } from './reach-remote.ts';
import { takeRepositoryLock } from './repository-lock.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncInput } from './sync-work.ts';

/** Whether a project that is blocked by this is protected by snapshots meanwhile. */
export function isProtected(code: FailureCode): boolean {
  return PROTECTED_CODES.has(code);
}

/** Takes a snapshot if anything would be lost without it, and pushes it. @throws Failure */
export async function protectWork(
  input: SyncInput,
  facts: ProjectFacts,
  { always }: { always: boolean },
  ports: SyncPorts,
): Promise<{ facts: ProjectFacts; stats: RunStats }> {
  const { worktree, github, machineId, signal } = input;
  const repo = await openRepository(worktree);
  const lock = await takeRepositoryLock(repo, ports);
  const objects = openObjects(repo, { fsync: ports.fsync() });
  try {
    const answer = await protect(
      { worktree, github, machineId, remoteTips: facts.remoteTips, always, signal },
      ports,
    );
    const stats: RunStats = { ...NO_STATS, remotes: [] };
    if (answer.kind === 'refused') {
      ports.log.warn({ worktree, ...answer.reason }, 'no snapshot was taken');
      return { facts, stats };
    }
    const heldFiles = answer.held;
    if (answer.kind === 'unchanged') return { facts: { ...facts, heldFiles }, stats };
    const { oid, ref, files } = answer.snapshot;
    const branch = ref.slice('refs/heads/'.length);
    stats.filesChanged = files;
    stats.commit = oid;
    const config = await readGitConfig({ repo, env: ports.env, homeDir: ports.homeDir });
    const reached = await reachRemote(github, config, ports);
    if (reached.kind === 'none' || reached.overSsh !== null) return { facts: { ...facts, heldFiles }, stats };
    const { remote } = reached;
    const { transport, clock, env } = ports;
    const pushed = await pushBranch({
      ...{ transport, objects, repo, url: remote.url, branch, tip: oid, assumed: null, signal, clock, env },
    });
    stats.remotes.push({
      name: remote.name,
      branch,
      status: pushed.status,
      from: pushed.from,
      to: pushed.to,
    });
    stats.bytesPushed = pushed.bytes;
    return { facts: { ...facts, heldFiles, remoteTips: { ...facts.remoteTips, [branch]: oid } }, stats };
  } finally {
    await objects.close();
    await lock.release();
  }
}
