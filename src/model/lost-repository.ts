// Pure: what a person is told when a folder that was synced before has no repository now.

import { Failure } from './failure.ts';
import type { ProjectFacts } from './project.ts';

/** The advice for a folder that never was a repository would begin a new one where a drive is only not mounted. */
export function failureOfKnown(failure: Failure, { branch }: Pick<ProjectFacts, 'branch'>): Failure {
  if (failure.code !== 'not-a-repository' || branch === null) return failure;
  const text = `${failure.message} It was one before: emptied, or a drive that is not mounted.`;
  return new Failure(failure.code, text, {
    action:
      'Mount the drive or bring the folder back together with its .git; syncing goes on by itself. Or remove the project.',
    cause: failure,
  });
}
