// Takes a person's word on a conflict: kept in the database first, then the sync that carries it out is queued.

import type { ConflictChoice } from '../model/conflict.ts';
import { Failure } from '../model/failure.ts';
import type { JobView } from '../model/job.ts';
import type { Project } from '../model/project.ts';
import type { Pipeline } from '../pipeline-ports.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import { chooseForConflict } from '../store/conflicts.ts';
import type { Database } from '../store/database.ts';

/** @throws Failure `project-disabled`, `no-conflict` */
export async function queueResolution(
  { projectId, github }: Project,
  conflictChoice: ConflictChoice,
  { db, projects, pipeline }: { db: Database; projects: ProjectTable; pipeline: Pipeline },
): Promise<JobView> {
  if (!github.enabled) throw new Failure('project-disabled', `The project "${projectId}" is disabled.`);
  if (!(await chooseForConflict(db, projectId, conflictChoice))) {
    throw new Failure('no-conflict', `The project "${projectId}" has no conflict.`);
  }
  const known = projects.get(projectId);
  if (known) projects.put({ ...known, conflictChoice });
  return pipeline.triggerProject(projectId, { immediate: true });
}
