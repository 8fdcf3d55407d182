// What a project's settings and facts mean for the queue: how urgent it is, how long it must be quiet.

import type { Project } from '../model/project.ts';
import { type ProjectTimings, timingsOf } from '../model/project-config.ts';
import { priorityOf } from '../queue/priority.ts';

const MAIN_BRANCHES: ReadonlySet<string> = new Set(['main', 'master']);

/** 0 to 10, 10 first; a caller's own number stands. `lastActivityAt` is null when nothing is known. */
export function urgencyOf(
  project: Project | undefined,
  { requested, lastActivityAt, now }: { requested?: number; lastActivityAt: number | null; now: number },
): number {
  if (requested !== undefined) return priorityOf({ ...NOTHING_KNOWN, requested, now });
  if (project === undefined) return 0;
  const { branch, unpushedCommits } = project.facts;
  return priorityOf({
    lastActivityAt,
    isMainBranch: branch !== null && MAIN_BRANCHES.has(branch),
    pendingCommits: unpushedCommits,
    now,
  });
}

const NOTHING_KNOWN = { lastActivityAt: null, isMainBranch: false, pendingCommits: 0 };

/** A project that was removed a moment ago waits for nothing. */
export function quietPeriodOf(project: Project | undefined): Pick<ProjectTimings, 'quietMs' | 'maxWaitMs'> {
  return project ? timingsOf(project.github) : { quietMs: 0, maxWaitMs: 0 };
}
