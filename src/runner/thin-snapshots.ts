// Lets old snapshots of this machine's projects go, a few projects at a time: whole months that no one is offered any
// more and that the remote has. On the remote nothing is ever taken away.

import { readGitConfig } from '../git/config/user-config.ts';
import { openObjects } from '../git/objects/objects.ts';
import { chooseRemote } from '../git/remote/remote-choice.ts';
import { openRepository } from '../git/repository.ts';
import { hasOldGenerations, thin } from '../git/snapshot/thin.ts';
import { clearAfterKill, takeRepositoryLock } from '../git/sync/repository-lock.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import { retentionOf } from '../model/project-config.ts';
import type { ProjectTable } from './project-table.ts';

/** Projects looked at in one round; the rounds come with the scans. */
const PROJECTS_A_ROUND = 20;
/** Months end rarely: each project is looked at again after this long. */
const AGAIN_AFTER_MS = 6 * 3_600_000;

type Ports = { sync: SyncPorts; projects: ProjectTable };

/** One round; a project that is being synced comes in a later one. What goes wrong is named in the log. */
export function createThinning({ sync, projects }: Ports): () => Promise<void> {
  const lookedAt = new Map<ProjectId, number>();
  const { clock, log } = sync;
  return async () => {
    const present = new Map(projects.all().map((project) => [project.projectId, project]));
    for (const id of lookedAt.keys()) if (!present.has(id)) lookedAt.delete(id);
    const now = clock.monotonic();
    const isDue = ({ projectId, github }: Project) =>
      github.enabled && now - (lookedAt.get(projectId) ?? Number.NEGATIVE_INFINITY) >= AGAIN_AFTER_MS;
    for (const project of [...present.values()].filter(isDue).slice(0, PROJECTS_A_ROUND)) {
      const { projectId } = project;
      try {
        const dropped = await thinProject(project, sync);
        if (dropped.length > 0) log.info({ projectId, dropped }, 'old snapshots were let go on this machine');
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const { code, message: detail } = error;
        if (code === 'repository-busy') continue;
        log.warn({ projectId, code, detail }, 'old snapshots were not let go');
      }
      lookedAt.set(projectId, now);
    }
  };
}

/** Answers the refs that were let go. @throws Failure `repository-busy`, `folder-missing`, those of `thin` */
async function thinProject(project: Project, sync: SyncPorts): Promise<string[]> {
  const { path, github, facts } = project;
  const repo = await openRepository(path);
  if (!(await hasOldGenerations(repo))) return [];
  const { clock, random, env, homeDir } = sync;
  await clearAfterKill(path, sync);
  const chosen = chooseRemote(github, await readGitConfig({ repo, env, homeDir }), { keepSsh: true });
  const lock = await takeRepositoryLock(repo, sync);
  const objects = openObjects(repo, { fsync: sync.fsync() });
  try {
    return await thin({
      ...{ repo, objects, clock, random },
      policy: retentionOf(github),
      now: clock.now(),
      remoteTips: facts.remoteTips,
      remote: chosen.kind === 'chosen' && chosen.remote.tracked ? chosen.remote.name : null,
    });
  } finally {
    await objects.close();
    await lock.release();
  }
}
