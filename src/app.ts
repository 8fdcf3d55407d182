// Builds everything and joins it: database, bus, git ports, pipeline, service, API. Nothing here decides.

import { dirname, resolve } from 'node:path';
import type { Hono } from 'hono';
import { checkBind, type ConfigAccess, createConfigAccess } from './config/access.ts';
import { flatten, type Layers, mergeLayers } from './config/layers.ts';
import type { Config } from './config/settings.ts';
import { createEventBus } from './events/bus.ts';
import type { EventBus } from './events/types.ts';
import { createChangeScanner } from './git/change-scanner.ts';
import { type LockFile, takeLock } from './host/lock-file.ts';
import type { Log } from './host/log.ts';
import type { Host, Listening } from './host/types.ts';
import { createApi } from './http/create-api.ts';
import { Failure } from './model/failure.ts';
import { createPipeline } from './pipeline.ts';
import type { EnrolPorts } from './projects/enrol.ts';
import { enrolFolders } from './projects/enrol-folders.ts';
import { unparkAll } from './queue/unpark.ts';
import { markSeen, reclaimDeadWorkers, registerWorker, stopWorker } from './queue/workers.ts';
import { createIgnoreCache } from './runner/ignore-cache.ts';
import { createProjectTable } from './runner/project-table.ts';
import { createSyncTools } from './runner/sync-tools.ts';
import { createService } from './service/service.ts';
import type { Database } from './store/database.ts';
import { appendEvents, eventBounds, pruneEvents, pruneRuns, readEvents } from './store/events.ts';
import { openDatabase } from './store/open.ts';
import { readSettings, writeSettings } from './store/settings.ts';
import { VERSION } from './version.ts';

export type App = {
  readonly version: string;
  /** Where the API answers; throws before `start`. */
  readonly url: string;
  readonly api: Hono;
  readonly bus: EventBus;
  readonly config: ConfigAccess;
  fetch(request: Request, env?: object): Response | Promise<Response>;
  /** Listens, enrols the named folders, starts syncing unless `autoStart` is off. Answers lines for a person. */
  start(input?: { folders?: readonly string[] }): Promise<string[]>;
  /** Lets running syncs finish (up to the grace), closes feeds, server and database. */
  stop(): Promise<void>;
};

const POLL_MS = 1_000;
const CLOSE_GRACE_MS = 2_000;
const DAY_MS = 86_400_000;

/** @throws Failure `invalid-config`, `unsafe-bind`, `database-in-use`, `database-corrupt`, … */
export async function createApp(input: { host: Host; layers: Layers; log: Log }): Promise<App> {
  const { host, log } = input;
  const { clock, random } = host;
  const first = mergeLayers(input.layers).config;
  const { db, lock } = await openStore(host, first, log);
  try {
    const layers = { ...input.layers, saved: savedLayer(await readSettings(db)) };
    return await assemble({ host, log, layers, db, lock, dataFolder: dataFolderOf(host, first) });
  } catch (error) {
    await db.close();
    await lock?.release();
    throw error;
  }

  function savedLayer(saved: Record<string, unknown>) {
    const { layer, issues } = flatten(saved, 'saved settings');
    for (const issue of issues) log.warn(issue, 'a saved setting is not known any more and is left out');
    return layer;
  }

  async function assemble(parts: Parts): Promise<App> {
    const config = createConfigAccess({
      layers: parts.layers,
      save: (values) => writeSettings(db, values),
      onChange: async (keys) => {
        await bus.publish([{ type: 'service.config', data: { keys } }]);
        service.wake();
      },
    });
    checkBind(config.current());
    const machineId = config.current().machineId ?? machineIdOf(host.hostname);
    const workerId = `${machineId}-${host.pid}-${Math.floor(random() * 2 ** 40).toString(36)}`;
    const bus = createEventBus({
      read: (after, limit) => readEvents(db, { after, limit }),
      bounds: () => eventBounds(db),
      append: (events) => appendEvents(db, events),
      clock,
      log,
      pollMs: POLL_MS,
    });
    const enrol: EnrolPorts = { db, machineId, env: host.env, homeDir: host.homeDir };
    const projects = createProjectTable();
    const tools = createSyncTools({ host, log, config: () => config.current() });
    const scanner = createChangeScanner({ env: host.env, homeDir: host.homeDir });
    const ignored = createIgnoreCache(enrol);
    const roots = () => config.current().roots.map((root) => resolve(host.cwd, root));
    const service = createService({
      version: VERSION,
      createdAt: clock.now(),
      bus,
      enrol,
      projects,
      roots,
      discoverDepth: () => config.current().discoverDepth,
      health: { writeDatabase: () => markSeen(db, { workerId }), dataFolder: parts.dataFolder },
      createPipeline: () =>
        createPipeline({
          ...{ db, bus, clock, random, log, workerId, machineId, projects, scanner, enrol },
          watch: config.current().watch ? { watchTree: host.watchTree, isIgnored: ignored } : null,
          job: tools,
          roots,
          discoverDepth: () => config.current().discoverDepth,
          prune: () => prune(db, config.current(), clock.now()),
          settings: () => pipelineSettings(config.current()),
        }),
    });
    let listening: Listening | null = null;
    const { app: api, closeFeeds } = createApi({
      ...{ db, bus, service, config, clock, log, upgradeWebSocket: host.upgradeWebSocket },
      newId: () => Math.floor(random() * 2 ** 48).toString(36),
      access: () => ({ ...accessOf(config.current()), port: () => listening?.port ?? config.current().port }),
    });
    return {
      version: VERSION,
      get url() {
        if (listening === null) throw new Failure('service-stopped', 'The API is not listening yet.');
        return `http://${shownHost(config.current().host)}:${listening.port}`;
      },
      ...{ api, bus, config },
      fetch: (request, env) => api.fetch(request, env),
      async start({ folders = [] } = {}) {
        await bus.start();
        const { host: name, port } = config.current();
        listening = await host.listen(api, { hostname: boundAddress(name), port });
        await takeOver(db, { host, machineId, workerId });
        const lines = await enrolFolders(folders, { ...enrol, log });
        if (config.current().autoStart) await service.start();
        return lines;
      },
      async stop() {
        await service.stop();
        await closeFeeds();
        await listening?.close(CLOSE_GRACE_MS);
        listening = null;
        await bus.stop();
        await scanner.close();
        await stopWorker(db, { workerId });
        await db.close();
        await lock?.release();
      },
    };
  }
}

