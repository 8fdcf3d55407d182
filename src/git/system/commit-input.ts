// What a commit by the system's git is made from, and how git is told who makes it.

import type { Clock, Random } from '../../host/clock.ts';
import type { FaultPoint } from '../commit/publish-commit.ts';
import { type CommitTime, signature } from '../objects/commit-object.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import type { EngineCommit } from '../sync/engine.ts';
import type { Identity, ObjectStore } from '../types.ts';
import type { RunGit } from './run-git.ts';

export type SystemCommit = EngineCommit & {
  probe: ProbedRepository;
  objects: ObjectStore;
  git: RunGit;
  clock: Clock;
  random: Random;
  fsync: boolean;
  /** Steps: commit-written, index-locked, index-written, ref-moved, index-moved. */
  faultPoint?: FaultPoint;
};

/** As git takes an identity from the environment. @throws Failure `identity-missing` */
export function person(role: 'AUTHOR' | 'COMMITTER', who: Identity, at: CommitTime): Record<string, string> {
  const [, name = '', email = '', date = ''] = /^(.*) <(.*)> (\d+ [+-]\d{4})$/.exec(signature(who, at)) ?? [];
  return { [`GIT_${role}_NAME`]: name, [`GIT_${role}_EMAIL`]: email, [`GIT_${role}_DATE`]: `@${date}` };
}
