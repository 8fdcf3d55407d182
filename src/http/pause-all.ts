// Pausing and resuming all projects at once. What is paused is stored with each project, so it survives a restart.

import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import type { Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { invalidRequest } from './problem.ts';
import { EmptyBodySchema, json, jsonBody, problems } from './schemas/common.ts';
import { PauseBodySchema } from './schemas/project.ts';
import { ServiceAnswerSchema } from './schemas/status.ts';
import { buildStatus, type StatusDeps } from './status.ts';

const pauseRoute = createRoute({
  method: 'post',
  path: '/api/sync/pause',
  summary: 'Stop syncing all projects for a while or until resumed',
  request: { body: jsonBody(PauseBodySchema) },
  responses: { 200: json(ServiceAnswerSchema, 'They are paused.'), ...problems(400, 408, 413) },
});

const resumeRoute = createRoute({
  method: 'post',
  path: '/api/sync/resume',
  summary: 'Go on syncing all projects',
  request: { body: jsonBody(EmptyBodySchema) },
  responses: { 200: json(ServiceAnswerSchema, 'None is paused any more.'), ...problems(400, 408, 413) },
});

type PauseDeps = StatusDeps & { service: Pick<Service, 'pauseAll' | 'resumeAll'> };

export function addPauseAllRoutes(app: ApiApp, deps: PauseDeps): void {
  const answer = async (message: string) => ({
    success: true as const,
    message,
    status: await buildStatus(deps),
  });
  app.openapi(pauseRoute, async (c) => {
    await deps.service.pauseAll(pauseEnd(c.req.valid('json').untilMs, deps.clock));
    return c.json(await answer('All projects are paused.'), 200);
  });
  app.openapi(resumeRoute, async (c) => {
    await deps.service.resumeAll();
    return c.json(await answer('All projects go on.'), 200);
  });
}

/** Null: until resumed. @throws Failure `invalid-request` for an instant that is over */
export function pauseEnd(untilMs: number | null | undefined, clock: Pick<Clock, 'now'>): number | null {
  if (untilMs === undefined || untilMs === null) return null;
  if (untilMs > clock.now()) return untilMs;
  const message = 'must be an instant in the future, as epoch milliseconds (no duration)';
  throw invalidRequest([{ path: 'untilMs', message }]);
}
