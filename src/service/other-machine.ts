// Where several machines share one queue, a folder is looked into by its own machine only.

import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';

/** @throws Failure `folder-missing` */
export function refuseElsewhere(
  { machineId, path }: Pick<Project, 'machineId' | 'path'>,
  here: { machineId: string },
): void {
  if (machineId === here.machineId) return;
  throw new Failure('folder-missing', `${path} is a folder of the machine ${machineId}, not of this one.`, {
    action: 'Ask the gitferry of that machine.',
  });
}
