// POST /api/webhooks/github: what GitHub tells of repositories. No token, because GitHub has none: the signature over
// exactly the bytes that came says who it is. What is told, and what is done about it, the service knows.

import type { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import type { Service } from '../model/service.ts';
import { WEBHOOK_PATH } from './access.ts';
import type { ApiApp } from './api-app.ts';
import { MAX_BODY_BYTES, readWithin } from './body.ts';
import { json, onlyProblems } from './schemas/common.ts';
import { WebhookAnswerSchema, WebhookHeadersSchema } from './schemas/webhook.ts';

// Registered by hand: the usual way would read the body as JSON before its signature is known.
const receiveRoute: Parameters<typeof createRoute>[0] = {
  method: 'post',
  path: WEBHOOK_PATH,
  summary: 'Receive what GitHub tells of repositories; signed, needs no token',
  security: [{}],
  request: {
    headers: WebhookHeadersSchema,
    body: { content: { 'application/json': { schema: { type: 'object' } } }, required: true },
  },
  responses: {
    202: json(WebhookAnswerSchema, 'It was understood, or does not matter here.'),
    ...onlyProblems(400, 401, 408, 413, 500, 503),
  },
};

type WebhookDeps = { service: Pick<Service, 'receiveWebhook'>; clock: Clock };

export function addWebhookRoutes(app: ApiApp, { service, clock }: WebhookDeps): void {
  app.openAPIRegistry.registerPath(receiveRoute);
  app.post(WEBHOOK_PATH, async (c) => {
    const header = (name: string) => c.req.header(name) ?? null;
    const { queued, ...result } = await service.receiveWebhook({
      deliveryId: header('x-github-delivery'),
      event: header('x-github-event'),
      signature: header('x-hub-signature-256'),
      hookId: header('x-github-hook-id'),
      contentType: header('content-type'),
      body: await readWithin(c.req.raw, { maxBytes: MAX_BODY_BYTES, clock }),
    });
    const jobs = queued.map(({ projectId, jobId }) => ({ projectId, jobId: String(jobId) }));
    return c.json({ success: true as const, ...result, queued: jobs }, 202);
  });
}
