// Changing a project's settings in their one home.

import { updateProjectFile } from '../detect/project-file-update.ts';
import { Failure } from '../model/failure.ts';
import { mergePatch } from '../model/merge-patch.ts';
import type { Project } from '../model/project.ts';
import { type GithubConfigPatch, GithubConfigSchema } from '../model/project-config.ts';
import { type EnrolPorts, enrolProject } from './enrol.ts';
import { findSettings } from './settings-home.ts';

/**
 * Merges the patch into project.json when the settings live there, else into the database.
 * @throws Failure `project-file-invalid`, `invalid-request` with `data.issues`, `project-elsewhere`
 */
export async function updateSettings(
  project: Project,
  patch: { projectName?: string; github?: GithubConfigPatch },
  ports: EnrolPorts,
): Promise<Project> {
  // Its files are there, and here the same path may be another project.
  if (project.machineId !== ports.machineId) {
    throw new Failure(
      'project-elsewhere',
      `The settings of ${project.projectId} are changed on the machine ${project.machineId}.`,
    );
  }
  const { home } = await findSettings(project.path);
  if (home === 'file') {
    await updateProjectFile(project.path, patch);
    return enrolProject({ path: project.path }, ports);
  }
  const merged = GithubConfigSchema.safeParse(mergePatch(project.github, patch.github ?? {}));
  if (!merged.success) {
    const issues = merged.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    const text = issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
    throw new Failure('invalid-request', `The settings of ${project.projectId} cannot be: ${text}`, {
      data: { issues },
    });
  }
  const { projectName } = patch;
  return enrolProject(
    { path: project.path, github: merged.data, ...(projectName !== undefined && { projectName }) },
    ports,
  );
}
