// The service as the API and the command line control it, put together from its abilities: one file each.
// It knows the pipeline and the store; it answers no HTTP.

import type { EventBus } from '../events/types.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Service } from '../model/service.ts';
import type { Pipeline } from '../pipeline-ports.ts';
import type { EnrolPorts } from '../projects/enrol.ts';
import { hostOfRemote } from '../projects/remote-ref.ts';
import type { GithubTools } from '../runner/github-tools.ts';
import type { ProgressTable } from '../runner/progress-table.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import { listProjects } from '../store/projects.ts';
import { type BackupPorts, createBackup } from './backup.ts';
import { diffConflict } from './conflict-diff.ts';
import { createCredentialControl } from './credential-control.ts';
import { checkHealth, type HealthPorts } from './health.ts';
import { createHeldControl } from './held-control.ts';
import { createHostLeaver } from './leave-host.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { createPreviewControl } from './preview-control.ts';
import { createProjectControl, mustFindProject } from './project-control.ts';
import { queueResolution } from './queue-resolution.ts';
import { createWebhookReceiver } from './receive-webhook.ts';
import { createRepositoryControl } from './repository-control.ts';
import { diffProjectSnapshot, listProjectSnapshots, restoreProjectSnapshot } from './snapshots.ts';
import { triggerElsewhere } from './trigger-elsewhere.ts';
import { createWebhookControl } from './webhook-control.ts';

export type ServicePorts = {
  version: string;
  createdAt: number;
  bus: EventBus;
  log: Log;
  enrol: EnrolPorts;
  health: HealthPorts;
  backup: BackupPorts;
  projects: ProjectTable;
  progress: ProgressTable;
  sync: SyncPorts;
  tools: GithubTools;
  createPipeline(): Pipeline;
  roots(): readonly string[];
  discoverDepth(): number;
  webhookSecret(): string | null;
  publicUrl(): string | null;
};

/** `wake` makes the queue look at once, after a setting changed; `close` ends what goes on beside the syncs. */
export type ControlledService = Service & { wake(): void; close(): Promise<void> };

export function createService(ports: ServicePorts): ControlledService {
  const { version, createdAt, enrol } = ports;
  const { db, machineId } = enrol;
  const lifecycle = createLifecycle({ ...ports, db, machineId });
  const { pipeline, started, ...control } = lifecycle;
  const projectControl = createProjectControl({ ...ports, lifecycle });
  const leaver = createHostLeaver({ ...ports, ...ports.tools, ...enrol, clock: ports.sync.clock });
  return {
    ...{ version, machineId, createdAt },
    ...control,
    progress: (projectId) => ports.progress.get(projectId),
    health: () => checkHealth(ports.health, control.scheduler(), control.watcher()),
    backUp: createBackup(ports.backup),
    wake: () => pipeline()?.wake(),
    ...triggers(ports, lifecycle),
    ...projectControl,
    ...createHeldControl({ db, machineId, started, updateProject: projectControl.updateProject }),
    ...snapshots(ports),
    receiveWebhook: createWebhookReceiver({
      ...ports,
      db,
      secret: ports.webhookSecret,
      wake: () => pipeline()?.wake(),
    }),
    ...createPreviewControl(ports),
    ...hosts(ports),
    async removeProject(projectId) {
      const leaveHost = await leaver.prepare(await mustFindProject(db, projectId));
      await projectControl.removeProject(projectId);
      leaveHost();
    },
    close: () => leaver.close(),
  };
}

function triggers(
  { enrol: { db, machineId }, bus, projects }: ServicePorts,
  { started }: Lifecycle,
): Pick<Service, 'triggerAll' | 'triggerProject' | 'resolveConflict'> {
  return {
    async triggerAll(options) {
      const own = await started().triggerAll(options);
      const others = await triggerElsewhere(options, { db, bus, machineId });
      const queued = [...own.queued, ...others.queued];
      return { scanned: own.scanned, queued, skipped: [...own.skipped, ...others.skipped] };
    },
    async triggerProject(projectId, options) {
      const project = await mustFindProject(db, projectId);
      if (!project.github.enabled) {
        throw new Failure('project-disabled', `The project "${projectId}" is disabled.`);
      }
      return started().triggerProject(projectId, options);
    },
    async resolveConflict(projectId, choice) {
      const pipeline = started();
      return queueResolution(await mustFindProject(db, projectId), choice, { db, projects, pipeline });
    },
  };
}

function hosts({
  enrol: { db, machineId, env, homeDir },
  tools,
  sync,
  publicUrl,
}: ServicePorts): Pick<
  Service,
  'credentials' | 'repository' | 'openPullRequest' | 'webhook' | 'registerWebhook' | 'removeWebhook'
> {
  const findProject = (projectId: ProjectId) => mustFindProject(db, projectId);
  return {
    ...createRepositoryControl({ ...tools, env, homeDir, machineId, findProject }),
    ...createWebhookControl({ ...tools, db, env, homeDir, machineId, publicUrl, findProject }),
    ...createCredentialControl({
      ...tools,
      clock: sync.clock,
      projects: () => listProjects(db, { machineId }),
      hostOf: (project) => hostOfRemote(project, { env, homeDir }),
    }),
  };
}

function snapshots({
  enrol: { db, machineId, databasePath = null },
  sync,
}: ServicePorts): Pick<Service, 'listSnapshots' | 'diffSnapshot' | 'restoreSnapshot' | 'diffConflict'> {
  const find = (projectId: ProjectId) => mustFindProject(db, projectId);
  const ports = { sync, machineId, databasePath };
  return {
    diffConflict: async (projectId) => diffConflict(await find(projectId), ports),
    listSnapshots: async (projectId, page) => listProjectSnapshots(await find(projectId), page, ports),
    diffSnapshot: async (projectId, id, against) =>
      diffProjectSnapshot(await find(projectId), { id, against }, ports),
    restoreSnapshot: async (projectId, input) => restoreProjectSnapshot(await find(projectId), input, ports),
  };
}
