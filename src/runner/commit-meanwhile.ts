// Commits what changed in projects whose sync is held back (the host is away, a rate limit, a failure that waits for
// a person): a version of each save is kept here, and the sync pushes them all when it runs. As often as it would.

import type { EventBus } from '../events/types.ts';
import type { SyncAnswer } from '../git/sync/sync-work.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project, ProjectFacts } from '../model/project.ts';
import { timingsOf } from '../model/project-config.ts';
import { isHeldBack } from '../queue/held-back.ts';
import type { Database } from '../store/database.ts';
import { saveFacts } from '../store/projects.ts';
import type { Background } from './background.ts';
import { type CommitPorts, createCommitHere } from './commit-here.ts';
import { heldEvents, withSince } from './held-files.ts';
import type { StatePublisher } from './publish-states.ts';

export type CommitMeanwhilePorts = CommitPorts & {
  db: Database;
  bus: EventBus;
  background: Background;
  signal: AbortSignal;
  states: StatePublisher;
};

export type CommitMeanwhile = {
  /** The project has changes, and its sync may be held back. Returns at once. */
  consider(projectId: ProjectId): void;
  forget(projectId: ProjectId): void;
  /** Nothing begins any more. */
  close(): void;
};

/** What stood in the way, such as a git command of the person, is looked at again after so long. */
const AGAIN_MS = 5_000;

export function createCommitMeanwhile(ports: CommitMeanwhilePorts): CommitMeanwhile {
  const { db, clock, background, signal, projects } = ports;
  const commitHere = createCommitHere(ports, (project, answer) => keep(project, answer, ports));
  const waiting = new Map<ProjectId, () => void>();
  const lastAt = new Map<ProjectId, number>();
  // One after the other: a machine that comes up without a network has this to do for every project.
  let last: Promise<void> = Promise.resolve();

  function wait(projectId: ProjectId, delayMs: number): void {
    if (waiting.has(projectId) || signal.aborted) return;
    const cancel = clock.timer(delayMs, () => {
      waiting.delete(projectId);
      const mine = last.then(() => commit(projectId));
      background.run('committing while a sync is held back', () => mine);
      // A fault is logged there and is no reason not to go on with the next project.
      last = mine.catch(() => undefined);
    });
    waiting.set(projectId, cancel);
  }

  async function commit(projectId: ProjectId): Promise<void> {
    if (signal.aborted || !(await isHeldBack(db, projectId))) return;
    lastAt.set(projectId, clock.monotonic());
    if ((await commitHere(projectId, signal)) === 'again') wait(projectId, AGAIN_MS);
  }

  return {
    consider(projectId) {
      const project = projects.get(projectId);
      if (project === undefined) return;
      const before = lastAt.get(projectId) ?? Number.NEGATIVE_INFINITY;
      wait(projectId, Math.max(0, before + timingsOf(project.github).minIntervalMs - clock.monotonic()));
    },
    forget(projectId) {
      waiting.get(projectId)?.();
      waiting.delete(projectId);
      lastAt.delete(projectId);
    },
    close() {
      for (const cancel of waiting.values()) cancel();
      waiting.clear();
    },
  };
}

/** What blocks the project and how its remotes are is for the sync to say, which asks them. */
async function keep(
  project: Project,
  { facts: learned, stats }: SyncAnswer,
  { db, bus, clock, projects, states }: CommitMeanwhilePorts,
): Promise<void> {
  const { projectId, facts: before } = project;
  const facts: ProjectFacts = {
    ...before,
    branch: learned.branch,
    pendingFiles: learned.pendingFiles,
    refusedDeletions: learned.refusedDeletions,
    heldFiles: withSince(before.heldFiles, learned.heldFiles, clock.now()),
    unpushedCommits: learned.unpushedCommits,
  };
  await saveFacts(db, projectId, facts);
  projects.renew({ ...project, facts });
  await bus.publish(heldEvents(projectId, before.heldFiles, facts.heldFiles));
  await states.publish([projectId], stats.commit !== null);
}
