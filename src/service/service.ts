// The service as the API and the command line control it: starting and stopping the pipeline, and the projects in it.
// It knows the pipeline and the store; it answers no HTTP.

import { discoverRepositories } from '../detect/discover.ts';
import type { EventBus } from '../events/types.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { Service } from '../model/service.ts';
import type { Pipeline } from '../pipeline.ts';
import { type EnrolPorts, enrolProject } from '../projects/enrol.ts';
import { updateSettings } from '../projects/update.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import { findProject, listProjects, removeProject, setPaused } from '../store/projects.ts';
import { checkHealth, type HealthPorts } from './health.ts';

export type ServicePorts = {
  version: string;
  createdAt: number;
  bus: EventBus;
  enrol: EnrolPorts;
  health: HealthPorts;
  projects: ProjectTable;
  createPipeline(): Pipeline;
  roots(): readonly string[];
  discoverDepth(): number;
};

const STOPPED_WATCHER = { mode: 'scan-only', watched: 0, degradedReason: 'The service is stopped.' } as const;
const STOPPED = {
  running: false,
  startedAt: null,
  lastScanAt: null,
  nextScanAt: null,
  activeSyncs: 0,
} as const;

export function createService(ports: ServicePorts): Service & { wake(): void } {
  const { enrol, projects } = ports;
  const { db, machineId } = enrol;
  let pipeline: Pipeline | null = null;
  let changing: Promise<unknown> = Promise.resolve();

  /** Start and stop wait for each other: two of them at once must not leave half a pipeline. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = changing.then(change, change);
    changing = result.catch(() => undefined);
    return result;
  }

  function started(): Pipeline {
    if (pipeline === null) throw new Failure('service-stopped', 'The service is stopped; nothing is synced.');
    return pipeline;
  }

  async function mustFind(projectId: ProjectId): Promise<Project> {
    const project = await findProject(db, projectId);
    if (project === null) throw new Failure('project-not-found', `There is no project "${projectId}".`);
    return project;
  }

  async function take(project: Project): Promise<Project> {
    if (project.machineId !== machineId) return project;
    projects.put(project);
    await pipeline?.include(project);
    return project;
  }

  return {
    version: ports.version,
    machineId,
    createdAt: ports.createdAt,
    start: () =>
      inTurn(async () => {
        if (pipeline !== null) return false;
        for (const project of await listProjects(db, { machineId })) projects.put(project);
        pipeline = ports.createPipeline();
        await pipeline.start();
        return true;
      }),
    stop: () =>
      inTurn(async () => {
        const ending = pipeline;
        pipeline = null;
        await ending?.stop();
        return ending !== null;
      }),
    scheduler: () => pipeline?.scheduler() ?? STOPPED,
    watcher: () => pipeline?.watcher() ?? STOPPED_WATCHER,
    health: () =>
      checkHealth(ports.health, pipeline?.scheduler() ?? STOPPED, pipeline?.watcher() ?? STOPPED_WATCHER),
    triggerAll: (options) => started().triggerAll(options),
    async triggerProject(projectId, options) {
      const project = await mustFind(projectId);
      if (!project.github.enabled) {
        throw new Failure('project-disabled', `The project "${projectId}" is disabled.`);
      }
      return started().triggerProject(projectId, options);
    },
    async addProject({ path, projectName, github }) {
      const settings = github === undefined ? {} : { github };
      const project = await enrolProject({ path, ...(projectName !== undefined && { projectName }) }, enrol);
      const changed = github === undefined ? project : await updateSettings(project, settings, enrol);
      return take(changed);
    },
    updateProject: async (projectId, patch) =>
      take(await updateSettings(await mustFind(projectId), patch, enrol)),
    async removeProject(projectId) {
      await mustFind(projectId);
      await pipeline?.exclude(projectId);
      projects.delete(projectId);
      await removeProject(db, projectId);
      ports.bus.notify();
    },
    async pauseProject(projectId, untilMs) {
      await mustFind(projectId);
      await setPaused(db, projectId, untilMs ?? FOREVER_MS);
      await reload(projectId);
    },
    async resumeProject(projectId) {
      await mustFind(projectId);
      await setPaused(db, projectId, null);
      await reload(projectId);
      pipeline?.wake();
    },
    async discover() {
      const found = await discoverRepositories(ports.roots(), { maxDepth: ports.discoverDepth() });
      const known = new Set((await listProjects(db, { machineId })).map((project) => project.path));
      return found
        .filter((repository) => !known.has(repository.path))
        .map(({ path, name, remoteUrl }) => ({ path, name, remoteUrl }));
    },
    wake: () => pipeline?.wake(),
  };

  async function reload(projectId: ProjectId): Promise<void> {
    await take(await mustFind(projectId));
  }
}

/** "Until resumed": the last instant that a date can name. */
const FOREVER_MS = 8_640_000_000_000_000;
