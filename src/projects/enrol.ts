// Taking a folder in, and keeping what is stored of it true to its files. Consent is never guessed:
// only a named folder, or one whose project.json says so, becomes enabled.

import { basename } from 'node:path';
import { realpath } from '../host/small-files.ts';
import { Failure } from '../model/failure.ts';
import { UNTOUCHED_CODES } from '../model/failure-codes.ts';
import { PROJECT_ID_PATTERN, type ProjectId } from '../model/ids.ts';
import { failureOfKnown } from '../model/lost-repository.ts';
import type { Project } from '../model/project.ts';
import type { GithubConfig } from '../model/project-config.ts';
import { refuseOwnDatabase } from '../runner/own-database.ts';
import type { Database } from '../store/database.ts';
import { findSavedProject, type SavedProject, saveFacts, saveProject } from '../store/projects.ts';
import { inspectRepository } from './inspect.ts';
import { type FoundSettings, findSettings, namedDefaults } from './settings-home.ts';

export type EnrolPorts = {
  db: Database;
  machineId: string;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  /** The service's own file, which no project may commit; null or left out: it is on a server. */
  databasePath?: string | null;
};

/**
 * Enrols the work tree at `path`, or brings an enrolled one up to date with its files. Idempotent.
 * @throws Failure `not-a-repository`, `folder-missing`, `folder-unreadable`, `database-in-project`
 */
export async function enrolProject(
  input: { path: string; projectName?: string; github?: GithubConfig },
  ports: EnrolPorts,
): Promise<Project> {
  const path = await realFolder(input.path);
  const saved = await findSavedProject(ports.db, ports.machineId, path);
  return enrolKnown({ ...input, path }, saved, ports);
}

async function enrolKnown(
  input: { path: string; projectName?: string; github?: GithubConfig },
  saved: SavedProject | null,
  ports: EnrolPorts,
): Promise<Project> {
  const known = saved?.project;
  const path = await realFolder(input.path);
  const settings = await findSettings(path);
  const first = await inspectRepository(
    path,
    settings.github ?? input.github ?? known?.github ?? null,
    ports,
  );
  if (first.repo.worktree !== path) {
    throw new Failure(
      'not-a-repository',
      `${path} is inside the work tree ${first.repo.worktree}, not the top of one.`,
    );
  }
  const github = settings.github ?? input.github ?? known?.github ?? namedDefaults(first.branch);
  if (github.enabled) await refuseOwnDatabase(path, ports);
  const wished = settings.file?.projectId;
  const asked = {
    ...(wished !== undefined && PROJECT_ID_PATTERN.test(wished) && { projectId: wished as ProjectId }),
    projectName: input.projectName ?? settings.file?.projectName ?? known?.projectName ?? basename(path),
    ...{ machineId: ports.machineId, path, configHome: settings.home, github },
    ...{ lane: first.lane, lockKey: first.lockKey },
  };
  const project = await saveProject(ports.db, asked, saved);
  return noteBroken(project, settings, ports);
}

/**
 * Reads project.json and the git configuration again, and stores what changed. A project whose folder is gone
 * or whose project.json is broken keeps its last settings; its facts say why it is blocked.
 */
export async function refreshProject(
  project: Project,
  ports: EnrolPorts,
  read?: SavedProject | null,
): Promise<Project> {
  try {
    // Removed meanwhile, maybe by another machine: it must not come back by being looked at.
    const saved = read === undefined ? await findSavedProject(ports.db, ports.machineId, project.path) : read;
    return saved === null ? project : await enrolKnown({ path: project.path }, saved, ports);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return noteReason(project, error, ports);
  }
}

async function noteReason(project: Project, failure: Failure, { db }: EnrolPorts): Promise<Project> {
  const facts = { ...project.facts, blocked: failureOfKnown(failure, project.facts).reason };
  await saveFacts(db, project.projectId, facts);
  return { ...project, facts };
}

async function noteBroken(project: Project, settings: FoundSettings, ports: EnrolPorts): Promise<Project> {
  const { blocked } = project.facts;
  if (settings.broken === null && !(blocked && UNTOUCHED_CODES.has(blocked.code))) return project;
  const facts = { ...project.facts, blocked: settings.broken };
  await saveFacts(ports.db, project.projectId, facts);
  return { ...project, facts };
}

async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new Failure('folder-missing', `${path} does not exist.`);
    throw new Failure('folder-unreadable', `${path} cannot be read (${code}).`, { cause: error });
  }
}
