// Commits what changed in projects whose sync is held back (the host is away, a rate limit, a failure that waits for
// a person): a version of each save is kept here, and the sync pushes them all when it runs. As often as it would.

import type { EventBus } from '../events/types.ts';
import type { SyncAnswer } from '../git/sync/sync-work.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project, ProjectFacts } from '../model/project.ts';
import { timingsOf } from '../model/project-config.ts';
import { isQuiet } from '../model/schedule.ts';
import { heldBack } from '../queue/held-back.ts';
import type { Database } from '../store/database.ts';
import { saveFacts } from '../store/projects.ts';
import type { DirtyPathsStore } from '../watch/dirty-paths.ts';
import type { Background } from './background.ts';
import { type CommitHere, type CommitPorts, createCommitHere } from './commit-here.ts';
import { heldEvents, withSince } from './held-files.ts';
import type { StatePublisher } from './publish-states.ts';

export type CommitMeanwhilePorts = CommitPorts & {
  db: Database;
  bus: EventBus;
  background: Background;
  signal: AbortSignal;
  states: StatePublisher;
  /** Reads project.json and the git configuration again, and what is stored. */
  refresh(project: Project): Promise<Project>;
  /** Where something is known to have changed. */
  hints: Pick<DirtyPathsStore, 'projects'>;
};

export type CommitMeanwhile = {
  /**
   * The project has changes, and its sync may be held back: they are committed when it is quiet, `delayMs` from now
   * (left out: a quiet period), or was not for its longest wait. Returns at once.
   */
  consider(projectId: ProjectId, delayMs?: number | null): void;
  forget(projectId: ProjectId): void;
  /** Nothing begins any more. */
  close(): void;
};

/** What stood in the way, such as a git command of the person, is looked at again after so long. */
const AGAIN_MS = 5_000;

export function createCommitMeanwhile(ports: CommitMeanwhilePorts): CommitMeanwhile {
  return new Commits(ports);
}

/** On the monotonic clock. */
type Waiting = { latestAt: number; cancel(): void };

class Commits implements CommitMeanwhile {
  readonly #ports: CommitMeanwhilePorts;
  readonly #commitHere: CommitHere;
  readonly #waiting = new Map<ProjectId, Waiting>();
  readonly #lastAt = new Map<ProjectId, number>();
  readonly #following: { close(): void };
  // One after the other: a machine that comes up without a network has this to do for every project.
  #last: Promise<void> = Promise.resolve();

  constructor(ports: CommitMeanwhilePorts) {
    this.#ports = ports;
    this.#commitHere = createCommitHere(ports, {
      refresh: (project) => ports.refresh(project),
      keep: (project, answer) => keep(project, answer, ports),
    });
    // Whatever was queued before a gate was closed is behind it now.
    const all = () => {
      for (const projectId of ports.hints.projects()) this.consider(projectId);
    };
    this.#following = ports.bus.follow({
      ...{ isOwn: true, types: ['gate.paused'] },
      ...{ onEvents: all, onReset: all, onMissed: all },
    });
  }

  consider(projectId: ProjectId, delayMs: number | null = null): void {
    const { clock, projects } = this.#ports;
    const project = projects.get(projectId);
    if (project === undefined) return;
    const { quietMs, maxWaitMs, minIntervalMs } = timingsOf(project.github);
    const now = clock.monotonic();
    const latestAt = this.#waiting.get(projectId)?.latestAt ?? now + maxWaitMs;
    const quietAt = Math.min(now + (delayMs ?? quietMs), latestAt);
    const leastAt = (this.#lastAt.get(projectId) ?? Number.NEGATIVE_INFINITY) + minIntervalMs;
    this.#wait(projectId, Math.max(quietAt, leastAt) - now, latestAt);
  }

  forget(projectId: ProjectId): void {
    this.#waiting.get(projectId)?.cancel();
    this.#waiting.delete(projectId);
    this.#lastAt.delete(projectId);
  }

  close(): void {
    this.#following.close();
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  #wait(projectId: ProjectId, delayMs: number, latestAt: number): void {
    const { clock, background, signal } = this.#ports;
    if (signal.aborted) return;
    this.#waiting.get(projectId)?.cancel();
    const cancel = clock.timer(delayMs, () => {
      this.#waiting.delete(projectId);
      const mine = this.#last.then(() => this.#commit(projectId));
      background.run('committing while a sync is held back', () => mine);
      // A fault is logged there and is no reason not to go on with the next project.
      this.#last = mine.catch(() => undefined);
    });
    this.#waiting.set(projectId, { latestAt, cancel });
  }

  async #commit(projectId: ProjectId): Promise<void> {
    const { db, clock, signal, projects } = this.#ports;
    if (signal.aborted) return;
    const schedule = projects.get(projectId)?.github.schedule;
    // Known without a look at anything: hours may pass so.
    const held = isQuiet(schedule, clock.now()) ? 'maybe' : await heldBack(db, projectId);
    if (held === 'no') return;
    if (held === 'yes') {
      this.#lastAt.set(projectId, clock.monotonic());
      if ((await this.#commitHere(projectId, signal)) === 'done') return;
    }
    if (!this.#waiting.has(projectId)) this.consider(projectId, AGAIN_MS);
  }
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
