// This machine's projects as last stored, so that a change event or a job need not ask the database first.
// Whoever stores a project puts it here too; the database stays the truth.

import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';

export type ProjectTable = {
  get(projectId: ProjectId): Project | undefined;
  put(project: Project): void;
  /** Puts it unless it was removed meanwhile; answers whether it is still there. */
  renew(project: Project): boolean;
  delete(projectId: ProjectId): void;
  all(): Project[];
};

export function createProjectTable(): ProjectTable {
  const projects = new Map<ProjectId, Project>();
  const put = (project: Project): void => void projects.set(project.projectId, project);
  return {
    get: (projectId) => projects.get(projectId),
    put,
    renew(project) {
      const isThere = projects.has(project.projectId);
      if (isThere) put(project);
      return isThere;
    },
    delete: (projectId) => void projects.delete(projectId),
    all: () => [...projects.values()],
  };
}
