// The service as the API and the command line control it: starting and stopping the pipeline, and the projects in it.
// It knows the pipeline and the store; it answers no HTTP.

import { discoverRepositories } from '../detect/discover.ts';
import type { EventBus } from '../events/types.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import type { ConflictChoice } from '../model/conflict.ts';
import { Failure, type Reason, reasonOf } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { JobView } from '../model/job.ts';
import type { Project } from '../model/project.ts';
import type { GithubConfigPatch } from '../model/project-config.ts';
import type {
  HealthChecks,
  SchedulerStatus,
  Service,
  SnapshotPage,
  TriggerOptions,
  WatcherStatus,
} from '../model/service.ts';
import type { Pipeline } from '../pipeline-ports.ts';
import { type EnrolPorts, enrolProject } from '../projects/enrol.ts';
import { updateSettings } from '../projects/update.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import { findProject, listProjects, removeProject, setPaused } from '../store/projects.ts';
import { checkHealth, type HealthPorts } from './health.ts';
import { queueResolution } from './queue-resolution.ts';
import { diffProjectSnapshot, listProjectSnapshots, restoreProjectSnapshot } from './snapshots.ts';

export type ServicePorts = {
  version: string;
  createdAt: number;
  bus: EventBus;
  enrol: EnrolPorts;
  health: HealthPorts;
  projects: ProjectTable;
  sync: SyncPorts;
  createPipeline(): Pipeline;
  roots(): readonly string[];
  discoverDepth(): number;
};

const STOPPED_WATCHER: WatcherStatus = {
  mode: 'scan-only',
  watched: 0,
  degradedReason: 'The service is stopped.',
};
const STOPPED: SchedulerStatus = {
  running: false,
  startedAt: null,
  lastScanAt: null,
  nextScanAt: null,
  activeSyncs: 0,
};
/** "Until resumed": the last instant with a year of four digits, which every reader of ISO 8601 takes. */
const FOREVER_MS = 253_402_300_799_999;

/** `wake` makes the queue look at once, after a setting changed. */
export type ControlledService = Service & { wake(): void };

export function createService(ports: ServicePorts): ControlledService {
  return new RunningService(ports);
}

