// This machine's projects as last stored, so that a change event or a job need not ask the database first.
// Whoever stores a project puts it here too; the database stays the truth.

import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';

export type ProjectTable = {
  get(projectId: ProjectId): Project | undefined;
  put(project: Project): void;
  delete(projectId: ProjectId): void;
  all(): Project[];
};

export function createProjectTable(): ProjectTable {
  const projects = new Map<ProjectId, Project>();
  return {
    get: (projectId) => projects.get(projectId),
    put: (project) => void projects.set(project.projectId, project),
    delete: (projectId) => void projects.delete(projectId),
    all: () => [...projects.values()],
  };
}
