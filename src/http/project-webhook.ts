// The webhook of a project's repository: shown with its deliveries, registered, taken away.

import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Service } from '../model/service.ts';
import { type Webhook, webhookHealth } from '../model/webhook.ts';
import type { ApiApp } from './api-app.ts';
import { EmptyBodySchema, json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import { ProjectWebhookAnswerSchema } from './schemas/webhook.ts';
import { isoOf, isoOrNull } from './wire.ts';

const PATH = '/api/sync/projects/{projectId}/webhook';
const answer = json(ProjectWebhookAnswerSchema, 'The webhook and its newest deliveries.');

const showRoute = createRoute({
  method: 'get',
  path: PATH,
  summary: 'The webhook of the repository, whether it delivers, and its newest deliveries',
  request: { params: ProjectParamsSchema },
  responses: { 200: answer, ...problems(404) },
});

const registerRoute = createRoute({
  method: 'post',
  path: PATH,
  summary: 'Register a webhook with the host, or mend the one that is there',
  request: { params: ProjectParamsSchema, body: jsonBody(EmptyBodySchema) },
  responses: { 200: answer, ...problems(400, 404, 408, 409, 413, 422) },
});

const removeRoute = createRoute({
  method: 'delete',
  path: PATH,
  summary: 'Take the webhook away, and register none again until asked',
  request: { params: ProjectParamsSchema, body: jsonBody(EmptyBodySchema) },
  responses: { 200: answer, ...problems(400, 404, 408, 409, 413, 422) },
});

type Deps = { clock: Clock; service: Pick<Service, 'webhook' | 'registerWebhook' | 'removeWebhook'> };

export function addProjectWebhookRoutes(app: ApiApp, { clock, service }: Deps): void {
  const wire = ({ webhook, deliveries }: Awaited<ReturnType<Service['webhook']>>) => ({
    success: true as const,
    webhook: webhook && wireWebhook(webhook, clock.now()),
    deliveries: deliveries.map((delivery) => ({ ...delivery, receivedAt: isoOf(delivery.receivedAt) })),
  });
  app.openapi(showRoute, async (c) => {
    return c.json(wire(await service.webhook(c.req.valid('param').projectId as ProjectId)), 200);
  });
  app.openapi(registerRoute, async (c) => {
    return c.json(wire(await service.registerWebhook(c.req.valid('param').projectId as ProjectId)), 200);
  });
  app.openapi(removeRoute, async (c) => {
    return c.json(wire(await service.removeWebhook(c.req.valid('param').projectId as ProjectId)), 200);
  });
}

function wireWebhook(webhook: Webhook, now: number) {
  const { fullName, hookId, url, reason, lastDeliveryAt, lastEvent, failure, failedAt, checkedAt } = webhook;
  return {
    health: webhookHealth(webhook, now),
    repository: fullName,
    isOurs: webhook.state === 'registered',
    ...{ hookId, url, reason, lastEvent, failure },
    lastDeliveryAt: isoOrNull(lastDeliveryAt),
    failingSince: isoOrNull(failedAt),
    checkedAt: isoOrNull(checkedAt),
  };
}
