// The API over a real database and a real bus. Only the process around it, the Service, is played here:
// its answers come from the same database.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfigAccess } from '../../src/config/access.ts';
import { createEventBus } from '../../src/events/bus.ts';
import { type Clock, systemClock, systemRandom } from '../../src/host/clock.ts';
import { loadHost } from '../../src/host/load.ts';
import { type Log, silentLog } from '../../src/host/log.ts';
import type { AccessOptions } from '../../src/http/access.ts';
import { type Api, createApi } from '../../src/http/create-api.ts';
import { Failure } from '../../src/model/failure.ts';
import type { UploadPreview } from '../../src/model/github.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { JobView } from '../../src/model/job.ts';
import type { NoticeControl } from '../../src/model/notice.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import type { Service } from '../../src/model/service.ts';
import { requireUnderRoots } from '../../src/projects/under-roots.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { findJob } from '../../src/queue/reads.ts';
import { createHeldControl } from '../../src/service/held-control.ts';
import { createWebhookReceiver } from '../../src/service/receive-webhook.ts';
import { chooseForConflict } from '../../src/store/conflicts.ts';
import type { Database } from '../../src/store/database.ts';
import { appendEvents, eventBounds, readEvents } from '../../src/store/events.ts';
import { openDatabase } from '../../src/store/open.ts';
import {
  findProject,
  listProjects,
  removeProject,
  saveProject,
  setPaused,
} from '../../src/store/projects.ts';
import { createContract, type OpenApiDocument } from './contract.ts';

export const TOKEN = 'correct-horse-battery-staple';
export const WEBHOOK_SECRET = 'a-webhook-secret-of-the-tests';
const MACHINE = 'laptop';

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes
export type Answer = { status: number; body: any; headers: Headers; text: string };
export type Fixture = Awaited<ReturnType<typeof createFixture>>;

export type FixtureOptions = {
  access?: Partial<AccessOptions>;
  service?: Partial<Service>;
  notices?: NoticeControl;
  clock?: Clock;
  log?: Log;
  /** Of the peer; left out: not known, as in an embedded service. */
  remoteAddress?: string;
  /** What every statement fails with, asked at each. */
  databaseFault?: () => unknown;
};

const NO_NOTICES: NoticeControl = {
  targets: async () => [],
  async test() {
    throw new Failure('notice-targets-missing', 'Notices go nowhere: no target is set.');
  },
};

