// Which public id a new project gets. Pure: the caller says which ids are taken.

import { type ProjectId, toProjectId } from '../model/ids.ts';

const LONGEST = 100;
const LONGEST_SUFFIX = 30;

// `all` means every project where an id is expected.
const RESERVED = new Set(['all']);

export type TakenId = { projectId: string; machineId: string; lockKey: string };

const suffixOf = (machineId: string) => `@${toProjectId(machineId).slice(0, LONGEST_SUFFIX - 6)}`;

/** Under which id another machine holds the same repository; null when this project was not named after one. */
export function firstCloneOf({
  projectId,
  machineId,
}: Pick<TakenId, 'projectId' | 'machineId'>): string | null {
  const at = projectId.lastIndexOf(suffixOf(machineId));
  return at > 0 ? projectId.slice(0, at) : null;
}

/** The part that every id offered for this name begins with. */
export function idStem(wished: ProjectId | undefined, projectName: string): string {
  return (wished ?? toProjectId(projectName)).slice(0, LONGEST - LONGEST_SUFFIX);
}

/**
 * The wished id, or one made of the name, if it is free. A second clone of the same repository on another machine
 * becomes `id@machine`, so that one sees what belongs together; anything else `id-2`, `id-3`…
 */
export function freeProjectId(
  input: { projectId?: ProjectId; projectName: string; machineId: string; lockKey: string },
  taken: readonly TakenId[],
): ProjectId {
  const first = input.projectId ?? toProjectId(input.projectName);
  const stem = idStem(input.projectId, input.projectName);
  const holders = new Map(taken.map((row) => [row.projectId, row]));
  const isFree = (id: string) => !holders.has(id) && !RESERVED.has(id);
  if (isFree(first)) return first;
  const holder = holders.get(first);
  const elsewhere = holder && holder.lockKey === input.lockKey && holder.machineId !== input.machineId;
  const suffix = elsewhere ? suffixOf(input.machineId) : '';
  if (elsewhere && isFree(stem + suffix)) return (stem + suffix) as ProjectId;
  let number = 2;
  while (!isFree(`${stem}${suffix}-${number}`)) number += 1;
  return `${stem}${suffix}-${number}` as ProjectId;
}
