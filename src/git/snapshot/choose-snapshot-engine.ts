// Which git takes and restores snapshots in a repository, and why.

import { Failure } from '../../model/failure.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import { whyNoGit } from '../system/git-program.ts';
import { createSystemSnapshots } from '../system/system-snapshot.ts';
import type { ObjectStore } from '../types.ts';
import { createBuiltinSnapshots } from './builtin-snapshot.ts';
import type { SnapshotEngine } from './snapshot-engine.ts';
import type { SnapshotRepository } from './snapshot-repository.ts';

type Choice = {
  opened: SnapshotRepository;
  objects: ObjectStore;
  signal: AbortSignal;
  /** `github.engine` of the project; default `auto`. */
  wish?: GithubConfig['engine'];
  /** What git alone does right, in words after the repository's name; default what was found when it was opened. */
  feature?: string | null;
};

/** @throws Failure `needs-system-git` when that one is needed and missing, or not wished for */
export async function chooseSnapshotEngine(
  choice: Choice,
  ports: Pick<SyncPorts, 'env' | 'clock'>,
): Promise<SnapshotEngine> {
  const { opened, objects, signal, wish = 'auto', feature = opened.feature } = choice;
  const { worktree } = opened.repo;
  const why =
    feature !== null ? `In ${worktree} ${feature}.` : wish === 'git' ? 'github.engine is "git".' : null;
  if (why === null) return createBuiltinSnapshots(opened, objects);
  if (wish === 'builtin') {
    throw refusal(`${why} github.engine is "builtin".`, 'Set github.engine to "auto".');
  }
  const missing = await whyNoGit(ports.env);
  if (missing !== null) throw refusal(`${why} But ${missing}.`, 'Install git, 2.36 or newer.');
  return createSystemSnapshots({ opened, objects, reason: why, signal }, ports);
}

function refusal(detail: string, action: string): Failure {
  return new Failure('needs-system-git', detail, { action });
}