class RunningService implements ControlledService {
  readonly #ports: ServicePorts;
  #pipeline: Pipeline | null = null;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(ports: ServicePorts) {
    this.#ports = ports;
  }

  get version(): string {
    return this.#ports.version;
  }
  get machineId(): string {
    return this.#ports.enrol.machineId;
  }
  get createdAt(): number {
    return this.#ports.createdAt;
  }

  start(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#pipeline !== null) return false;
      const { enrol, projects, createPipeline } = this.#ports;
      for (const project of await listProjects(enrol.db, { machineId: this.machineId }))
        projects.put(project);
      this.#pipeline = createPipeline();
      await this.#pipeline.start();
      return true;
    });
  }

  stop(): Promise<boolean> {
    return this.#inTurn(async () => {
      const ending = this.#pipeline;
      this.#pipeline = null;
      await ending?.stop();
      return ending !== null;
    });
  }

  /** Start and stop wait for each other: two of them at once must not leave half a pipeline. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => undefined);
    return result;
  }

  unsure(projectId: ProjectId): Reason | null {
    // Another machine's projects are that machine's to judge.
    if (this.#ports.projects.get(projectId) === undefined) return null;
    if (this.#pipeline === null)
      return reasonOf('not-compared', 'The service is stopped: nothing is watched.');
    return this.#pipeline.unsure(projectId);
  }

  unsureProjects(): ProjectId[] {
    const ids = this.#ports.projects.all().map((project) => project.projectId);
    return ids.filter((projectId) => this.unsure(projectId) !== null);
  }

  scheduler(): SchedulerStatus {
    return this.#pipeline?.scheduler() ?? STOPPED;
  }

  watcher(): WatcherStatus {
    return this.#pipeline?.watcher() ?? STOPPED_WATCHER;
  }

  health(): Promise<HealthChecks> {
    return checkHealth(this.#ports.health, this.scheduler(), this.watcher());
  }

  wake(): void {
    this.#pipeline?.wake();
  }

  async triggerAll(options: TriggerOptions) {
    return this.#started().triggerAll(options);
  }

  async triggerProject(projectId: ProjectId, options: TriggerOptions): Promise<JobView> {
    const project = await this.#mustFind(projectId);
    if (!project.github.enabled) {
      throw new Failure('project-disabled', `The project "${projectId}" is disabled.`);
    }
    return this.#started().triggerProject(projectId, options);
  }

  async resolveConflict(projectId: ProjectId, choice: ConflictChoice): Promise<JobView> {
    const ports = { ...this.#ports, db: this.#ports.enrol.db, pipeline: this.#started() };
    return queueResolution(await this.#mustFind(projectId), choice, ports);
  }

  async addProject(input: {
    path: string;
    projectName?: string;
    github?: GithubConfigPatch;
  }): Promise<Project> {
    const { path, projectName, github } = input;
    const { enrol } = this.#ports;
    const added = await enrolProject({ path, ...(projectName !== undefined && { projectName }) }, enrol);
    return this.#putToWork(github === undefined ? added : await updateSettings(added, { github }, enrol));
  }

  async updateProject(projectId: ProjectId, patch: { projectName?: string; github?: GithubConfigPatch }) {
    return this.#putToWork(await updateSettings(await this.#mustFind(projectId), patch, this.#ports.enrol));
  }

  async removeProject(projectId: ProjectId): Promise<void> {
    await this.#mustFind(projectId);
    await this.#pipeline?.exclude(projectId);
    this.#ports.projects.delete(projectId);
    await removeProject(this.#ports.enrol.db, projectId);
    this.#ports.bus.notify();
  }

  async pauseProject(projectId: ProjectId, untilMs: number | null): Promise<void> {
    await this.#mustFind(projectId);
    await setPaused(this.#ports.enrol.db, projectId, untilMs ?? FOREVER_MS);
    await this.#take(await this.#mustFind(projectId));
  }

  async resumeProject(projectId: ProjectId): Promise<void> {
    await this.#mustFind(projectId);
    await setPaused(this.#ports.enrol.db, projectId, null);
    await this.#take(await this.#mustFind(projectId));
    this.wake();
  }

  async discover() {
    const { roots, discoverDepth, enrol } = this.#ports;
    const found = await discoverRepositories(roots(), { maxDepth: discoverDepth() });
    const known = new Set(
      (await listProjects(enrol.db, { machineId: this.machineId })).map(({ path }) => path),
    );
    return found
      .filter(({ path }) => !known.has(path))
      .map(({ path, name, remoteUrl }) => ({ path, name, remoteUrl }));
  }

  async listSnapshots(projectId: ProjectId, page: SnapshotPage) {
    return listProjectSnapshots(await this.#mustFind(projectId), page, this.#snapshotPorts());
  }

  async diffSnapshot(projectId: ProjectId, id: string, against: 'previous' | 'worktree') {
    return diffProjectSnapshot(await this.#mustFind(projectId), { id, against }, this.#snapshotPorts());
  }

  async restoreSnapshot(projectId: ProjectId, input: { snapshot: string; paths: readonly string[] | null }) {
    return restoreProjectSnapshot(await this.#mustFind(projectId), input, this.#snapshotPorts());
  }

  #snapshotPorts() {
    return { sync: this.#ports.sync, machineId: this.machineId };
  }

  #started(): Pipeline {
    if (this.#pipeline !== null) return this.#pipeline;
    throw new Failure('service-stopped', 'The service is stopped; nothing is synced.');
  }

  async #mustFind(projectId: ProjectId): Promise<Project> {
    const project = await findProject(this.#ports.enrol.db, projectId);
    if (project !== null) return project;
    throw new Failure('project-not-found', `There is no project "${projectId}".`);
  }

  /** New or changed settings are tried at once, not at the next scan. */
  async #putToWork(project: Project): Promise<Project> {
    await this.#take(project);
    const { projectId, github, machineId } = project;
    if (this.#pipeline && github.enabled && machineId === this.machineId)
      await this.#pipeline.look(projectId);
    return project;
  }

  /** Watches a stored project, or stops watching it; one of another machine is that machine's business. */
  async #take(project: Project): Promise<Project> {
    if (project.machineId !== this.machineId) return project;
    this.#ports.projects.put(project);
    await this.#pipeline?.include(project);
    this.#ports.bus.notify();
    return project;
  }
}
