// What a project's settings and facts mean for the queue: how urgent it is, how long it must be quiet.

import type { Project } from '../model/project.ts';
import { type ProjectTimings, timingsOf } from '../model/project-config.ts';
import { priorityOf } from '../queue/priority.ts';

const MAIN_BRANCHES: ReadonlySet<string> = new Set(['main', 'master']);

/** 0 to 10, 10 first; a caller's own number stands. */
export function urgencyOf(project: Project | undefined, requested: number | undefined, now: number): number {
  if (requested !== undefined) return requested;
  if (project === undefined) return 0;
  const { branch, unpushedCommits } = project.facts;
  return priorityOf({
    lastActivityAt: now,
    isMainBranch: branch !== null && MAIN_BRANCHES.has(branch),
    pendingCommits: unpushedCommits,
    now,
  });
}

/** A project that was removed a moment ago waits for nothing. */
export function quietPeriodOf(project: Project | undefined): Pick<ProjectTimings, 'quietMs' | 'maxWaitMs'> {
  return project ? timingsOf(project.github) : { quietMs: 0, maxWaitMs: 0 };
}
