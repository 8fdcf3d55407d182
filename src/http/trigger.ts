// POST /api/sync/trigger: ask for a sync now, of every project or of one.

import { createRoute } from '@hono/zod-openapi';
import type { z } from 'zod';
import type { ProjectId } from '../model/ids.ts';
import type { Service, TriggerOptions } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import { TriggerAllAnswerSchema, TriggerBodySchema, TriggerOneAnswerSchema } from './schemas/job.ts';
import { wireJob } from './wire.ts';

const triggerAllRoute = createRoute({
  method: 'post',
  path: '/api/sync/trigger',
  summary: 'Scan every enabled project now and sync what changed',
  request: { body: jsonBody(TriggerBodySchema) },
  responses: {
    202: json(TriggerAllAnswerSchema, 'What was queued, and what was not.'),
    ...problems(400, 408, 409, 413),
  },
});

const triggerOneRoute = createRoute({
  method: 'post',
  path: '/api/sync/trigger/{projectId}',
  summary: 'Sync one project now; asks the remote also when nothing changed here',
  request: { params: ProjectParamsSchema, body: jsonBody(TriggerBodySchema) },
  responses: { 202: json(TriggerOneAnswerSchema, 'The job.'), ...problems(400, 404, 408, 409, 413) },
});

type TriggerDeps = { service: Pick<Service, 'triggerAll' | 'triggerProject'> };

export function addTriggerRoutes(app: ApiApp, { service }: TriggerDeps): void {
  app.openapi(triggerAllRoute, async (c) => {
    const { scanned, queued, skipped } = await service.triggerAll(optionsOf(c.req.valid('json')));
    const jobs = queued.map(({ projectId, jobId }) => ({ projectId, jobId: String(jobId) }));
    return c.json({ success: true as const, scanned, queued: jobs, skipped }, 202);
  });
  app.openapi(triggerOneRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    const job = await service.triggerProject(projectId, optionsOf(c.req.valid('json')));
    return c.json({ success: true as const, job: wireJob(job) }, 202);
  });
}

function optionsOf({ immediate, priority }: z.infer<typeof TriggerBodySchema>): TriggerOptions {
  return priority === undefined ? { immediate } : { immediate, priority };
}
