// GET /health: for load balancers and supervisors, without a token. Says what works and nothing else.

import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { HealthChecks, Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { json, onlyProblems } from './schemas/common.ts';
import { HealthSchema, type WireHealth } from './schemas/status.ts';

type HealthDeps = {
  service: Pick<Service, 'health' | 'version' | 'createdAt'>;
  clock: Pick<Clock, 'now'>;
  log: Log;
};

const healthRoute = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Whether the service works; needs no token',
  security: [],
  responses: {
    200: json(HealthSchema, 'It works, maybe with something degraded.'),
    503: json(HealthSchema, 'It cannot do its work.'),
    ...onlyProblems(403),
  },
});

export function addHealthRoutes(app: ApiApp, deps: HealthDeps): void {
  app.openapi(healthRoute, async (c) => {
    const checks = await readChecks(deps);
    const status = overall(checks);
    const uptimeMs = Math.max(0, Math.round(deps.clock.now() - deps.service.createdAt));
    const body = { success: status !== 'down', status, uptimeMs, version: deps.service.version, checks };
    return status === 'down' ? c.json(body, 503) : c.json(body, 200);
  });
}

// Without its details: they name paths and hosts, and anybody may ask.
async function readChecks({ service, log }: HealthDeps): Promise<WireHealth['checks']> {
  let found: HealthChecks;
  try {
    found = await service.health();
  } catch (error) {
    log.error({ err: error }, 'the health check failed');
    const failed = { ok: false };
    return { database: failed, scheduler: failed, watcher: failed, disk: failed };
  }
  const { database, scheduler, watcher, disk } = found;
  return {
    database: shown(database),
    scheduler: shown(scheduler),
    watcher: shown(watcher),
    disk: shown(disk),
  };
}

const shown = ({ ok, code }: HealthChecks['database']) => (code === undefined ? { ok } : { ok, code });

/** Without its database or its scheduler nothing is synced; without the others it is slower or at risk. */
function overall(checks: WireHealth['checks']): WireHealth['status'] {
  if (!checks.database.ok || !checks.scheduler.ok) return 'down';
  return checks.watcher.ok && checks.disk.ok ? 'ok' : 'degraded';
}
