// One claimed job from its settings to its settled row: refresh, sync, decide, settle, tell.
// A crash at any point leaves a lease that runs out; the next run finds what is left to do.

import type { EventBus } from '../events/types.ts';
import { toRepoPath } from '../git/paths.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import { syncProject } from '../git/sync/sync-project.ts';
import type { Patience, SyncAnswer, SyncOutcome } from '../git/sync/sync-work.ts';
import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import { UNTOUCHED_CODES } from '../model/failure-codes.ts';
import type { ProjectId } from '../model/ids.ts';
import type { ClaimedJob } from '../model/job.ts';
import type { Project, ProjectFacts } from '../model/project.ts';
import { NO_STATS } from '../model/run.ts';
import { type JobOutcome, settleJob } from '../queue/settle.ts';
import { type JobGates, readJobGates } from '../queue/strikes.ts';
import type { Database } from '../store/database.ts';
import type { SavedProject } from '../store/projects.ts';
import { useUpReleases } from '../store/releases.ts';
import { decideSettle, type SettleDecision } from './decide-settle.ts';
import { followRename } from './follow-rename.ts';
import { heldEvents, usedReleases, withSince } from './held-files.ts';
import { closeGates, forgetStrikes } from './host-gates.ts';
import type { ProgressTable } from './progress-table.ts';
import type { ProjectTable } from './project-table.ts';
import { createPatience, settleRemotes } from './settle-remotes.ts';

/** Paths that may have changed since the last sync, by project; text relative to the work tree. */
type DirtyHints = {
  take(projectId: ProjectId): ReadonlySet<string> | 'all' | null;
  /** Since when the oldest of what was taken had waited, epoch milliseconds. */
  takenSince(projectId: ProjectId): number | null;
  putBack(projectId: ProjectId, taken: ReadonlySet<string> | 'all'): void;
  add(projectId: ProjectId, paths: ReadonlySet<string> | 'all'): void;
};

export type RunJobPorts = {
  db: Database;
  bus: EventBus;
  clock: Clock;
  random: Random;
  log: Log;
  machineId: string;
  projects: ProjectTable;
  progress: ProgressTable;
  hints: DirtyHints;
  sync: SyncPorts;
  /** Reads project.json and the git configuration again. */
  refresh(project: Project, saved?: SavedProject | null): Promise<Project>;
  /** Asks the host's API what a refusal means (renamed, archived); answers the failure itself where it cannot. */
  explain(failure: Failure, project: Project): Promise<Failure>;
  /** The whole work tree was compared with HEAD just now. */
  compared(projectId: ProjectId): void;
  settings(): { maxRetries: number; retryDelayMs: number; rateLimitDelayMs: number };
};

/** Settling is tried again for about this long when the database is away; then the lease runs out. */
const SETTLE_TRIES = 8;
const SETTLE_DELAY_MS = 200;

export function createJobRunner(ports: RunJobPorts): (job: ClaimedJob, signal: AbortSignal) => Promise<void> {
  const patienceFor = createPatience(ports);
  return async (job, signal) => {
    const stored = ports.projects.get(job.projectId);
    if (stored === undefined) return; // removed a moment ago: its job is gone with it
    const project = await ports.refresh(stored);
    if (!ports.projects.renew(project)) return;
    const answered = await syncOnce(job, project, await patienceFor(job, project), signal, ports);
    if (signal.aborted && signal.reason instanceof Failure && signal.reason.code === 'lease-lost') return;
    const gates = await readJobGates(ports.db, job.jobId);
    if (gates === null) return;
    const { synced: told, pauses, againMs } = await settleRemotes(answered, project, ports);
    const synced = followRename(await explained(told, project, ports));
    const decision = decide(synced.outcome, job, gates, ports);
    const heldFiles = withSince(project.facts.heldFiles, synced.facts.heldFiles, ports.clock.now());
    const answer = { ...synced, facts: { ...standingFacts(synced.facts, decision.outcome), heldFiles } };
    const allPauses = [...decision.pauses, ...pauses];
    const plan = { ...decision, pauses: allPauses, againMs: againMs ?? decision.againMs ?? null };
    const settled = await settle(job, answer, plan, gates, ports);
    if (settled === 'lost') {
      ports.log.warn({ projectId: job.projectId, fence: job.fence }, 'another worker had taken the job over');
      return;
    }
    await useUpReleases(ports.db, job.projectId, usedReleases(project.releases, answer));
    await remember(project, answer, ports);
  };
}

