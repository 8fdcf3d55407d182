// What is committed on this machine before its remotes can have it: while the queue cannot be reached (owed), and
// while the project's sync is held back (meanwhile).

import type { ProjectId } from '../model/ids.ts';
import { createCommitHere } from './commit-here.ts';
import {
  type CommitMeanwhile,
  type CommitMeanwhilePorts,
  createCommitMeanwhile,
} from './commit-meanwhile.ts';
import { createOwedChanges, type OwedChanges, type OwedPorts } from './owed-changes.ts';
import { quietPeriodOf } from './urgency.ts';

export type LocalCommits = Omit<OwedChanges, 'forget'> & CommitMeanwhile;

export function openLocalCommits(
  ports: CommitMeanwhilePorts & Omit<OwedPorts, 'commitHere' | 'timings'>,
): LocalCommits {
  const owed = createOwedChanges({
    ...ports,
    commitHere: createCommitHere(ports),
    timings: (projectId) => quietPeriodOf(ports.projects.get(projectId)),
  });
  const meanwhile = createCommitMeanwhile(ports);
  return {
    queue: (projectId, delayMs) => owed.queue(projectId, delayMs),
    owe: (projectIds) => owed.owe(projectIds),
    list: () => owed.list(),
    consider: (projectId, delayMs) => meanwhile.consider(projectId, delayMs),
    forget(projectId: ProjectId) {
      owed.forget(projectId);
      meanwhile.forget(projectId);
    },
    close: () => meanwhile.close(),
  };
}
