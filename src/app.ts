// Builds everything and joins it: database, bus, git ports, pipeline, service, API. Nothing here decides.

import { resolve } from 'node:path';
import { type ConfigAccess, checkBind, createConfigAccess } from './config/access.ts';
import { flatten, type Layers, mergeLayers } from './config/layers.ts';
import { accessOf, pipelineSettings } from './config/parts.ts';
import type { Config } from './config/settings.ts';
import { createEventBus } from './events/bus.ts';
import type { EventBus } from './events/types.ts';
import { type ChangeScanner, createChangeScanner } from './git/changes/change-scanner.ts';
import type { McpGitClient } from './git/mcp/git-tools.ts';
import type { Random } from './host/clock.ts';
import type { LockFile } from './host/lock-file.ts';
import type { Log } from './host/log.ts';
import { withoutPrivateKeys } from './host/program-env.ts';
import type { Host, Listening } from './host/types.ts';
import { createApi } from './http/create-api.ts';
import { Failure } from './model/failure.ts';
import type { Service } from './model/service.ts';
import { noticesOf } from './notices/notices-of-service.ts';
import { createPipeline } from './pipeline.ts';
import { type EnrolPorts, refreshProject } from './projects/enrol.ts';
import { enrolConsented, enrolFolders } from './projects/enrol-folders.ts';
import { markSeen } from './queue/workers.ts';
import { markStopped } from './runner/announce.ts';
import { createIgnoreCache } from './runner/ignore-cache.ts';
import { createWebhookKeeper } from './runner/keep-webhooks.ts';
import { createProgressTable } from './runner/progress-table.ts';
import { createProjectTable, type ProjectTable } from './runner/project-table.ts';
import { createSyncTools } from './runner/sync-tools.ts';
import { createThinning } from './runner/thin-snapshots.ts';
import { createUpkeep } from './runner/upkeep.ts';
import { boundAddress, machineIdOf, shownHost } from './service/names.ts';
import { databasePathOf, dataFolderOf, openStore, takeOver } from './service/open-store.ts';
import { createService } from './service/service.ts';
import type { Database } from './store/database.ts';
import { appendEvents, eventBounds, readEvents } from './store/events.ts';
import { readSettings, settingsScope, writeSettings } from './store/settings.ts';
import { VERSION } from './version.ts';

export type App = {
  readonly version: string;
  /** Where the API answers; throws before `start`. */
  readonly url: string;
  readonly bus: EventBus;
  readonly config: ConfigAccess;
  readonly service: Service;
  fetch(request: Request, env?: object): Response | Promise<Response>;
  /** Listens, enrols the named folders, starts syncing unless `autoStart` is off. Answers lines for a person. */
  start(input?: { folders?: readonly string[] }): Promise<string[]>;
  /** Lets running syncs finish (up to the grace), closes feeds, server and database. */
  stop(): Promise<void>;
};

const NO_PROJECT = 'no project yet: name a folder at the start, or `gitferry add <folder>`';
const POLL_MS = 1_000;
const CLOSE_GRACE_MS = 2_000;

export type AppInput = {
  host: Host;
  layers: Layers;
  log: Log;
  /** A token of this run alone, for commands of the same user. */
  runToken?: string;
  /** Whose git tools push where `github.engine` is `mcp`. */
  mcpClient?: McpGitClient;
};

/** @throws Failure `invalid-config`, `unsafe-bind`, `database-in-use`, `database-corrupt`, … */
export async function createApp(input: AppInput): Promise<App> {
  const { host, log } = input;
  const first = mergeLayers(input.layers).config;
  checkBind(first);
  const { db, lock } = await openStore(host, first, log);
  try {
    const layers = await withSaved(input, db, machineOf(host, first));
    const projects = createProjectTable();
    return assemble({ ...input, layers, db, lock, projects, dataFolder: dataFolderOf(host, first) });
  } catch (error) {
    await db.close();
    await lock?.release();
    throw error;
  }
}

/** The layers with what was saved by the API. */
export async function withSaved({ layers, log }: AppInput, db: Database, machineId: string): Promise<Layers> {
  const { layer, issues } = flatten(await readSettings(db, settingsScope(db, machineId)), 'saved settings');
  for (const issue of issues) log.warn(issue, 'a saved setting is not known any more and is left out');
  return { ...layers, saved: layer };
}

