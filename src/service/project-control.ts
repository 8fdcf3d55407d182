// The projects as the API controls them: add, change, forget, pause, resume, and find folders that are none yet.
// Every change is stored first and then taken to work. Knows no git beyond finding repositories.

import { discoverRepositories } from '../detect/discover.ts';
import type { EventBus } from '../events/types.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { Service } from '../model/service.ts';
import type { EnrolPorts } from '../projects/enrol.ts';
import { requireUnderRoots } from '../projects/under-roots.ts';
import { updateSettings } from '../projects/update.ts';
import { unparkAll } from '../queue/unpark.ts';
import type { GithubTools } from '../runner/github-tools.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import type { Database } from '../store/database.ts';
import { findProject, listProjects, removeProject, setPaused } from '../store/projects.ts';
import { addProject } from './add-project.ts';
import type { Lifecycle } from './lifecycle.ts';

type ProjectPorts = {
  bus: EventBus;
  enrol: EnrolPorts;
  tools: GithubTools;
  projects: ProjectTable;
  lifecycle: Lifecycle;
  roots(): readonly string[];
  discoverDepth(): number;
};

type ProjectControl = Pick<
  Service,
  | 'addProject'
  | 'updateProject'
  | 'removeProject'
  | 'pauseProject'
  | 'resumeProject'
  | 'pauseAll'
  | 'resumeAll'
  | 'discover'
>;

/** Paused by no person: its repository is archived. */
const PAUSED_BY_HOST = 'repository-archived';
/** "Until resumed": the last instant with a year of four digits, which every reader of ISO 8601 takes. */
const FOREVER_MS = 253_402_300_799_999;

export function createProjectControl(ports: ProjectPorts): ProjectControl {
  const { bus, enrol, projects, lifecycle } = ports;
  const { db } = enrol;
  return {
    async addProject(wanted) {
      if (wanted.onlyUnderRoots) await requireUnderRoots(wanted.path, ports.roots());
      return putToWork(await addProject(wanted, ports), ports);
    },
    async updateProject(projectId, patch) {
      return putToWork(await updateSettings(await mustFindProject(db, projectId), patch, enrol), ports);
    },
    async removeProject(projectId) {
      await mustFindProject(db, projectId);
      await lifecycle.pipeline()?.exclude(projectId);
      projects.delete(projectId);
      await removeProject(db, projectId);
      bus.notify();
    },
    async pauseProject(projectId, untilMs) {
      await mustFindProject(db, projectId);
      await setPaused(db, projectId, untilMs ?? FOREVER_MS);
      await take(await mustFindProject(db, projectId), ports);
    },
    async resumeProject(projectId) {
      const { machineId } = await mustFindProject(db, projectId);
      await setPaused(db, projectId, null);
      await unparkAll(db, { machineId, projectId, reason: PAUSED_BY_HOST });
      await take(await mustFindProject(db, projectId), ports);
      lifecycle.pipeline()?.wake();
    },
    async pauseAll(untilMs) {
      await setPaused(db, 'all', untilMs ?? FOREVER_MS);
      await takeAll(ports);
    },
    async resumeAll() {
      await setPaused(db, 'all', null);
      await unparkAll(db, { machineId: enrol.machineId, reason: PAUSED_BY_HOST });
      await takeAll(ports);
      lifecycle.pipeline()?.wake();
    },
    discover: () => discoverFolders(ports),
  };
}

/** @throws Failure `project-not-found` */
export async function mustFindProject(db: Database, projectId: ProjectId): Promise<Project> {
  const project = await findProject(db, projectId);
  if (project !== null) return project;
  throw new Failure('project-not-found', `There is no project "${projectId}".`);
}

/** New or changed settings are tried at once, not at the next scan. */
async function putToWork(project: Project, ports: ProjectPorts): Promise<Project> {
  await take(project, ports);
  const { projectId, github, machineId } = project;
  if (github.enabled && machineId === ports.enrol.machineId)
    await ports.lifecycle.pipeline()?.look(projectId);
  return project;
}

/** Watches a stored project, or stops watching it; one of another machine is that machine's business. */
async function take(project: Project, { bus, enrol, projects, lifecycle }: ProjectPorts): Promise<void> {
  if (project.machineId !== enrol.machineId) return;
  projects.put(project);
  await lifecycle.pipeline()?.include(project);
  bus.notify();
}

async function takeAll(ports: ProjectPorts): Promise<void> {
  const { db, machineId } = ports.enrol;
  for (const project of await listProjects(db, { machineId })) await take(project, ports);
}

async function discoverFolders({ roots, discoverDepth, enrol }: ProjectPorts) {
  const found = await discoverRepositories(roots(), { maxDepth: discoverDepth() });
  const enrolled = await listProjects(enrol.db, { machineId: enrol.machineId });
  const known = new Set(enrolled.map(({ path }) => path));
  return found
    .filter(({ path }) => !known.has(path))
    .map(({ path, name, remoteUrl }) => ({ path, name, remoteUrl }));
}
