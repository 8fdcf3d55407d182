// What one sync is asked, what it has in hand, and what it answers.

import type { ConflictChoice } from '../../model/conflict.ts';
import type { Failure, Reason } from '../../model/failure.ts';
import type { ReportProgress } from '../../model/progress.ts';
import type { ProjectFacts, Releases } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { RunStats } from '../../model/run.ts';
import type { RepoPath } from '../paths.ts';
import type { ProbedRepository, ProbeResult } from '../probe/probe.ts';
import type { ObjectStore } from '../types.ts';
import type { Engine } from './engine.ts';

export type SyncInput = {
  worktree: string;
  github: GithubConfig;
  /** What the last sync found; its remote tips save asking the remote. */
  facts: ProjectFacts;
  /** Paths that may have changed; `all` compares the whole work tree. */
  dirty: ReadonlySet<RepoPath> | 'all';
  /** Ask the remote for its refs even when nothing changed here. */
  askRemote: boolean;
  /** Since when the oldest of the known changes waits, epoch milliseconds; left out or null: not known. */
  waitingSince?: number | null;
  /** What a person chose for a conflict; null when there is none to resolve. */
  conflictChoice: ConflictChoice | null;
  /** Held contents and deletions that a person let pass. */
  releases: Releases;
  machineId: string;
  signal: AbortSignal;
  /** Commit, and leave the remotes for later; the answer's facts are then not to be kept. Left out: no. */
  localOnly?: boolean;
  /** Which remotes are to be left alone for now; left out: none is. */
  patience?: Patience;
  /** Told of each phase, and of what a phase has done; left out: nobody watches. */
  onProgress?: ReportProgress;
};

/** Counts for projects with mirrors only: without them the queue does not even begin such a sync. */
export type Patience = {
  /** Also remotes that wait for a person, or for their next try, are tried; closed gates hold all the same. */
  insist: boolean;
  /** Gates that are closed, by key; `pausedUntil` is epoch milliseconds. */
  closedGates: ReadonlyMap<string, { pausedUntil: number; reason: string }>;
};

/** That a remote was spoken to, and how it went. `gate` is its host's. */
export type RemoteTry = { name: string; primary: boolean; gate: string; failure: Failure | null };

export type SyncOutcome =
  | { kind: 'done'; status: 'success' | 'no-change' }
  /** With mirrors: what is done here is done, and some remote lacks it; its own state says until when. */
  | { kind: 'partial'; status: 'retrying' | 'blocked'; reason: Reason }
  | { kind: 'blocked' | 'conflict'; reason: Reason }
  | { kind: 'failed'; failure: Failure };

/** `tries`: of a project with mirrors, the remotes that were spoken to. */
export type SyncAnswer = { outcome: SyncOutcome; facts: ProjectFacts; stats: RunStats; tries?: RemoteTry[] };

/** What bringing branches to remotes needs of the work in hand; snapshots have it too. */
export type RemoteWork = Pick<
  SyncWork,
  | 'github'
  | 'askRemote'
  | 'patience'
  | 'releases'
  | 'signal'
  | 'objects'
  | 'facts'
  | 'stats'
  | 'tries'
  | 'onProgress'
> & {
  probe: Pick<ProbedRepository, 'repo' | 'config' | 'identity'> & { head: { branch: string | null } };
};

/** The work in hand: what is known so far, filled in step by step so that a failure keeps what was learned. */
export type SyncWork = SyncInput & {
  probe: Exclude<ProbeResult, { kind: 'blocked' }>;
  engine: Engine;
  objects: ObjectStore;
  facts: ProjectFacts;
  stats: RunStats;
  tries: RemoteTry[];
  /** Why the project is not safe although nothing failed: a person has to act. */
  standing: Reason | null;
};