async function syncOnce(
  job: ClaimedJob,
  project: Project,
  patience: Patience | undefined,
  signal: AbortSignal,
  ports: RunJobPorts,
): Promise<SyncAnswer> {
  const { facts } = project;
  const nothing = { facts, stats: NO_STATS };
  if (signal.aborted) return { ...nothing, outcome: abortedOutcome(signal) };
  if (!project.github.enabled) return { ...nothing, outcome: { kind: 'done', status: 'no-change' } };
  if (facts.blocked !== null && UNTOUCHED_CODES.has(facts.blocked.code)) {
    return { ...nothing, outcome: { kind: 'blocked', reason: facts.blocked } };
  }
  const taken = ports.hints.take(job.projectId);
  const watched = ports.progress.begin(job.projectId);
  try {
    const input = inputOf(job, project, taken, signal, ports);
    const onProgress = watched.report;
    const answer = await syncProject({ ...input, onProgress, ...(patience && { patience }) }, ports.sync);
    const isDone = answer.outcome.kind === 'done' || answer.outcome.kind === 'partial';
    if (isDone && (taken === null || taken === 'all')) ports.compared(job.projectId);
    if (!isDone) ports.hints.putBack(job.projectId, taken ?? 'all');
    return signal.aborted && answer.outcome.kind === 'failed'
      ? { ...answer, outcome: abortedOutcome(signal) }
      : answer;
  } catch (error) {
    ports.hints.putBack(job.projectId, taken ?? 'all');
    if (signal.aborted) return { ...nothing, outcome: abortedOutcome(signal) };
    ports.log.error({ err: error, projectId: job.projectId }, 'a sync failed in a way that is not foreseen');
    const failure = new Failure('internal-error', `The sync of ${project.projectName} failed unexpectedly.`, {
      cause: error,
    });
    return { ...nothing, outcome: { kind: 'failed', failure } };
  } finally {
    watched.end();
  }
}

/** What blocks a project is part of what is known of it, however it came to light: it must never look safe. */
function standingFacts(facts: ProjectFacts, outcome: JobOutcome): ProjectFacts {
  return outcome.kind === 'blocked' || outcome.kind === 'conflict'
    ? { ...facts, blocked: outcome.reason }
    : facts;
}

/** What a sync of the project is asked; `taken` are the hints that it uses up. */
export function inputOf(
  job: Pick<ClaimedJob, 'askRemote'>,
  project: Project,
  taken: ReadonlySet<string> | 'all' | null,
  signal: AbortSignal,
  ports: Pick<RunJobPorts, 'machineId' | 'hints'>,
) {
  return {
    worktree: project.path,
    github: project.github,
    facts: project.facts,
    // Nothing known, for example after a restart: compare the whole work tree.
    dirty: taken === null || taken === 'all' ? ('all' as const) : new Set([...taken].map(toRepoPath)),
    waitingSince: ports.hints.takenSince(project.projectId),
    askRemote: job.askRemote || project.conflictChoice !== null,
    conflictChoice: project.conflictChoice,
    releases: project.releases,
    machineId: ports.machineId,
    signal,
  };
}

/** An abort may surface as any error; the signal's own reason says why it ended. */
function abortedOutcome(signal: AbortSignal): SyncOutcome {
  const { reason } = signal;
  const failure =
    reason instanceof Failure ? reason : new Failure('aborted', 'The sync was ended by a stop.');
  return { kind: 'failed', failure };
}

async function explained(synced: SyncAnswer, project: Project, ports: RunJobPorts): Promise<SyncAnswer> {
  const { outcome } = synced;
  if (outcome.kind !== 'failed') return synced;
  const failure = await ports.explain(outcome.failure, project);
  return { ...synced, outcome: { kind: 'failed', failure } };
}

function decide(outcome: SyncOutcome, job: ClaimedJob, gates: JobGates, ports: RunJobPorts): SettleDecision {
  const rules = { ...ports.settings(), random: ports.random, now: ports.clock.now() };
  return decideSettle(outcome, { attempt: job.attempt, ...gates }, rules);
}

async function settle(
  job: ClaimedJob,
  answer: SyncAnswer,
  decision: Omit<SettleDecision, 'againMs'> & { againMs: number | null },
  gates: JobGates,
  ports: RunJobPorts,
): Promise<'settled' | 'lost'> {
  const { db, clock, log } = ports;
  const { jobId, fence, projectId } = job;
  for (let attempt = 1; ; attempt++) {
    try {
      await closeGates(db, decision);
      const settled = await settleJob(db, {
        jobId,
        fence,
        outcome: decision.outcome,
        facts: answer.facts,
        stats: answer.stats,
        againMs: decision.againMs,
      });
      if (decision.hostAnswered) await forgetStrikes(db, gates);
      return settled;
    } catch (error) {
      if (!(error instanceof Failure) || attempt === SETTLE_TRIES) throw error;
      log.warn({ projectId, code: error.code, attempt }, 'the outcome could not be stored yet');
      await clock.sleep(SETTLE_DELAY_MS * 2 ** attempt * (0.5 + ports.random() / 2));
    }
  }
}

async function remember(before: Project, answer: SyncAnswer, ports: RunJobPorts): Promise<void> {
  ports.projects.renew({ ...before, facts: answer.facts });
  const events = heldEvents(before.projectId, before.facts.heldFiles, answer.facts.heldFiles);
  if (events.length > 0) await ports.bus.publish(events);
  else ports.bus.notify();
}
