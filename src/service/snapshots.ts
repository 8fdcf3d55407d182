// Snapshots of one project, as the API offers them: which there are, what is in them, and going back to one.

import { toRepoPath } from '../git/paths.ts';
import { openRepository } from '../git/repository.ts';
import { diffSnapshots, diffWithWorktree } from '../git/snapshot/diff-snapshot.ts';
import { findSnapshot, listSnapshots } from '../git/snapshot/list-snapshots.ts';
import { findWork, withEngine, withRepository } from '../git/snapshot/protect.ts';
import { restoreSnapshot } from '../git/snapshot/restore.ts';
import type { Snapshot } from '../git/snapshot/snapshot-commit.ts';
import { takeRepositoryLock } from '../git/sync/repository-lock.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import type { ObjectStore } from '../git/types.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import { retentionOf } from '../model/project-config.ts';
import type {
  RestoreResult,
  SnapshotComparison,
  SnapshotList,
  SnapshotPage,
  SnapshotSummary,
} from '../model/service.ts';
import { refuseOwnDatabase } from '../runner/own-database.ts';
import { refuseElsewhere } from './other-machine.ts';

type Ports = { sync: SyncPorts; machineId: string };

/** A sync may be at work: it is waited for this long. */
const LOCK_TRIES = 50;
const LOCK_WAIT_MS = 200;

/** @throws Failure `folder-missing`, `invalid-request`, `needs-system-git` and other reasons of the repository */
export async function listProjectSnapshots(
  project: Project,
  page: SnapshotPage,
  ports: Ports,
): Promise<SnapshotList> {
  refuseElsewhere(project, ports);
  return withRepository({ worktree: project.path }, ports.sync, async ({ repo }, objects) => {
    const now = ports.sync.clock.now();
    const policy = retentionOf(project.github);
    const { snapshots, nextCursor } = await listSnapshots({ repo, objects, policy, now, ...page });
    return { snapshots: snapshots.map(summaryOf), nextCursor };
  });
}

/** @throws Failure `snapshot-not-found`, `repository-busy`, and as `listProjectSnapshots` does */
export async function diffProjectSnapshot(
  project: Project,
  { id, against }: { id: string; against: 'previous' | 'worktree' },
  ports: Ports,
): Promise<SnapshotComparison> {
  refuseElsewhere(project, ports);
  const { github, path: worktree } = project;
  const { signal } = new AbortController();
  return withEngine({ worktree, github, signal }, ports.sync, async (opened, engine) => {
    const { objects } = engine;
    const found = await findSnapshot(objects, id);
    const snapshot = summaryOf(found);
    if (against === 'previous') {
      const before = await treeOf(objects, found.parents[0] ?? null);
      return { snapshot, ...(await diffSnapshots(objects, before, found.tree)) };
    }
    // The system's git looks by a scratch index, of which there is one; our own engine only reads.
    const lock = engine.name === 'git' ? await waitForLock(project, ports.sync) : null;
    try {
      const { wanted: changes } = await findWork({ github, signal }, ports.sync, engine);
      const headTree = await treeOf(objects, opened.head.oid);
      const diff = await diffWithWorktree({ engine, tree: found.tree, headTree, changes, signal });
      return { snapshot, ...diff };
    } finally {
      await lock?.release();
    }
  });
}

/**
 * Holds the repository lock. `databasePath` is the service's own file, null on a server: where the project does not ignore
 * it, the snapshot of before would have it, and it would be taken away as what was not there then.
 * @throws Failure as `restoreSnapshot` of the git room does, `repository-busy`, `database-in-project`
 */
export async function restoreProjectSnapshot(
  project: Project,
  { snapshot, paths }: { snapshot: string; paths: readonly string[] | null },
  ports: Ports & { databasePath: string | null },
): Promise<RestoreResult> {
  refuseElsewhere(project, ports);
  const { env, homeDir } = ports.sync;
  await refuseOwnDatabase(project.path, { env, homeDir, databasePath: ports.databasePath });
  const lock = await waitForLock(project, ports.sync);
  try {
    return await restoreSnapshot(
      {
        worktree: project.path,
        github: project.github,
        machineId: ports.machineId,
        remoteTips: project.facts.remoteTips,
        snapshot,
        paths: paths === null ? 'all' : paths.map(asPath),
        signal: new AbortController().signal,
      },
      ports.sync,
    );
  } finally {
    await lock.release();
  }
}

async function waitForLock(project: Project, sync: SyncPorts) {
  const repo = await openRepository(project.path);
  for (let tries = 1; ; tries++) {
    try {
      return await takeRepositoryLock(repo, sync);
    } catch (error) {
      const isBusy = error instanceof Failure && error.code === 'repository-busy';
      if (!isBusy || tries === LOCK_TRIES) throw error;
      await sync.clock.sleep(LOCK_WAIT_MS);
    }
  }
}

/** `dir/` and `dir` are one folder. */
function asPath(text: string) {
  return toRepoPath(text.replace(/\/+$/, ''));
}

async function treeOf(objects: ObjectStore, commit: string | null): Promise<string | null> {
  return commit === null ? null : (await objects.readCommit(commit)).tree;
}

function summaryOf({ id, at, branch, filesChanged, machine }: Snapshot): SnapshotSummary {
  return { id, at, branch, filesChanged, machine };
}
