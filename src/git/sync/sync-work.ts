// What one sync is asked, what it has in hand, and what it answers.

import type { ConflictChoice } from '../../model/conflict.ts';
import type { Failure, Reason } from '../../model/failure.ts';
import type { ProjectFacts, Releases } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { RunStats } from '../../model/run.ts';
import type { RepoPath } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
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
  /** What a person chose for a conflict; null when there is none to resolve. */
  conflictChoice: ConflictChoice | null;
  /** Held contents and deletions that a person let pass. */
  releases: Releases;
  machineId: string;
  signal: AbortSignal;
};

export type SyncOutcome =
  | { kind: 'done'; status: 'success' | 'no-change' }
  | { kind: 'blocked' | 'conflict'; reason: Reason }
  | { kind: 'failed'; failure: Failure };

export type SyncAnswer = { outcome: SyncOutcome; facts: ProjectFacts; stats: RunStats };

/** The work in hand: what is known so far, filled in step by step so that a failure keeps what was learned. */
export type SyncWork = SyncInput & {
  probe: ProbedRepository;
  engine: Engine;
  objects: ObjectStore;
  facts: ProjectFacts;
  stats: RunStats;
  /** Why the project is not safe although nothing failed: a person has to act. */
  standing: Reason | null;
};
