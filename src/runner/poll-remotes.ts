// Asks the remotes of enabled projects now and then, with one request each, whether somebody else pushed. Each project
// has its own jittered time, so that hundreds of them never ask at once. It only tells; a sync brings the changes in.

import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { matchesBranch } from '../model/branch-match.ts';
import { Failure } from '../model/failure.ts';
import { STANDING_CODES } from '../model/failure-codes.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';

export type RemotePollPorts = {
  clock: Clock;
  random: Random;
  log: Log;
  /** Read anew before each wait, milliseconds; jittered 3/4 to 5/4. 0 switches polling off. */
  intervalMs(): number;
  projects(): readonly Project[];
  /** How many times as long to wait, by project: above 1 where a webhook tells of pushes. Asked once a round. */
  slowness(): Promise<(projectId: ProjectId) => number>;
  /** Whether the project's remote may be asked now: no gate is closed, nobody is at work there already. */
  mayAsk(project: Project): Promise<boolean>;
  /** Tips by full ref name of the remote's refs with these prefixes; null when the project has no remote to ask. */
  tipsOf(
    project: Project,
    prefixes: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string> | null>;
  /** The remote has moved: a sync that asks the remote is due. */
  onMoved(projectId: ProjectId): Promise<void>;
  /** The remote could not be asked. Close its gate when the failure says so. */
  onFailure(project: Project, failure: Failure): Promise<void>;
};

export type RemotePoll = {
  start(): void;
  stop(): Promise<void>;
  forget(projectId: ProjectId): void;
};

const MOST_AT_ONCE = 4;
/** New projects, changed intervals and a machine that slept are noticed within this time. */
const LOOK_MS = 15_000;
const HEADS = 'refs/heads/';

export function createRemotePoll(ports: RemotePollPorts): RemotePoll {
  const { clock, random, log } = ports;
  /** When each project is asked next, by the wall clock. */
  const dueAt = new Map<ProjectId, number>();
  const news = createNews();
  let loop: { stop: AbortController; done: Promise<void> } | null = null;

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await askDue(signal);
      } catch (error) {
        log.error({ err: error }, 'asking the remotes failed; the next round comes at its time');
      }
      await clock.sleep(untilNext(), signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async function askDue(signal: AbortSignal): Promise<void> {
    const slowness = await ports.slowness();
    const now = clock.now();
    const due: Project[] = [];
    for (const project of ports.projects()) {
      const interval = ports.intervalMs() * slowness(project.projectId);
      // A time that is over and that nobody waits for would keep the loop awake.
      if (interval === 0 || !isPolled(project, now)) {
        dueAt.delete(project.projectId);
        continue;
      }
      const at = dueAt.get(project.projectId);
      // At first anywhere within the interval; a clock that was set back must not silence a project.
      if (at === undefined || at > now + interval * 1.25) {
        dueAt.set(project.projectId, now + interval * random());
      } else if (at <= now) due.push(project);
    }
    const entries = due.values();
    const work = async () => {
      for (const project of entries) {
        if (signal.aborted) return;
        const interval = ports.intervalMs() * slowness(project.projectId);
        dueAt.set(project.projectId, clock.now() + interval * (0.75 + random() / 2));
        await askOne(project, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, due.length) }, work));
  }

  async function askOne(project: Project, signal: AbortSignal): Promise<void> {
    const { projectId } = project;
    try {
      if (!(await ports.mayAsk(project))) return;
      const tips = await ports.tipsOf(project, prefixesOf(project), signal);
      if (tips !== null && news.isNew(project, tips)) await ports.onMoved(projectId);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Failure)) {
        log.error({ err: error, projectId }, 'a remote could not be asked');
      } else {
        log.debug({ projectId, code: error.code }, 'a remote could not be asked');
        await ports.onFailure(project, error);
      }
    }
  }

  function untilNext(): number {
    const next = Math.min(...dueAt.values()) - clock.now();
    return Math.min(Math.max(next, 100), ports.intervalMs() || LOOK_MS, LOOK_MS);
  }

  return {
    start() {
      if (loop) return;
      const stop = new AbortController();
      loop = { stop, done: run(stop.signal) };
    },
    async stop() {
      const ending = loop;
      loop = null;
      ending?.stop.abort(new Failure('aborted', 'The service is stopping.'));
      await ending?.done;
      dueAt.clear();
    },
    forget(projectId) {
      dueAt.delete(projectId);
      news.forget(projectId);
    },
  };
}

/** Tells the same tips again until a sync has seen them, but only once to a project that cannot take them in. */
function createNews() {
  const told = new Map<ProjectId, string>();
  return {
    isNew(project: Project, tips: ReadonlyMap<string, string>): boolean {
      const moved = movedTips(project, tips);
      if (moved === '') return false;
      const { projectId, facts } = project;
      if (facts.blocked !== null && told.get(projectId) === moved) return false;
      told.set(projectId, moved);
      return true;
    },
    forget: (projectId: ProjectId) => void told.delete(projectId),
  };
}

/** A project that was never safe is asked by its syncs anyway; one that is paused waits. */
function isPolled(project: Project, now: number): boolean {
  const { pausedUntil, facts } = project;
  if (facts.lastSafeAt === null || Object.keys(facts.remoteTips).length === 0) return false;
  return takesOthersWork(project) && (pausedUntil === null || pausedUntil <= now);
}

/**
 * False for what could not take in what others push: by its settings, or because its folder has to be put right first.
 */
export function takesOthersWork({ github, facts }: Pick<Project, 'github' | 'facts'>): boolean {
  const { enabled, integrate, mode } = github;
  if (!enabled || integrate === 'off' || mode === 'snapshot') return false;
  return facts.blocked === null || !STANDING_CODES.has(facts.blocked.code);
}

function prefixesOf({ facts, github }: Project): string[] {
  return Object.keys(facts.remoteTips)
    .filter((branch) => matchesBranch(github.syncBranches, branch))
    .map((branch) => HEADS + branch);
}

/**
 * The tips that are not what was seen last, as one text; empty when there is none. Only branches that were seen before
 * count: others are not synced here, and one that is gone brings nothing.
 */
function movedTips(project: Project, tips: ReadonlyMap<string, string>): string {
  const { remoteTips } = project.facts;
  const moved = prefixesOf(project).filter((ref) => {
    const tip = tips.get(ref);
    return tip !== undefined && tip !== remoteTips[ref.slice(HEADS.length)];
  });
  return moved.map((ref) => `${ref} ${tips.get(ref)}`).join('\n');
}
