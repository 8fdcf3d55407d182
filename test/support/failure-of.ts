// The failure with which a piece of work ends.

import { Failure } from '../../src/model/failure.ts';

/** Throws what is no `Failure`, and where the work did not fail at all. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Failure)) throw error;
  return error;
}
