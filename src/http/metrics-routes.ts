// The route of the metrics, and what counts every answer for them.

import { z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Clock } from '../host/clock.ts';
import type { ApiApp, ApiEnv } from './api-app.ts';
import type { Metrics } from './metrics.ts';
import { problems } from './schemas/common.ts';

const METRICS_PATH = '/metrics';

/** The live feed is left out: it ends when its listener likes. */
export function createRequestCounter({
  metrics,
  clock,
}: {
  metrics: Metrics;
  clock: Pick<Clock, 'monotonic'>;
}): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const began = clock.monotonic();
    await next();
    const isStream = c.get('upgraded') || c.res.headers.get('content-type')?.startsWith('text/event-stream');
    if (isStream) return;
    const route = routePath(c, -1);
    metrics.countRequest({
      method: c.req.method,
      // Middleware alone matched: there is no such route.
      route: route.includes('*') || route === '' ? 'none' : route,
      status: c.res.status,
      durationMs: clock.monotonic() - began,
    });
  };
}

export function addMetricsRoutes(app: ApiApp, { metrics }: { metrics: Metrics }): void {
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: METRICS_PATH,
    operationId: 'getPrometheusMetrics',
    summary: 'Figures for Prometheus: syncs, queue, gates, watcher, event loop, feeds and requests',
    responses: {
      200: {
        description: 'As Prometheus reads them.',
        content: { 'text/plain': { schema: z.string() } },
      },
      ...problems(),
    },
  });
  app.get(METRICS_PATH, async (c) => {
    c.header('Content-Type', metrics.contentType);
    return c.body(await metrics.render());
  });
}
