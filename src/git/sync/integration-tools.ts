// Which git brings the work tree to what others pushed: mostly the engine of the project; the system's git also where
// the work tree is sparse, or where contents that come in pass filters.

import { Failure } from '../../model/failure.ts';
import type { WorkTreeTools } from '../integrate/work-tree-tools.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { whyNoGit } from '../system/git-program.ts';
import { createSystemEngine } from '../system/system-engine.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** The caller holds the repository lock. */
export async function openTools(
  work: SyncWork,
  remote: ChosenRemote,
  ports: SyncPorts,
): Promise<WorkTreeTools> {
  const isSparse = work.probe.config.getBoolean('core.sparseCheckout') ?? false;
  if (isSparse && (await mayUseGit(work, ports))) return openSystem(work, remote, ports);
  return work.engine.workTree(remote, work.signal);
}

/** For what the engine's own may not do; null when there is no other. */
export async function openOtherTools(
  work: SyncWork,
  remote: ChosenRemote,
  ports: SyncPorts,
): Promise<WorkTreeTools | null> {
  return (await mayUseGit(work, ports)) ? openSystem(work, remote, ports) : null;
}

/** As they were when a kill cut them off. @throws Failure `git-missing` */
export async function openSameTools(
  by: WorkTreeTools['name'],
  work: SyncWork,
  remote: ChosenRemote,
  ports: SyncPorts,
): Promise<WorkTreeTools> {
  // The tools of an MCP client push and fetch; files are the built-in engine's there.
  const own = work.engine.name === 'git' ? 'git' : 'builtin';
  if (by === own) return work.engine.workTree(remote, work.signal);
  const missing = by === 'git' ? await whyNoGit(ports.env) : null;
  if (missing !== null) {
    throw new Failure('git-missing', `Files of ${work.worktree} were on their way by git; now ${missing}.`);
  }
  // A project that changed its engine meanwhile: the system's git reads whatever the built-in one wrote.
  return openSystem(work, remote, ports);
}

async function mayUseGit({ engine, github }: SyncWork, { env }: SyncPorts): Promise<boolean> {
  return engine.name !== 'git' && github.engine !== 'builtin' && (await whyNoGit(env)) === null;
}

function openSystem(
  { probe, objects, signal }: SyncWork,
  remote: ChosenRemote,
  ports: SyncPorts,
): Promise<WorkTreeTools> {
  return createSystemEngine({ probe, objects, reason: '' }, ports).workTree(remote, signal);
}
