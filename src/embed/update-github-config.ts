// `updateGitHubConfig(path, patch)`: changes a project's settings in their one home, with or without a service.

import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { updateProjectFile } from '../detect/project-file-update.ts';
import type { GithubConfig, GithubConfigPatch } from '../model/project-config.ts';
import { GithubConfigSchema } from '../model/project-config.ts';
import { findSettings } from '../projects/settings-home.ts';
import { updateSettings } from '../projects/update.ts';
import type { Database } from '../store/database.ts';
import { listProjects } from '../store/projects.ts';
import { type EmbedOptions, withDatabase } from './with-database.ts';

/**
 * Merges `patch` into `github` of project.json when that file speaks of it; else into the database when the
 * project is known there; else project.json (version 2) is written. A running service takes it up at its next
 * scan or sync. @throws Failure `project-file-invalid`, `invalid-request`; nothing is changed then
 */
export async function updateGitHubConfig(
  path: string,
  patch: GithubConfigPatch,
  options: EmbedOptions = {},
): Promise<GithubConfig> {
  const folder = await realpath(resolve(path));
  const { home } = await findSettings(folder);
  if (home === 'database') {
    const stored = await withDatabase(options, (db, env) => updateStored(db, folder, patch, env));
    if (stored) return stored;
  }
  const file = await updateProjectFile(folder, { github: patch });
  return GithubConfigSchema.parse(file.github ?? {});
}

async function updateStored(
  db: Database,
  folder: string,
  patch: GithubConfigPatch,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GithubConfig | null> {
  const project = (await listProjects(db, {})).find((known) => known.path === folder);
  if (project === undefined) return null;
  const ports = { db, machineId: project.machineId, env, homeDir: homedir() };
  return (await updateSettings(project, { github: patch }, ports)).github;
}
