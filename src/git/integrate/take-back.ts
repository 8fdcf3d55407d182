// Takes back what a move did to the work tree and could not end: after a fault, after an abort, after a kill.

import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/config-values.ts';
import type { TreeDifference } from '../objects/trees.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { filesOf, isRule, look, temporaryFolder } from './places.ts';
import { placeFile, removeFile } from './update-files.ts';
import { builtinTools, type WorkTreeTools } from './work-tree-tools.ts';

/** An abort does not end it, so that it must end by itself; what is not back by then is left to the journal. */
const LONGEST_MS = 60_000;

export type BackInput = {
  repo: Repository;
  objects: ObjectStore;
  config: GitConfig;
  clock: Pick<Clock, 'timer'>;
  fsync: boolean;
  /** Left out: the built-in engine's. */
  tools?: WorkTreeTools | undefined;
};

/**
 * Undoes steps, last first; those that were never done cost a look. A file that changed since is a person's and stays.
 * @throws Failure `job-timeout` after a minute: the journal is needed then
 */
export async function takeBack(input: BackInput, steps: readonly TreeDifference[]): Promise<void> {
  const { repo, clock } = input;
  const limit = new AbortController();
  const cancel = clock.timer(LONGEST_MS, () => {
    const detail = `Files of ${repo.worktree} could not be taken back within a minute.`;
    limit.abort(new Failure('job-timeout', detail));
  });
  const tools = (input.tools ?? builtinTools(input)).boundTo(limit.signal);
  try {
    await mkdir(temporaryFolder(repo), { recursive: true });
    const back = [...steps]
      .reverse()
      .map(({ path, before, after }) => ({ path, before: after, after: before }));
    // Rules first, as the others were written under them; where a folder is missing for that, once more at the end.
    for (const part of [back.filter(isRule), back.filter((each) => !isRule(each)), back.filter(isRule)]) {
      await undo(part, { ...input, tools, signal: limit.signal });
    }
  } finally {
    cancel();
  }
}

async function undo(
  differences: readonly TreeDifference[],
  input: BackInput & { tools: WorkTreeTools; signal: AbortSignal },
): Promise<void> {
  const files = await filesOf(differences, input);
  for (const difference of differences) {
    try {
      const [step] = await look([difference], input);
      if (step?.state !== 'to-do') continue;
      if (step.after === null) await removeFile(files, step);
      else await placeFile(files, step, step.after);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'integrate-blocked-by-local-changes') throw error;
    }
  }
}
