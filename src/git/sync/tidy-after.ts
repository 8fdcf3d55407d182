// After a commit of ours the object store may need tidying. It must never spoil a sync that is done.

import { Failure } from '../../model/failure.ts';
import { tidyObjects } from '../objects/hygiene.ts';
import { gitRunner } from '../system/run-git.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** What goes wrong is logged: the next commit tries again. The caller holds the repository lock. */
export async function tidyAfter(work: SyncWork, ports: SyncPorts): Promise<void> {
  if (work.stats.commit === null) return;
  const { probe, signal } = work;
  const { repo, config } = probe;
  const { clock, env, log } = ports;
  try {
    const git = gitRunner({ repo, env, clock, signal });
    const outcome = await tidyObjects({ repo, config, git, fsync: ports.fsync() && probe.fsync, signal });
    if (outcome.kind === 'nothing-to-do') return;
    const level = outcome.kind === 'failed' || outcome.kind === 'took-too-long' ? 'warn' : 'info';
    log[level]({ worktree: repo.worktree, ...outcome }, 'the object store was to be tidied');
  } catch (error) {
    if (!(error instanceof Failure) && !signal.aborted) throw error;
    log.warn({ worktree: repo.worktree, err: error }, 'the object store was not tidied');
  }
}
