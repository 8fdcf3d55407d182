// The full state for a listener that must start over: status, every project, the whole queue.

import { listQueue, queueStats } from '../queue/reads.ts';
import { listProjectViews } from '../store/project-views.ts';
import { buildStatus, type StatusDeps } from './status.ts';
import { wireActiveJob, wireJob } from './wire.ts';
import { wireProject } from './wire-project.ts';

const PAGE = 500;

/** Read page by page; what changes meanwhile arrives as events afterwards. */
export async function buildSnapshot(deps: StatusDeps): Promise<Record<string, unknown>> {
  const [status, projects, queue] = await Promise.all([
    buildStatus(deps),
    readProjects(deps),
    readQueue(deps),
  ]);
  return { status, projects, queue };
}

async function readProjects({ db, service }: StatusDeps) {
  const projects = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listProjectViews>> = await listProjectViews(db, {
      limit: PAGE,
      cursor,
      unsure: (projectId) => service.unsure(projectId),
    });
    projects.push(...page.projects.map(wireProject));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return projects;
}

async function readQueue({ db, service }: StatusDeps) {
  const queue = [];
  let active: ReturnType<typeof wireActiveJob>[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listQueue>> = await listQueue(db, { limit: PAGE, cursor });
    queue.push(...page.queue.map(wireJob));
    active = page.active.map((job) => wireActiveJob(job, service));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { queue, active, stats: await queueStats(db) };
}
