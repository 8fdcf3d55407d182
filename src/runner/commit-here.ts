// Commits what changed in a project without the queue and without its remotes: while the queue's server is away, and
// while the project's sync is held back. What is committed here is pushed by the sync that comes after.

import { syncProject } from '../git/sync/sync-project.ts';
import type { SyncAnswer } from '../git/sync/sync-work.ts';
import { Failure } from '../model/failure.ts';
import { FAILURES, UNTOUCHED_CODES } from '../model/failure-codes.ts';
import type { ProjectId } from '../model/ids.ts';
import { isPaused, type Project } from '../model/project.ts';
import { isQuiet } from '../model/schedule.ts';
import { findSettings } from '../projects/settings-home.ts';
import { inputOf, type RunJobPorts } from './run-job.ts';

export type CommitPorts = Pick<RunJobPorts, 'clock' | 'log' | 'machineId' | 'projects' | 'hints' | 'sync'> & {
  isRunning(projectId: ProjectId): boolean;
};

/** Where the database can be asked: the project as it is now, and what becomes of what was learned. */
type Stored = {
  refresh(project: Project): Promise<Project>;
  keep(project: Project, answer: SyncAnswer): Promise<void>;
};

/** `again`: something stood in the way that passes by itself. */
export type CommitHere = (projectId: ProjectId, signal: AbortSignal) => Promise<'done' | 'again'>;

export function createCommitHere(ports: CommitPorts, stored?: Stored): CommitHere {
  return async (projectId, signal) => {
    const known = ports.projects.get(projectId);
    if (known === undefined || isPaused(known, ports.clock.now())) return 'done';
    if (ports.isRunning(projectId)) return 'again';
    try {
      const project = await (stored ? refreshed(known, stored, ports) : withOwnSettings(known));
      if (isQuiet(project?.github.schedule, ports.clock.now())) return 'again';
      return project?.github.enabled ? await commit(project, signal, ports, stored) : 'done';
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      ports.log.warn({ projectId, code: error.code }, 'nothing could be committed on this machine');
      return 'done';
    }
  };
}

/** As before a sync. Null: it was removed, or what blocks it forbids to touch it. */
async function refreshed(known: Project, { refresh }: Stored, ports: CommitPorts): Promise<Project | null> {
  const project = await refresh(known);
  if (!ports.projects.renew(project)) return null;
  const { blocked } = project.facts;
  return blocked !== null && UNTOUCHED_CODES.has(blocked.code) ? null : project;
}

/** The database cannot be asked, the project's own file can. Null: it cannot be understood, so nothing is done. */
async function withOwnSettings(project: Project): Promise<Project | null> {
  const { github, broken } = await findSettings(project.path);
  if (broken !== null) return null;
  return github === null ? project : { ...project, github };
}

async function commit(
  project: Project,
  signal: AbortSignal,
  ports: CommitPorts,
  stored?: Stored,
): Promise<'done' | 'again'> {
  const { projectId } = project;
  const { hints, log } = ports;
  const taken = hints.take(projectId);
  // The sync that pushes it looks there once more. What was committed waits anew, what was not waits on.
  let putBack = hints.putBack;
  try {
    const input = inputOf({ askRemote: false }, project, taken, signal, ports);
    const answer = await syncProject({ ...input, localOnly: true }, ports.sync);
    await stored?.keep(project, answer);
    const { outcome, stats } = answer;
    if (stats.commit !== null)
      log.info({ projectId, commit: stats.commit }, 'committed on this machine only');
    if (outcome.kind !== 'failed') {
      putBack = hints.add;
      return 'done';
    }
    const { code } = outcome.failure;
    log.debug({ projectId, code }, 'nothing could be committed on this machine');
    return FAILURES[code].retry === 'soon' ? 'again' : 'done';
  } finally {
    putBack(projectId, taken ?? 'all');
  }
}
