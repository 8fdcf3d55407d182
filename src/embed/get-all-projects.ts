// `getAllProjectsWithGitHub()`: every project with GitHub settings, from the database and from project.json files.

import { delimiter, resolve } from 'node:path';
import { discoverRepositories } from '../detect/discover.ts';
import { loadHost } from '../host/load.ts';
import type { ConfigHome } from '../model/project.ts';
import type { GithubConfig } from '../model/project-config.ts';
import { findSettings } from '../projects/settings-home.ts';
import { listProjects } from '../store/projects.ts';
import { type EmbedOptions, withDatabase } from './with-database.ts';

type ProjectWithGitHub = {
  path: string;
  projectId: string | null;
  projectName: string;
  github: GithubConfig;
  configHome: ConfigHome;
};

/** Projects known to the database come first; a folder is listed once. Files are read anew. */
export async function getAllProjectsWithGitHub(options: EmbedOptions = {}): Promise<ProjectWithGitHub[]> {
  const host = await loadHost();
  const stored = (await withDatabase(options, (db) => listProjects(db, {}))) ?? [];
  const projects = new Map<string, ProjectWithGitHub>();
  for (const { path, projectId, projectName, github, configHome } of stored) {
    const settings = await findSettings(path);
    projects.set(path, { path, projectId, projectName, github: settings.github ?? github, configHome });
  }
  const roots = options.roots ?? (host.env.SYNC_ROOTS ?? '').split(delimiter).filter((root) => root !== '');
  for (const found of await discoverRepositories(
    roots.map((root) => resolve(host.cwd, root)),
    {},
  )) {
    if (projects.has(found.path)) continue;
    const { github, file } = await findSettings(found.path);
    if (github === null) continue;
    const projectName = file?.projectName ?? found.name;
    projects.set(found.path, {
      ...{ path: found.path, projectId: file?.projectId ?? null, projectName, github, configHome: 'file' },
    });
  }
  return [...projects.values()];
}
