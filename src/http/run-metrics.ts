// GET /api/sync/metrics: the history of a period in equal parts, for plots. Prometheus has its own route.

import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { type RunBucket, runMetrics } from '../store/run-metrics.ts';
import type { ApiApp } from './api-app.ts';
import { invalidRequest } from './problem.ts';
import { json, problems } from './schemas/common.ts';
import { RunMetricsAnswerSchema, RunMetricsQuerySchema } from './schemas/run-metrics.ts';
import { isoOf } from './wire.ts';

const DAY_MS = 86_400_000;

const metricsRoute = createRoute({
  method: 'get',
  path: '/api/sync/metrics',
  summary: 'Syncs, outcomes, durations and bytes of a period, in equal parts',
  request: { query: RunMetricsQuerySchema },
  responses: { 200: json(RunMetricsAnswerSchema, 'The period.'), ...problems(400) },
});

export function addRunMetricsRoutes(
  app: ApiApp,
  { db, clock }: { db: Database; clock: Pick<Clock, 'now'> },
): void {
  app.openapi(metricsRoute, async (c) => {
    const { until = clock.now(), since = until - DAY_MS, buckets: count, projectId } = c.req.valid('query');
    if (since >= until) {
      const message = `It must be before until (${isoOf(until)}), and is ${isoOf(since)}.`;
      throw invalidRequest([{ path: 'since', message }]);
    }
    const id = projectId as ProjectId | undefined;
    const period = { from: since, until, count, ...(id !== undefined && { projectId: id }) };
    const { totals, buckets } = await runMetrics(db, period);
    return c.json(
      {
        success: true as const,
        since: isoOf(since),
        until: isoOf(until),
        totals: { ...totals, successRate: rateOf(totals) },
        buckets: buckets.map(wireBucket),
      },
      200,
    );
  });
}

function wireBucket({ from, ...figures }: RunBucket) {
  return { from: isoOf(from), ...figures };
}

/** Of those that pushed or failed; null when none did. */
function rateOf({ good, bad }: { good: number; bad: number }): number | null {
  return good + bad === 0 ? null : good / (good + bad);
}