type Parts = { host: Host; log: Log; layers: Layers; db: Database; lock: LockFile | null; dataFolder: string };

/** A local file belongs to one service: two on it would each believe they watch alone. */
async function openStore(host: Host, config: Config, log: Log): Promise<{ db: Database; lock: LockFile | null }> {
  const ports = { clock: host.clock, random: host.random, log };
  if (config.dbUrl !== null) {
    const authToken = config.dbAuthToken;
    return { db: await openDatabase({ url: config.dbUrl, ...(authToken && { authToken }) }, ports), lock: null };
  }
  const path = resolve(host.cwd, config['schedulerOptions.dbPath']);
  const answer = await takeDatabaseLock(`${path}.lock`, host.pid);
  if (answer.kind === 'taken') {
    throw new Failure('database-in-use', `${path} is in use by the gitferry with process id ${answer.pid}.`);
  }
  try {
    return { db: await openDatabase({ path }, ports), lock: answer.lock };
  } catch (error) {
    await answer.lock.release();
    throw error;
  }
}

async function takeDatabaseLock(path: string, pid: number) {
  try {
    return await takeLock(path, pid);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new Failure('disk-full', `No space left for ${path}.`);
    throw new Failure('database-read-only', `${path} cannot be written (${code}).`, { cause: error });
  }
}

/** Jobs of a service that was killed on this machine go back at once; what a person had to repair is tried again. */
async function takeOver(db: Database, input: { host: Host; machineId: string; workerId: string }): Promise<void> {
  const { host, machineId, workerId } = input;
  await reclaimDeadWorkers(db, { machineId, workerIds: [] });
  await registerWorker(db, { workerId, machineId, pid: host.pid, version: VERSION });
  await unparkAll(db, { machineId });
}

async function prune(db: Database, config: Config, now: number): Promise<void> {
  await pruneRuns(db, { olderThanMs: now - config.historyDays * DAY_MS });
  await pruneEvents(db, { keep: config.eventsKept });
}

function pipelineSettings(config: Config) {
  return {
    scanIntervalMs: config['schedulerOptions.scanInterval'],
    maxConcurrentSyncs: config['schedulerOptions.maxConcurrentSyncs'],
    maxRetries: config['schedulerOptions.maxRetries'],
    retryDelayMs: config['schedulerOptions.retryDelay'],
    rateLimitDelayMs: config['schedulerOptions.rateLimitDelay'],
    jobTimeoutMs: config.jobTimeoutMs,
    shutdownGraceMs: config.shutdownGraceMs,
  };
}

function accessOf({ apiToken, corsOrigin, host, allowedHosts }: Config) {
  return { apiToken, corsOrigin, boundHost: host, allowedHosts };
}

function dataFolderOf(host: Host, config: Config): string {
  return config.dbUrl === null ? dirname(resolve(host.cwd, config['schedulerOptions.dbPath'])) : host.cwd;
}

/** "localhost" may mean ::1 alone; IPv4 loopback is what every client tries. */
function boundAddress(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1');
}

function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function machineIdOf(hostname: string): string {
  const name = hostname.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 63);
  return name === '' ? 'machine' : name;
}
