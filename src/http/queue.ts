// GET /api/sync/queue: what waits, what runs, and how long it has been waiting.

import { createRoute } from '@hono/zod-openapi';
import type { Service } from '../model/service.ts';
import { listQueue, queueStats } from '../queue/reads.ts';
import type { Database } from '../store/database.ts';
import type { ApiApp } from './api-app.ts';
import { json, problems } from './schemas/common.ts';
import { QueueAnswerSchema, QueueQuerySchema } from './schemas/job.ts';
import { wireActiveJob, wireJob } from './wire.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/sync/queue',
  summary: 'Jobs that wait or run',
  request: { query: QueueQuerySchema },
  responses: { 200: json(QueueAnswerSchema, 'The queue.'), ...problems(400) },
});

export function addQueueRoutes(app: ApiApp, { db, service }: { db: Database; service: Service }): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor = null, state } = c.req.valid('query');
    const [page, stats] = await Promise.all([
      listQueue(db, { limit, cursor, ...(state && { state }) }),
      queueStats(db),
    ]);
    const { nextCursor } = page;
    const queue = page.queue.map(wireJob);
    const active = page.active.map((job) => wireActiveJob(job, service));
    return c.json({ success: true as const, queue, active, stats, nextCursor }, 200);
  });
}