/** Opens nothing: what it is given is joined. */
export function assemble(given: Parts): App {
  const { githubApps } = mergeLayers(given.layers).config;
  // Whatever starts programs gets its environment from here.
  const host = { ...given.host, env: withoutPrivateKeys(given.host.env, githubApps) };
  const parts = { ...given, host, secretEnv: given.host.env };
  const { log, db, lock } = parts;
  const { clock, random } = host;
  const machineId = machineOf(host, mergeLayers(parts.layers).config);
  const config = createConfigAccess({
    layers: parts.layers,
    save: (values) => writeSettings(db, values, settingsScope(db, machineId)),
    onChange: async (keys) => {
      await bus.publish([{ type: 'service.config', data: { keys } }]);
      service.wake();
    },
  });
  checkBind(config.current());
  const workerId = `${machineId}-${host.pid}-${newId(random)}`;
  const bus = openBus(parts);
  const scanner = createChangeScanner({ env: host.env, homeDir: host.homeDir });
  const named: { roots: string[] } = { roots: [] };
  const databasePath = databasePathOf(host, config.current());
  const enrol = { db, machineId, env: host.env, homeDir: host.homeDir, databasePath };
  const service = buildService({ ...parts, config, enrol, machineId, workerId, bus, scanner, named });
  const notices = noticesOf({ host, db, bus, log, machineId, service, config });
  let listening: Listening | null = null;
  const { app: api, closeFeeds } = createApi({
    ...{ db, bus, service, notices, config, clock, log, upgradeWebSocket: host.upgradeWebSocket },
    newId: () => newId(random),
    access: () => ({
      ...accessOf(config.current()),
      runToken: parts.runToken ?? null,
      port: () => listening?.port ?? config.current().port,
    }),
  });
  return {
    version: VERSION,
    get url() {
      if (listening === null) throw new Failure('service-stopped', 'The API is not listening yet.');
      return `http://${shownHost(config.current().host)}:${listening.port}`;
    },
    ...{ bus, config, service, fetch: (request, env) => api.fetch(request, env) },
    async start({ folders = [] } = {}) {
      await bus.start();
      const { host: name, port } = config.current();
      listening = await host.listen(api, { hostname: boundAddress(name), port });
      await takeOver(db, { host, machineId, workerId });
      const { autoStart } = config.current();
      const enrolled = await enrolFolders(folders, { ...enrol, clock, autoStart });
      named.roots = enrolled.roots;
      if (autoStart) await service.start();
      else await markStopped({ db, log, workerId });
      await notices.start();
      const listed = await service.discover();
      if (autoStart && listed.length === 0 && parts.projects.all().length === 0) return [NO_PROJECT];
      return [...enrolled.lines, ...listed.map((found) => `found, not synced until enabled: ${found.path}`)];
    },
    async stop() {
      await notices.stop();
      await service.stop().then(() => service.close());
      await closeFeeds();
      await listening?.close(CLOSE_GRACE_MS);
      listening = null;
      await bus.stop();
      await scanner.close();
      await markStopped({ db, log, workerId });
      await db.close();
      await lock?.release();
    },
  };
}

function openBus({ db, host, log }: Parts): EventBus {
  return createEventBus({
    read: (after, limit) => readEvents(db, { after, limit }),
    bounds: () => eventBounds(db),
    append: (events) => appendEvents(db, events),
    pollMs: POLL_MS,
    ...{ clock: host.clock, log },
  });
}

type Built = Parts & {
  secretEnv: Host['env'];
  config: ConfigAccess;
  enrol: EnrolPorts & { databasePath: string | null };
  machineId: string;
  workerId: string;
  bus: EventBus;
  scanner: ChangeScanner;
  named: { roots: string[] };
};

function buildService(built: Built) {
  const { host, log, db, config, enrol, machineId, workerId, bus, scanner, named } = built;
  const { clock, random, watchTree, openFolderEvents } = host;
  const { projects } = built;
  const progress = createProgressTable();
  const { mcpClient } = built;
  const mcp = mcpClient === undefined ? {} : { mcpClient };
  const tools = createSyncTools({
    host,
    log,
    db,
    secretEnv: built.secretEnv,
    config: () => config.current(),
    ...mcp,
  });
  const ignores = createIgnoreCache(enrol);
  const thinSnapshots = createThinning({ sync: tools.sync, projects });
  const publicUrl = () => config.current().publicUrl;
  const keepWebhooks = createWebhookKeeper({ ...tools.github, ...enrol, clock, log, projects, publicUrl });
  const settings = () => config.current();
  const upkeep = createUpkeep({ db, clock, machineId, thinSnapshots, keepWebhooks, settings });
  const roots = () => [...config.current().roots.map((root) => resolve(host.cwd, root)), ...named.roots];
  const discoverDepth = () => config.current().discoverDepth;
  return createService({
    ...{
      version: VERSION,
      createdAt: clock.now(),
      bus,
      log,
      enrol,
      projects,
      roots,
      discoverDepth,
      sync: tools.sync,
      tools: tools.github,
      progress,
      webhookSecret: () => config.current().webhookSecret,
      publicUrl,
    },
    health: { writeDatabase: () => markSeen(db, { workerId }), dataFolder: built.dataFolder },
    backup: { clock, databasePath: enrol.databasePath },
    createPipeline: () =>
      createPipeline({
        ...{ db, bus, clock, random, log, workerId, machineId, projects, scanner, upkeep },
        watch: config.current().watch ? { watchTree, openFolderEvents, ignores } : null,
        job: { ...tools, progress, refresh: (project, saved) => refreshProject(project, enrol, saved) },
        findConsented: () => enrolConsented(roots(), discoverDepth(), { ...enrol, log, projects }),
        settings: () => pipelineSettings(config.current()),
      }),
  });
}

export const machineOf = (host: Host, config: Config) => config.machineId ?? machineIdOf(host.hostname);

function newId(random: Random): string {
  return Math.floor(random() * 2 ** 48).toString(36);
}

type Parts = AppInput & {
  db: Database;
  lock: LockFile | null;
  projects: ProjectTable;
  dataFolder: string;
};
