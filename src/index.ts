// The public API for embedding. Importing it starts nothing.

import { createApp } from './app.ts';
import { flatten, invalidConfig, mergeLayers, readEnvironment } from './config/layers.ts';
import { checkGitTools, type McpGitClient } from './git/mcp/git-tools.ts';
import { loadHost } from './host/load.ts';
import { createLog } from './host/log.ts';
import { takeOffPath } from './host/mounted-request.ts';
import type { FeedEvent } from './model/event.ts';

export { getAllProjectsWithGitHub } from './embed/get-all-projects.ts';
export { updateGitHubConfig } from './embed/update-github-config.ts';
export type { McpGitClient } from './git/mcp/git-tools.ts';
export type { FeedEvent } from './model/event.ts';
export { Failure, type Reason } from './model/failure.ts';
export type { GithubConfig, GithubConfigPatch } from './model/project-config.ts';
export { ProjectFileSchema } from './model/project-config.ts';

/** The historic shape: `{port, host, corsOrigin, schedulerOptions: {...}}`, and every other setting by its key. */
export type SyncOptions = Record<string, unknown> & {
  port?: number;
  host?: string;
  corsOrigin?: string | string[];
  schedulerOptions?: Record<string, unknown>;
  /** A connected MCP client whose server has git tools: it pushes for projects whose `github.engine` is `mcp`. */
  mcpClient?: McpGitClient;
};

type MountableApp = { fetch(request: Request, env?: unknown): Response | Promise<Response> };

export type SyncApi = {
  /** Where the API answers. */
  readonly url: string;
  /** The Hono app, for other apps to pass requests to. `env` as Hono passes it. */
  readonly app: MountableApp;
  /**
   * The same under a path: `outer.mount('/gitferry', api.at('/gitferry').fetch, { replaceRequest: false })`. It takes the
   * path off by itself, so that the feed's WebSocket can be opened there on Deno too.
   */
  at(path: string): MountableApp;
  /** Starts watching and syncing; also `POST /api/sync/start`. */
  start(): Promise<void>;
  /** Stops everything: running syncs finish, the server and the database close. */
  stop(): Promise<void>;
  /** Calls `listener` for each event of the feed; answers a function that ends it. */
  on(listener: (event: FeedEvent) => void): () => void;
};

/**
 * Starts the API server; syncing begins with `start()` or `POST /api/sync/start` unless `autoStart: true` is given.
 * Options are the strongest layer but for saved settings; the environment is read too.
 * @throws Failure `invalid-config` listing every fault, `mcp-git-refused`, `port-in-use`, `database-in-use`, …
 */
export async function createSyncAPI({ mcpClient, ...options }: SyncOptions = {}): Promise<SyncApi> {
  const host = await loadHost();
  if (mcpClient !== undefined) await checkGitTools(mcpClient);
  const environment = readEnvironment(host.env);
  const given = flatten({ autoStart: false, ...options }, 'createSyncAPI');
  const issues = [...environment.issues, ...given.issues];
  if (issues.length > 0) throw invalidConfig(issues);
  const layers = { environment: environment.layer, flag: given.layer };
  const log = createLog(mergeLayers(layers).config.logLevel);
  const app = await createApp({ host, layers, log, ...(mcpClient !== undefined && { mcpClient }) });
  try {
    await app.start();
  } catch (error) {
    await app.stop();
    throw error;
  }
  let ending: Promise<void> | null = null;
  const fetch: MountableApp['fetch'] = (request, env) => app.fetch(request, env as object | undefined);
  return {
    url: app.url,
    app: { fetch },
    at: (path) => ({ fetch: (request, env) => fetch(takeOffPath(request, path), env) }),
    start: async () => void (await app.service.start()),
    stop() {
      ending ??= app.stop();
      return ending;
    },
    on(listener) {
      const subscription = app.bus.follow({
        onEvents: (events) => events.forEach(listener),
        onMissed: () => log.warn('a listener of on() failed, or was too slow; it missed some events'),
        onReset: () => undefined,
      });
      return () => subscription.close();
    },
  };
}
