// Commits what changed in a project without the queue and without its remotes, while the queue's server is away.
// What is committed here is pushed by the sync that is queued when the server is back.

import { syncProject } from '../git/sync/sync-project.ts';
import { Failure } from '../model/failure.ts';
import { FAILURES } from '../model/failure-codes.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import { isQuiet } from '../model/schedule.ts';
import { findSettings } from '../projects/settings-home.ts';
import { inputOf, type RunJobPorts } from './run-job.ts';

type CommitPorts = Pick<RunJobPorts, 'clock' | 'log' | 'machineId' | 'projects' | 'hints' | 'sync'> & {
  isRunning(projectId: ProjectId): boolean;
};

/** `again`: something stood in the way that passes by itself. */
export type CommitHere = (projectId: ProjectId, signal: AbortSignal) => Promise<'done' | 'again'>;

export function createCommitHere(ports: CommitPorts): CommitHere {
  return async (projectId, signal) => {
    const stored = ports.projects.get(projectId);
    if (stored === undefined || isPaused(stored, ports.clock.now())) return 'done';
    if (ports.isRunning(projectId)) return 'again';
    try {
      const project = await withOwnSettings(stored);
      if (isQuiet(project?.github.schedule, ports.clock.now())) return 'again';
      return project?.github.enabled ? await commit(project, signal, ports) : 'done';
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      ports.log.warn({ projectId, code: error.code }, 'nothing could be committed without the queue');
      return 'done';
    }
  };
}

const isPaused = ({ pausedUntil }: Project, now: number) => pausedUntil !== null && pausedUntil > now;

/** The database cannot be asked, the project's own file can. Null: it cannot be understood, so nothing is done. */
async function withOwnSettings(project: Project): Promise<Project | null> {
  const { github, broken } = await findSettings(project.path);
  if (broken !== null) return null;
  return github === null ? project : { ...project, github };
}

async function commit(project: Project, signal: AbortSignal, ports: CommitPorts): Promise<'done' | 'again'> {
  const { projectId } = project;
  const { hints, log } = ports;
  const taken = hints.take(projectId);
  try {
    const input = inputOf({ askRemote: false }, project, taken, signal, ports);
    const { outcome, stats } = await syncProject({ ...input, localOnly: true }, ports.sync);
    if (stats.commit !== null) log.info({ projectId, commit: stats.commit }, 'committed without the queue');
    if (outcome.kind !== 'failed') return 'done';
    const { code } = outcome.failure;
    log.debug({ projectId, code }, 'nothing could be committed without the queue');
    return FAILURES[code].retry === 'soon' ? 'again' : 'done';
  } finally {
    // The sync that pushes it looks there once more: what was learned here is not kept.
    hints.putBack(projectId, taken ?? 'all');
  }
}
