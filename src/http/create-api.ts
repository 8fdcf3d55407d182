// Puts the HTTP API together. Knows the running service by its type only; listening is the host's work.

import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import type { NoticeControl } from '../model/notice.ts';
import type { Service } from '../model/service.ts';
import { validTokenIds } from '../store/access-tokens.ts';
import type { Database } from '../store/database.ts';
import { type AccessOptions, createAccessCheck } from './access.ts';
import { type ApiApp, createApiApp } from './api-app.ts';
import { addAuditRoutes, createAuditor } from './audit.ts';
import { addBackupRoutes } from './backup.ts';
import { createBodyReader } from './body.ts';
import { addConfigRoutes, type ConfigAccess } from './config.ts';
import { addConflictRoutes } from './conflict.ts';
import { addCredentialRoutes } from './credentials.ts';
import { addFeedRoutes } from './feed-routes.ts';
import { createFigureReader } from './figures.ts';
import { createHeaders } from './headers.ts';
import { addHealthRoutes } from './health.ts';
import { addHeldRoutes } from './held.ts';
import { addHistoryRoutes } from './history.ts';
import { addMachineRoutes } from './machines.ts';
import { addMcpRoutes } from './mcp.ts';
import { createMetrics } from './metrics.ts';
import { addMetricsRoutes, createRequestCounter } from './metrics-routes.ts';
import { addNoticeRoutes } from './notices.ts';
import { createOpenFeeds } from './open-feeds.ts';
import { addOpenApiRoutes } from './openapi.ts';
import { addPageRoutes } from './page.ts';
import { addPauseAllRoutes } from './pause-all.ts';
import { createPeople } from './people.ts';
import { createErrorHandler } from './problem.ts';
import { addProjectWebhookRoutes } from './project-webhook.ts';
import { addProjectRoutes } from './projects.ts';
import { addQueueRoutes } from './queue.ts';
import { addRepositoryRoutes } from './repositories.ts';
import { createRequestIds } from './request-id.ts';
import { createRouteCheck } from './routing.ts';
import { addRunMetricsRoutes } from './run-metrics.ts';
import { addServiceRoutes } from './service.ts';
import { addSnapshotRoutes } from './snapshots.ts';
import { addTicketRoutes, createTickets } from './tickets.ts';
import { addTokenRoutes } from './tokens.ts';
import { addTriggerRoutes } from './trigger.ts';
import { addWebhookRoutes } from './webhooks.ts';

export type ApiDeps = {
  db: Database;
  bus: EventBus;
  service: Service;
  notices: NoticeControl;
  config: ConfigAccess;
  clock: Clock;
  log: Log;
  /** Asked at every request, so that changed settings apply at once. */
  access: () => AccessOptions;
  upgradeWebSocket: Host['upgradeWebSocket'];
  /** Names an unexpected error in the answer and in the log. */
  newId(): string;
};

export type Api = {
  app: ApiApp;
  /**
   * Ends every open feed (WebSocket: close code 1001) and resolves when the peers have gone or were given up after
   * 2 s. Final: no feed is admitted afterwards. Call it before the server is closed.
   */
  closeFeeds(): Promise<void>;
};

export function createApi(ports: ApiDeps): Api {
  const deps = { ...ports, figures: createFigureReader(ports) };
  const app = createApiApp();
  const tickets = createTickets(deps);
  const feeds = createOpenFeeds({ ...ports, validTokenIds: (tokenIds) => validTokenIds(ports.db, tokenIds) });
  const people = createPeople({ ...ports, onRevoked: feeds.recheck });
  const metrics = createMetrics({ ...deps, feeds });
  app.onError(createErrorHandler(deps));
  app.use(createRequestCounter({ ...deps, metrics }));
  app.use(createRequestIds(deps));
  app.use(createHeaders(deps));
  app.use(createAuditor(deps));
  app.use(createAccessCheck({ access: deps.access, tickets, people }));
  app.use(createRouteCheck(() => app.routes));
  app.use('/api/sync/*', createBodyReader(deps));
  addServiceRoutes(app, deps);
  addPauseAllRoutes(app, deps);
  addTriggerRoutes(app, deps);
  addQueueRoutes(app, deps);
  addMachineRoutes(app, deps);
  addHistoryRoutes(app, deps);
  addRunMetricsRoutes(app, deps);
  addConfigRoutes(app, deps);
  addBackupRoutes(app, deps);
  addCredentialRoutes(app, deps);
  addProjectRoutes(app, deps);
  addRepositoryRoutes(app, deps);
  addConflictRoutes(app, deps);
  addHeldRoutes(app, deps);
  addSnapshotRoutes(app, deps);
  addWebhookRoutes(app, deps);
  addProjectWebhookRoutes(app, deps);
  addNoticeRoutes(app, deps);
  addTicketRoutes(app, { tickets });
  addTokenRoutes(app, { ...deps, people });
  addAuditRoutes(app, deps);
  addFeedRoutes(app, { ...deps, feeds });
  addHealthRoutes(app, deps);
  addMcpRoutes(app, deps);
  addMetricsRoutes(app, { metrics });
  addPageRoutes(app);
  addOpenApiRoutes(app, deps.service);
  const closeFeeds = () => {
    metrics.close();
    return feeds.closeAll();
  };
  return { app, closeFeeds };
}