export async function createFixture(options: FixtureOptions = {}) {
  const { clock = systemClock, log = silentLog } = options;
  const host = await loadHost();
  const dir = await mkdtemp(join(tmpdir(), 'gitferry-http-'));
  const opened = await openDatabase(
    { path: join(dir, 'queue.db') },
    { clock: systemClock, random: systemRandom, log },
  );
  const db = withFaults(opened, options.databaseFault);
  const bus = createEventBus({
    read: (after, limit) => readEvents(db, { after, limit }),
    bounds: () => eventBounds(db),
    append: (events) => appendEvents(db, events),
    ...{ clock: systemClock, log, pollMs: 250 },
  });
  await bus.start();
  const receiveWebhook = createWebhookReceiver({
    ...{ db, bus, log },
    secret: () => WEBHOOK_SECRET,
    wake: () => {},
  });
  const played: Service = { ...createPlayedService(db), receiveWebhook };
  const service: Service = { ...played, ...options.service };
  const config = createConfigAccess({ layers: {}, save: async () => {}, onChange: () => {} });
  const access: AccessOptions = {
    apiToken: null,
    corsOrigin: 'http://localhost:3000',
    boundHost: 'localhost',
    port: () => 3001,
    allowedHosts: [],
    ...options.access,
  };
  const { app, closeFeeds } = createApi({
    ...{ db, bus, service, config, clock, log },
    notices: options.notices ?? NO_NOTICES,
    access: () => access,
    upgradeWebSocket: host.upgradeWebSocket,
    newId: randomUUID,
  });
  const contract = await recordedContract(app, access);
  const faults = recordAnswers(app, contract);
  const env = options.remoteAddress === undefined ? {} : { remoteAddress: options.remoteAddress };
  const request = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await app.request(path, { method, ...init }, env);
    const text = await response.text();
    if (faults.length > 0) throw new Error(faults.splice(0).join('\n'));
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : null,
    };
  };
  return {
    ...{ app, db, bus, service, played, access, contract, closeFeeds, host, request },
    get: (path: string, headers?: Record<string, string>) => request('GET', path, headers ? { headers } : {}),
    send: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      request(method, path, {
        ...(body !== undefined && { body: JSON.stringify(body) }),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    addProject: (name: string, github: Record<string, unknown> = {}) => addProject(db, name, github),
    async close() {
      await closeFeeds();
      await bus.stop();
      await db.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}

function withFaults(db: Database, fault: (() => unknown) | undefined): Database {
  if (fault === undefined) return db;
  const unlessFaulty = <T>(act: () => Promise<T>) => {
    const error = fault();
    return error ? Promise.reject(error) : act();
  };
  return {
    ...db,
    run: (sql, args) => unlessFaulty(() => db.run(sql, args)),
    batch: (statements) => unlessFaulty(() => db.batch(statements)),
    close: () => db.close(),
  };
}

type Contract = ReturnType<typeof createContract>;
let shared: Promise<Contract> | undefined;

/** The document as the service answers it: the same for every fixture. */
function recordedContract(app: Api['app'], { apiToken }: AccessOptions): Promise<Contract> {
  shared ??= (async () => {
    const headers = apiToken === null ? {} : { authorization: `Bearer ${apiToken}` };
    const answer = await app.request('/openapi.json', { headers });
    return createContract((await answer.json()) as OpenApiDocument);
  })();
  return shared;
}

/** Every answer from now on is held against the contract; what is wrong with them is collected. */
function recordAnswers(app: Api['app'], contract: Contract): string[] {
  const faults: string[] = [];
  const { fetch } = app;
  app.fetch = async (request, ...rest) => {
    // On Deno nothing can be read of a request that became a WebSocket.
    const isUpgrade = request.headers.get('upgrade') !== null;
    const answer = await fetch(request, ...rest);
    if (isUpgrade && answer.status < 400) return answer;
    const type = answer.headers.get('content-type');
    const text = type?.includes('json') ? await answer.clone().text() : '';
    const fault = contract.check(request.method, request.url, { status: answer.status, type, text });
    if (fault !== null) faults.push(fault);
    return answer;
  };
  return faults;
}

async function addProject(db: Database, name: string, github: Record<string, unknown>) {
  return saveProject(db, {
    projectName: name,
    machineId: MACHINE,
    path: `/home/u/${name}`,
    configHome: 'database',
    github: GithubConfigSchema.parse({ enabled: true, ...github }),
    lane: { hostGate: 'host:github.com', credentialGate: 'credential:github.com:default' },
    lockKey: `/home/u/${name}/.git`,
  });
}

function uploadOf(path: string): UploadPreview {
  const held = [{ path: '.env', reason: 'denied-name' as const, rule: '.env', oid: 'a'.repeat(40) }];
  return {
    ...{ isRepository: true, branch: 'main', files: 2, bytes: 10, uncommittedFiles: 2, unpushedCommits: 0 },
    ...{ remoteUrl: `https://me:pw12345678@github.com/u${path}.git`, sample: ['a', 'b'], heldCount: 1, held },
  };
}

/** Plays what app.ts does, over the real tables. */
function createPlayedService(db: Database): Omit<Service, 'receiveWebhook'> {
  let running = true;
  const sync = async (projectIds: ProjectId[], options: { immediate: boolean; priority?: number }) =>
    enqueue(db, {
      projectIds,
      trigger: 'api',
      delayMs: 0,
      force: options.immediate,
      priority: options.priority ?? 5,
      askRemote: true,
    });
  const existing = async (projectId: ProjectId) => {
    const project = await findProject(db, projectId);
    if (project === null) throw new Failure('project-not-found', `There is no project "${projectId}".`);
    return project;
  };
  const played: Omit<Service, 'heldBack' | 'releaseHeld' | 'confirmDeletions' | 'receiveWebhook'> = {
    version: '0.1.0',
    machineId: MACHINE,
    createdAt: systemClock.now(),
    async start() {
      const wasStopped = !running;
      running = true;
      return wasStopped;
    },
    async stop() {
      const wasRunning = running;
      running = false;
      return wasRunning;
    },
    unsure: () => null,
    unsureProjects: () => [],
    progress: () => ({ phase: 'pushing', objects: 3, objectsTotal: 12, bytes: 4_096 }),
    scheduler: () => ({
      running,
      startedAt: 1_000,
      lastScanAt: 2_000,
      nextScanAt: null,
      activeSyncs: 0,
      tickAgeMs: 0,
      owed: [],
    }),
    watcher: () => ({ mode: 'events', watched: 12, degradedReason: null }),
    async health() {
      const ok = { ok: true, detail: 'fine, at /secret/path' };
      return { database: ok, scheduler: ok, watcher: ok, disk: ok };
    },
    async triggerAll(options) {
      const projects = await listProjects(db);
      const enabled = projects.filter((project) => project.github.enabled);
      const queued = await sync(
        enabled.map((project) => project.projectId),
        options,
      );
      const skipped = projects.filter((project) => !project.github.enabled);
      return {
        scanned: enabled.length,
        queued: queued.map(({ projectId, jobId }) => ({ projectId, jobId })),
        skipped: skipped.map(({ projectId }) => ({ projectId, reason: 'disabled' })),
      };
    },
    async triggerProject(projectId, options): Promise<JobView> {
      const project = await existing(projectId);
      if (!project.github.enabled) throw new Failure('project-disabled', `"${projectId}" is disabled.`);
      if (!running) throw new Failure('service-stopped', 'The service is stopped.');
      await sync([projectId], options);
      const job = await findJob(db, projectId);
      if (job === null) throw new Error('the job that was enqueued is not there');
      return job;
    },
    async resolveConflict(projectId, choice): Promise<JobView> {
      await existing(projectId);
      if (!(await chooseForConflict(db, projectId, choice)))
        throw new Failure('no-conflict', `"${projectId}" has no conflict.`);
      await sync([projectId], { immediate: true });
      const job = await findJob(db, projectId);
      if (job === null) throw new Error('the job that was enqueued is not there');
      return job;
    },
    async addProject({ path, projectName, github, onlyUnderRoots = false }) {
      if (onlyUnderRoots) await requireUnderRoots(path, ['/home/u']);
      const name = projectName ?? path.split('/').at(-1) ?? '';
      const taken = (await listProjects(db)).some((project) => project.path === `/home/u/${name}`);
      if (taken) throw new Failure('project-exists', `${path} is a project already.`);
      if (path.endsWith('.txt')) throw new Failure('not-a-repository', `${path} is no git repository.`);
      return addProject(db, name, { ...github });
    },
    async updateProject(projectId, patch) {
      const project = await existing(projectId);
      return addProject(db, project.projectName, { ...project.github, ...patch.github });
    },
    async removeProject(projectId) {
      await existing(projectId);
      await removeProject(db, projectId);
    },
    async pauseProject(projectId, untilMs) {
      await existing(projectId);
      await setPaused(db, projectId, untilMs ?? Date.parse('9999-12-31'));
    },
    async resumeProject(projectId) {
      await existing(projectId);
      await setPaused(db, projectId, null);
    },
    backUp: async (path) => ({ path: `/data/${path ?? 'backups/new.db'}`, sizeBytes: 4096, durationMs: 5 }),
    pauseAll: (untilMs) => setPaused(db, 'all', untilMs ?? Date.parse('9999-12-31')),
    resumeAll: () => setPaused(db, 'all', null),
    async diffConflict(projectId) {
      const { facts } = await existing(projectId);
      if (facts.conflictFiles.length === 0) throw new Failure('no-conflict', `${projectId} has no conflict.`);
      return { files: facts.conflictFiles.map((file) => ({ ...file, diff: `-theirs\n+${file.path}\n` })) };
    },
    async listSnapshots(projectId) {
      await existing(projectId);
      return { snapshots: [], nextCursor: null };
    },
    async diffSnapshot(projectId, id) {
      await existing(projectId);
      throw new Failure('snapshot-not-found', `There is no snapshot ${id}.`);
    },
    async restoreSnapshot(projectId, { snapshot }) {
      await existing(projectId);
      throw new Failure('snapshot-not-found', `There is no snapshot ${snapshot}.`);
    },
    async previewProject({ path }) {
      return uploadOf(path);
    },
    async previewFolders(paths) {
      return new Map(paths.map((path) => [path, uploadOf(path)]));
    },
    credentials: async () => [],
    async repository(projectId) {
      await existing(projectId);
      throw new Failure('remote-missing', `"${projectId}" has no remote.`);
    },
    async openPullRequest(projectId) {
      await existing(projectId);
      throw new Failure('no-side-branch', `No work of "${projectId}" waits.`);
    },
    async webhook(projectId) {
      await existing(projectId);
      return { webhook: null, deliveries: [] };
    },
    async registerWebhook(projectId) {
      await existing(projectId);
      throw new Failure('public-url-missing', 'No host can reach this service.');
    },
    async removeWebhook(projectId) {
      await existing(projectId);
      return { webhook: null, deliveries: [] };
    },
    async discover() {
      return [{ path: '/home/u/new', name: 'new', remoteUrl: 'https://me:pw12345678@github.com/u/new.git' }];
    },
  };
  const started = () => {
    if (!running) throw new Failure('service-stopped', 'The service is stopped.');
    return played;
  };
  const { updateProject } = played;
  return { ...played, ...createHeldControl({ db, machineId: MACHINE, started, updateProject }) };
}
