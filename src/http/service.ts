// Start, stop and look at the service.

import { createRoute } from '@hono/zod-openapi';
import type { Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { EmptyBodySchema, json, jsonBody, problems } from './schemas/common.ts';
import { ServiceAnswerSchema, StatusAnswerSchema } from './schemas/status.ts';
import { buildStatus, type StatusDeps } from './status.ts';

const startRoute = createRoute({
  method: 'post',
  path: '/api/sync/start',
  summary: 'Start watching and syncing; twice is no error',
  request: { body: jsonBody(EmptyBodySchema) },
  responses: { 200: json(ServiceAnswerSchema, 'It runs.'), ...problems(400, 408, 413) },
});

const stopRoute = createRoute({
  method: 'post',
  path: '/api/sync/stop',
  summary: 'Let running syncs finish, start no more',
  request: { body: jsonBody(EmptyBodySchema) },
  responses: { 200: json(ServiceAnswerSchema, 'It is stopped.'), ...problems(400, 408, 413) },
});

const statusRoute = createRoute({
  method: 'get',
  path: '/api/sync/status',
  summary: 'What the service does, and whether everything is safe',
  responses: { 200: json(StatusAnswerSchema, 'The status.'), ...problems() },
});

type ServiceDeps = StatusDeps & { service: Pick<Service, 'start' | 'stop'> };

export function addServiceRoutes(app: ApiApp, deps: ServiceDeps): void {
  const answer = async (message: string) => ({
    success: true as const,
    message,
    status: await buildStatus(deps),
  });
  app.openapi(startRoute, async (c) => {
    const wasStopped = await deps.service.start();
    return c.json(await answer(wasStopped ? 'Syncing has started.' : 'Syncing was running already.'), 200);
  });
  app.openapi(stopRoute, async (c) => {
    const wasRunning = await deps.service.stop();
    return c.json(await answer(wasRunning ? 'Syncing has stopped.' : 'Syncing was stopped already.'), 200);
  });
  app.openapi(statusRoute, async (c) => {
    return c.json({ success: true as const, status: await buildStatus(deps) }, 200);
  });
}
